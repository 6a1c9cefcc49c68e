# SPDX-License-Identifier: Apache-2.0
"""Quality of service by the names of its parameters, and mismatches in words."""

import pytest
from rclpy.qos import QoSDurabilityPolicy, QoSProfile, QoSReliabilityPolicy

from afformer_ros.quality_of_service import QosParameters, mismatch

BEST_EFFORT = QoSProfile(depth=1, reliability=QoSReliabilityPolicy.BEST_EFFORT)
RELIABLE = QoSProfile(depth=1, reliability=QoSReliabilityPolicy.RELIABLE)
LATCHED = QoSProfile(depth=1, durability=QoSDurabilityPolicy.TRANSIENT_LOCAL)


@pytest.mark.parametrize('topic', ['image', 'depth', 'camera_info', 'demonstration'])
def test_inputs_follow_their_publishers_and_are_reliable_until_there_is_one(topic):
    quality = QosParameters().input_quality(topic)
    assert quality.follows_publishers
    assert quality.profile.reliability == QoSReliabilityPolicy.RELIABLE


def test_an_input_of_a_profile_follows_nobody():
    quality = QosParameters(image_qos='SENSOR_DATA').input_quality('image')
    assert not quality.follows_publishers
    assert quality.profile.reliability == QoSReliabilityPolicy.BEST_EFFORT


def test_a_profile_by_its_name():
    profile = QosParameters(depth_qos='DEFAULT', depth_qos_depth=7).profile('depth')
    assert (profile.reliability, profile.depth) == (QoSReliabilityPolicy.RELIABLE, 7)


@pytest.mark.parametrize(
    ('offered', 'requested'),
    [(RELIABLE, BEST_EFFORT), (BEST_EFFORT, BEST_EFFORT), (LATCHED, BEST_EFFORT)],
)
def test_what_fits(offered, requested):
    assert mismatch('image', '/camera', offered, requested) == ''


def test_best_effort_does_not_satisfy_who_asks_for_reliable():
    assert mismatch('image', '/camera', BEST_EFFORT, RELIABLE) == (
        '/camera offers image with BEST_EFFORT; expected RELIABLE. '
        'Set image_qos to AUTO or SENSOR_DATA'
    )


def test_other_mismatches_are_told_too():
    told = mismatch('image', '/camera', RELIABLE, LATCHED)
    assert told.startswith('the quality of service of /camera does not fit image: ')
    assert 'transient local' in told.lower()

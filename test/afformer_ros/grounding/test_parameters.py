# SPDX-License-Identifier: Apache-2.0
"""Parameters of the grounding node: what is refused, and where things lie."""

import pathlib

import pytest
from rclpy.qos import QoSReliabilityPolicy

from afformer_ros.grounding.parameters import GroundingParameters, QosParameters


def test_the_store_lies_in_the_home_of_ros(monkeypatch):
    monkeypatch.setenv('ROS_HOME', '/var/ros')
    assert GroundingParameters().store_path == pathlib.Path('/var/ros/afformer/demonstrations')
    monkeypatch.delenv('ROS_HOME')
    monkeypatch.setenv('HOME', '/home/robot')
    expected = pathlib.Path('/home/robot/.ros/afformer/demonstrations')
    assert GroundingParameters().store_path == expected
    assert GroundingParameters(store_folder='/data').store_path == pathlib.Path('/data')


def test_folders_that_may_be_read(tmp_path):
    (tmp_path / 'link').symlink_to(tmp_path)
    parameters = GroundingParameters(demonstration_folders=('', str(tmp_path / 'link')))
    assert parameters.readable_folders == (tmp_path.resolve(),)
    assert GroundingParameters().readable_folders == ()


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

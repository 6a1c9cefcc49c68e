# SPDX-License-Identifier: Apache-2.0
"""Detections by the definitions of vision_msgs 4.1, which PyPI does not have."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from rosbags.typesys import get_types_from_msg

from afformer_core.geometry.transform import RigidTransform
from afformer_core.messages.rosbags_messages import RosbagsMessages, affordance_typestore
from afformer_core.outputs.detections import detections_message
from afformer_core.outputs.outputs import OutputMessages
from afformer_core.outputs.results import CameraFrame, OutputSettings, Placement

from ..messages.conftest import NO_DEPTH, ON_TABLE, header_of

DEFINITIONS = {
    'Point2D': 'float64 x\nfloat64 y',
    'Pose2D': 'vision_msgs/Point2D position\nfloat64 theta',
    'BoundingBox2D': 'vision_msgs/Pose2D center\nfloat64 size_x\nfloat64 size_y',
    'ObjectHypothesis': 'string class_id\nfloat64 score',
    'ObjectHypothesisWithPose': 'ObjectHypothesis hypothesis\n'
    'geometry_msgs/PoseWithCovariance pose',
    'Detection2D': 'std_msgs/Header header\nObjectHypothesisWithPose[] results\n'
    'BoundingBox2D bbox\nstring id',
    'Detection2DArray': 'std_msgs/Header header\nDetection2D[] detections',
}


@pytest.fixture(scope='module')
def typestore():
    store = affordance_typestore()
    for name, text in DEFINITIONS.items():
        store.register(get_types_from_msg(text, f'vision_msgs/msg/{name}'))
    return store


@pytest.fixture
def vision_factory(typestore):
    return RosbagsMessages(typestore)


@pytest.fixture
def found(result):
    """A blob of 7 x 5 pixels around the first of two points, and one pixel at the other."""
    heatmap = np.zeros((48, 64), np.float32)
    heatmap[21:26, 28:35] = 0.9 / 35
    heatmap[0, 0] = 0.1
    seen = result((ON_TABLE, NO_DEPTH))
    return replace(seen, grounding=replace(seen.grounding, probabilities=heatmap))


def _detections(factory, result):
    header = header_of(factory)
    return detections_message(factory, result, header, header, 0.5)


def test_a_box_around_the_region_of_each_point(vision_factory, found):
    message = _detections(vision_factory, found)
    boxes = [
        (box.center.position.x, box.center.position.y, box.size_x, box.size_y)
        for box in (one.bbox for one in message.detections)
    ]
    assert boxes == [(31.0, 23.0, 7.0, 5.0), (0.0, 0.0, 1.0, 1.0)]


def test_the_best_action_with_the_score_of_the_point(vision_factory, found):
    message = _detections(vision_factory, found)
    told = [
        (one.id, one.header.frame_id, result.hypothesis.class_id, result.hypothesis.score)
        for one in message.detections
        for result in one.results
    ]
    assert told == [('coffee', 'camera', 'press', 0.5), ('coffee', 'camera', 'press', 0.25)]


def test_the_position_and_its_covariance(vision_factory, found):
    message = _detections(vision_factory, found)
    first, second = (one.results[0].pose for one in message.detections)
    position, unknown = first.pose.position, second.pose.position
    assert (position.x, position.y, position.z) == (0.1, -0.2, 0.8)
    assert np.isnan([unknown.x, unknown.y, unknown.z]).all()
    covariance = np.asarray(first.covariance).reshape(6, 6)
    np.testing.assert_array_equal(covariance[:3, :3], np.arange(9).reshape(3, 3) / 1000)
    assert np.isnan(covariance[3:]).all()


def test_an_abstention_has_no_detection(vision_factory, result):
    header = header_of(vision_factory)
    message = detections_message(vision_factory, result(found=False), header, header, 0.5)
    assert (len(message.detections), message.header.frame_id) == (0, 'camera')


def test_the_message_can_be_written(vision_factory, typestore, found):
    message = _detections(vision_factory, found)
    written = typestore.serialize_cdr(message, 'vision_msgs/msg/Detection2DArray')
    read = typestore.deserialize_cdr(written, 'vision_msgs/msg/Detection2DArray')
    assert read.detections[0].results[0].hypothesis.class_id == 'press'


def test_each_detection_that_is_held_has_the_stamp_of_its_image(vision_factory, result):
    held = result((ON_TABLE, NO_DEPTH), age=0.4, stamp=11_600_000_034)
    frame = CameraFrame(np.zeros((48, 64, 3), np.uint8), 12_000_000_034, 'camera')
    header = header_of(vision_factory)
    placement = Placement('base', RigidTransform(np.eye(3), np.array([0.3, -0.2, 1.5])))
    messages = OutputMessages(vision_factory, OutputSettings(), frame, header, held, placement)
    message = messages.create('detections')
    assert message.header == header
    headers = [one.header for one in message.detections]
    told = [(one.frame_id, one.stamp.sec, one.stamp.nanosec) for one in headers]
    assert told == 2 * [('camera', 11, 600_000_034)]
    position = message.detections[0].results[0].pose.pose.position
    assert (position.x, position.y, position.z) == (0.1, -0.2, 0.8)

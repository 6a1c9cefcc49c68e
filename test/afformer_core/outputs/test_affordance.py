import math
from dataclasses import replace

import numpy as np
import pytest
from rosbags.typesys import get_types_from_msg

from afformer_core.geometry.approach import Approach, ApproachSource
from afformer_core.geometry.grasp import GraspCandidate
from afformer_core.geometry.motion import MotionType, PartMotion
from afformer_core.geometry.transform import RigidTransform
from afformer_core.messages.rosbags_messages import RosbagsMessages, affordance_typestore
from afformer_core.outputs.affordance import (
    PointGeometry,
    affordance_message,
    cloud_message,
    detections_message,
    grasp_candidates_message,
)
from afformer_core.outputs.outputs import OutputMessages
from afformer_core.outputs.results import CameraFrame, OutputSettings, Placement

from ..messages.conftest import NO_DEPTH, ON_TABLE, header_of

LED = Approach(np.array([0.0, 0.28, 0.96]), ApproachSource.MOTION)
CANDIDATE = GraspCandidate(
    np.array([0.1, -0.2, 0.8]), np.array([0.5, -0.5, 0.5, 0.5]), 0.5, axis_known=True
)
BEFORE = GraspCandidate(np.array([0.1, -0.2, 0.7]), np.array([0.5, -0.5, 0.5, 0.5]), 0.5)
UNKNOWN = PointGeometry(PartMotion.unknown('which way is up is not known'))
PULLED = PointGeometry(
    PartMotion(MotionType.TRANSLATION, np.array([0.0, 0.6, -0.8]), ''),
    LED,
    CANDIDATE,
    BEFORE,
    0.025,
)


def _message(factory, result, geometries=(UNKNOWN, UNKNOWN)):
    base = header_of(factory, 'base')
    base.stamp.sec = 11
    return affordance_message(factory, result, geometries, header_of(factory), base)


def _numbers(point):
    """Every number of position, normal, approach, poses, motion, covariance and width."""
    poses = (point.grasp_candidate, point.pre_grasp)
    parts = [part for pose in poses for part in (pose.position, pose.orientation)]
    vectors = (point.position, point.normal, point.approach, *parts, point.motion)
    axes = [[getattr(one, axis) for axis in 'xyzw' if hasattr(one, axis)] for one in vectors]
    return [*axes, list(point.position_covariance), [point.grasp_width]]


def test_the_result_as_numbers(factory, result):
    message = _message(factory, result(age=0.5))
    assert message.header == header_of(factory)
    assert (message.demonstration, message.found) == ('coffee', True)
    assert (message.position_frame, message.position_stamp.sec) == ('base', 11)
    assert (message.confidence, message.feature_similarity, message.continuity) == (
        0.5,
        0.875,
        0.75,
    )
    assert message.age == 0.5
    actions = [(action.name, action.score) for action in message.actions]
    assert actions == [('press', 0.75), ('hold', 0.25)]
    points = [(point.u, point.v, point.score) for point in message.points]
    assert points == [(31.5, 23.5, 0.5), (0.0, 0.0, 0.25)]


def test_everything_that_is_known_of_a_point(factory, result):
    message = _message(factory, result((ON_TABLE, ON_TABLE)), (PULLED, UNKNOWN))
    point = message.points[0]
    position, normal, approach, *poses, motion, covariance, width = _numbers(point)
    assert (point.position_valid, point.normal_valid, point.position_problem) == (True, True, '')
    assert (position, normal) == ([0.1, -0.2, 0.8], [0, 0, -1])
    assert (point.approach_source, approach) == (2, [0, 0.28, 0.96])
    assert [one.grasp_axis_known for one in message.points] == [True, False]
    turn = [0.5, -0.5, 0.5, 0.5]
    assert [one.grasp_candidate_valid for one in message.points] == [True, False]
    assert poses == [[0.1, -0.2, 0.8], turn, [0.1, -0.2, 0.7], turn]
    assert (point.motion_valid, point.motion_type, point.motion_problem) == (True, 1, '')
    assert motion == [0.0, 0.6, -0.8]
    np.testing.assert_array_equal(covariance, np.arange(9) / 1000)
    assert width == [pytest.approx(0.025)]


def test_what_is_unknown_of_a_point_says_why(factory, result):
    first, second = _message(factory, result((ON_TABLE, NO_DEPTH))).points
    assert (first.motion_valid, first.motion_type) == (False, 0)
    assert first.motion_problem == 'which way is up is not known'
    assert (second.position_valid, second.normal_valid) == (False, False)
    assert not second.grasp_candidate_valid
    assert second.position_problem == 'no depth is received'


def test_a_normal_that_is_unknown_is_no_number(factory, result):
    surface = replace(ON_TABLE, normal=None)
    point = _message(factory, result((surface, NO_DEPTH))).points[0]
    assert (point.position_valid, point.normal_valid) == (True, False)
    position, normal, _, *rest = _numbers(point)
    assert position == [0.1, -0.2, 0.8]
    assert np.isnan(normal).all()
    candidate = [*rest[:4], rest[-1]]
    assert all(np.isnan(one).all() for one in candidate)


def test_what_is_unknown_of_a_point_is_no_number(factory, result):
    point = _message(factory, result((ON_TABLE, NO_DEPTH))).points[1]
    numbers = _numbers(point)
    assert point.approach_source == 0
    assert [len(one) for one in numbers] == [3, 3, 3, 3, 4, 3, 4, 3, 9, 1]
    assert all(np.isnan(one).all() for one in numbers)


def test_presence_certainty_and_their_thresholds(factory, result):
    known = result(presence=0.75, presence_threshold=0.25)
    grounding = replace(known.grounding, certainty=0.375, certainty_threshold=0.625)
    message = _message(factory, replace(known, grounding=grounding))
    assert (message.presence, message.presence_threshold) == (0.75, 0.25)
    assert (message.certainty, message.certainty_threshold) == (0.375, 0.625)
    assert message.unsure
    grounding = replace(known.grounding, certainty_threshold=None)
    unknown = _message(factory, result(grounding=grounding))
    assert unknown.unsure
    names = ('presence', 'certainty', 'presence_threshold', 'certainty_threshold')
    assert all(math.isnan(getattr(unknown, name)) for name in (*names, 'action_threshold'))


@pytest.mark.parametrize(('threshold', 'action'), [(0.625, 'press'), (0.875, 'unknown')])
def test_an_action_is_named_from_its_threshold_on(factory, result, threshold, action):
    scores = {'press': 0.75, 'hold': 0.25}
    grounding = replace(result().grounding, action_scores=scores, action_threshold=threshold)
    message = _message(factory, replace(result(), grounding=grounding))
    assert (message.action, message.action_threshold) == (action, threshold)
    assert [(one.name, one.score) for one in message.actions] == list(scores.items())


def test_an_abstention_has_no_points_but_tells_the_confidence(factory, result):
    message = _message(factory, result(found=False))
    assert (message.found, list(message.points), message.confidence) == (False, [], 0.5)
    assert len(message.actions) == 2


def test_poses_in_their_order(factory):
    candidates = [
        GraspCandidate(np.array([1.0, 2.0, 3.0]), np.array([0.5, -0.5, 0.5, 0.5]), 0.75),
        GraspCandidate(np.array([4.0, 5.0, 6.0]), np.array([1.0, 0.0, 0.0, 0.0]), 0.25),
    ]
    message = grasp_candidates_message(factory, candidates, header_of(factory))
    poses = [
        (p.position.x, p.position.y, p.position.z, o.x, o.y, o.z, o.w)
        for p, o in ((pose, pose.orientation) for pose in message.poses)
    ]
    assert poses == [(1, 2, 3, 0.5, -0.5, 0.5, 0.5), (4, 5, 6, 1, 0, 0, 0)]
    assert message.header == header_of(factory)


def test_the_layout_of_a_cloud(factory):
    cloud = np.array([[1, 2, 3, 0.5], [4, 5, 6, 1]], np.float32)
    message = cloud_message(factory, cloud, header_of(factory))
    fields = [(field.name, field.offset, field.datatype, field.count) for field in message.fields]
    assert fields == [('x', 0, 7, 1), ('y', 4, 7, 1), ('z', 8, 7, 1), ('weight', 12, 7, 1)]
    assert (message.height, message.width) == (1, 2)
    assert (message.point_step, message.row_step) == (16, 32)
    assert (message.is_bigendian, message.is_dense) == (False, True)
    assert message.header == header_of(factory)


def test_the_points_of_a_cloud(factory):
    cloud = np.arange(32, dtype=np.float32).reshape(4, 8)[::2, ::2]
    message = cloud_message(factory, cloud, header_of(factory))
    data = np.frombuffer(message.data, '<f4').reshape(-1, 4)
    np.testing.assert_array_equal(data, [[0, 2, 4, 6], [16, 18, 20, 22]])


@pytest.mark.parametrize(
    'cloud', [np.zeros((2, 3), np.float32), np.zeros((2, 4)), np.zeros(4, np.float32)]
)
def test_arrays_that_are_no_clouds(rosbags_factory, cloud):
    with pytest.raises(ValueError, match=r'expected float32 \[N, 4\]'):
        cloud_message(rosbags_factory, cloud, header_of(rosbags_factory))


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
def vision_typestore():
    store = affordance_typestore()
    for name, text in DEFINITIONS.items():
        store.register(get_types_from_msg(text, f'vision_msgs/msg/{name}'))
    return store


@pytest.fixture
def vision_factory(vision_typestore):
    return RosbagsMessages(vision_typestore)


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


def test_the_message_can_be_written(vision_factory, vision_typestore, found):
    message = _detections(vision_factory, found)
    written = vision_typestore.serialize_cdr(message, 'vision_msgs/msg/Detection2DArray')
    read = vision_typestore.deserialize_cdr(written, 'vision_msgs/msg/Detection2DArray')
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

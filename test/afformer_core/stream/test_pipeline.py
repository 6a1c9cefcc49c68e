# SPDX-License-Identifier: Apache-2.0
"""Depth found again by the stamp of an image, and positions from a camera that moves.

Each position is placed by the pose of the image that it is of. The turns and the expected numbers
are by hand.
"""

import threading
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from afformer_core.geometry.transform import RigidTransform, TransformError
from afformer_core.messages.factory import MessageFactory
from afformer_core.messages.rosbags_messages import RosbagsMessages, affordance_typestore
from afformer_core.messages.stamps import stamp_nanoseconds
from afformer_core.outputs.outputs import OutputMessages
from afformer_core.outputs.results import FramePlacements
from afformer_core.stream.pipeline import DepthBuffer, GroundingPipeline, SpatialInputs
from afformer_core.stream.settings import PipelineSettings


@pytest.fixture
def buffer():
    made = DepthBuffer(3)
    for stamp in (100, 200, 300):
        made.add(stamp, f'depth {stamp}')
    return made


def test_the_nearest_within_the_tolerance(buffer):
    assert buffer.nearest(240, 50) == 'depth 200'
    assert buffer.nearest(260, 50) == 'depth 300'
    assert buffer.nearest(360, 50) is None


def test_the_oldest_gives_way(buffer):
    buffer.add(400, 'depth 400')
    assert buffer.nearest(100, 10) is None
    assert buffer.nearest(200, 10) == 'depth 200'


def test_a_clock_that_jumps_back_empties_it(buffer):
    buffer.add(50, 'depth 50')
    assert buffer.nearest(300, 10) is None
    assert buffer.nearest(50, 10) == 'depth 50'


def test_of_equal_stamps_the_newest():
    buffer = DepthBuffer(3)
    for item in ('first', 'second'):
        buffer.add(0, item)
    assert buffer.nearest(0, 0) == 'second'


def test_it_waits_for_what_is_on_its_way(buffer):
    threading.Timer(0.05, buffer.add, (400, 'depth 400')).start()
    assert buffer.wait(400, patience=10.0)
    assert buffer.nearest(400, 10) == 'depth 400'


@pytest.mark.parametrize('stamp', [270, 300, 340, 350])
def test_it_does_not_wait_where_the_next_would_be_farther(buffer, stamp):
    assert buffer.wait(stamp, patience=0.0)


def test_of_one_alone_it_is_not_known_when_the_next_comes():
    buffer = DepthBuffer(3)
    buffer.add(300, 'depth 300')
    assert not buffer.wait(301, patience=0.0)


def test_it_gives_up_waiting(buffer):
    begin = time.monotonic()
    assert not buffer.wait(400, patience=0.05)
    assert time.monotonic() - begin >= 0.05


def test_what_is_expected_stays_however_many_come_later(buffer):
    kept = buffer.expect(190)
    late = buffer.expect(420)
    for stamp in range(400, 900, 100):
        buffer.add(stamp, f'depth {stamp}')
    assert buffer.nearest(190, 10) == 'depth 200'
    assert buffer.nearest(420, 20) == 'depth 400'
    assert buffer.nearest(300, 10) is None
    del kept
    assert buffer.nearest(190, 10) is None
    assert late.stamp == 420


def test_of_equal_stamps_the_newest_is_kept_for_what_is_expected():
    buffer = DepthBuffer(1)
    kept = buffer.expect(0)
    for stamp, item in ((0, 'first'), (0, 'second'), (9, 'later')):
        buffer.add(stamp, item)
    assert buffer.nearest(kept.stamp, 0) == 'second'


def test_a_clock_that_jumps_back_empties_what_is_expected_too(buffer):
    kept = buffer.expect(200)
    buffer.add(50, 'depth 50')
    assert buffer.nearest(kept.stamp, 100) is None


def test_how_far_the_nearest_is_behind(buffer):
    assert buffer.lag(500_000_300) == pytest.approx(0.5)
    buffer.add(500_000_200, 'much newer')
    assert buffer.lag(250_000_250) == pytest.approx(-0.24999995)
    assert DepthBuffer(1).lag(0) is None


# The wall is 0.8 m ahead, and the element at the pixel (41.5, 14) of a camera whose focal length
# is 50 pixels and whose centre (31.5, 31.5).
AT_CAMERA = (0.16, -0.28, 0.8)
# By stamps of tenths of a second: pose of the camera in `base`, as the quaternion (x, y, z, w) and
# the shift, and what it makes of the position.
POSES = {
    100: ((0.1, 0.5, 0.5, 0.7), (1.0, 2.0, 3.0), (1.808, 2.2816, 3.1088)),
    103: ((0.5, -0.1, 0.7, 0.5), (1.1, 1.8, 2.9), (1.804, 1.5184, 3.3112)),
    106: ((-0.3, 0.3, 0.1, 0.9), (1.2, 1.6, 2.8), (1.8128, 1.856, 3.3504)),
}
SETTINGS = PipelineSettings(
    smoothing_time=0.0, hold_time=2.0, minimum_presence=-1.0, peak_tolerance=0.0
)
FOUND, COVERED = 0.9, 0.1


@pytest.fixture(scope='module')
def factory() -> MessageFactory:
    return RosbagsMessages(affordance_typestore())


def _stamp(tenths: int) -> int:
    return tenths * 10**8


class Camera:
    """A camera of 64 x 64 pixels towards a wall, of which images are taken one by one."""

    def __init__(self, factory: MessageFactory, predict: Any, target: str, frame: str) -> None:
        self._factory = factory
        self._predict = predict
        self._frame = frame
        self._spatial = SpatialInputs('depth', 'camera_info')
        poses = {}
        for tenths, (turn, shift, _) in POSES.items():
            pose = factory.create('geometry_msgs/msg/Transform')
            pose.rotation.x, pose.rotation.y, pose.rotation.z, pose.rotation.w = turn
            pose.translation.x, pose.translation.y, pose.translation.z = shift
            poses['base', 'camera', _stamp(tenths)] = RigidTransform.from_message(pose)

        def look_up(target: str, source: str, stamp: int) -> RigidTransform:
            if (target, source, stamp) not in poses:
                raise TransformError('they are not connected')
            return poses[target, source, stamp]

        placements = FramePlacements(look_up, target)
        self._pipeline = GroundingPipeline(
            factory,
            self._spatial,
            lambda header: placements.placement(header.frame_id, stamp_nanoseconds(header.stamp)),
        )

    def take(self, tenths: int, feature_similarity: float) -> OutputMessages:
        """Ground an image; what is there looks so much like the demonstration."""
        header = self._header(tenths)
        data = np.full(64 * 64 * 2, 0, np.uint8)
        data.view('<u2')[:] = 800
        self._spatial.add_depth(_stamp(tenths), self._image(header, '16UC1', data))
        info = self._factory.create(
            'sensor_msgs/msg/CameraInfo', header=header, width=64, height=64,
            distortion_model='plumb_bob',
        )  # fmt: skip
        info.k = np.array([50.0, 0, 31.5, 0, 50.0, 31.5, 0, 0, 1])
        self._spatial.add_camera_info(info)
        image = self._image(header, 'rgb8', np.full(64 * 64 * 3, 100, np.uint8))
        observed = self._pipeline.observe(
            image, lambda _: self._predict(41.5, 14.0, feature_similarity), SETTINGS
        )
        return self._pipeline.compose(observed, 'press', SETTINGS).messages

    def _header(self, tenths: int) -> Any:
        seconds, rest = divmod(tenths, 10)
        stamp = self._factory.create(
            'builtin_interfaces/msg/Time', sec=seconds, nanosec=rest * 10**8
        )
        return self._factory.create('std_msgs/msg/Header', stamp=stamp, frame_id=self._frame)

    def _image(self, header: Any, encoding: str, data: Any) -> Any:
        return self._factory.create(
            'sensor_msgs/msg/Image', header=header, encoding=encoding, width=64, height=64,
            step=data.size // 64, data=data,
        )  # fmt: skip


Make = Callable[..., Camera]


@pytest.fixture
def camera(factory: MessageFactory, predict: Any) -> Make:
    def make(target: str = 'base', frame: str = 'camera') -> Camera:
        return Camera(factory, predict, target, frame)

    return make


def _tenths(stamp: Any) -> int:
    return int(stamp.sec * 10 + stamp.nanosec // 10**8)


def _vector(message: Any) -> tuple[float, float, float]:
    return message.x, message.y, message.z


def test_each_image_has_the_pose_of_its_stamp(camera: Make) -> None:
    moving = camera()
    for tenths, (_, _, expected) in POSES.items():
        affordance = moving.take(tenths, FOUND).create('affordance')
        assert (affordance.position_frame, _tenths(affordance.position_stamp)) == ('base', tenths)
        np.testing.assert_allclose(_vector(affordance.points[0].position), expected, atol=1e-4)


@pytest.mark.parametrize('later', [103, 106])
def test_what_is_held_keeps_the_pose_of_its_image(camera: Make, later: int) -> None:
    moving = camera()
    moving.take(100, FOUND)
    for tenths in (103, 106):
        messages = moving.take(tenths, COVERED)
        if tenths == later:
            break
    affordance = messages.create('affordance')
    assert affordance.age == pytest.approx((later - 100) / 10)
    assert _tenths(affordance.header.stamp) == later
    assert (affordance.position_frame, _tenths(affordance.position_stamp)) == ('base', 100)
    point = affordance.points[0]
    np.testing.assert_allclose(_vector(point.position), (1.808, 2.2816, 3.1088), atol=1e-4)
    # Out of the wall is -z of the camera: the negative of the last column of the matrix.
    np.testing.assert_allclose(_vector(point.normal), (-0.8, -0.36, -0.48), atol=1e-4)
    np.testing.assert_allclose(_vector(point.motion), (0.8, 0.36, 0.48), atol=1e-4)
    grasp = _vector(point.grasp_candidate.position)
    np.testing.assert_allclose(grasp, (1.808, 2.2816, 3.1088), atol=1e-4)
    # 0.1 m out of the wall.
    back = _vector(point.pre_grasp.position)
    np.testing.assert_allclose(back, (1.728, 2.2456, 3.0608), atol=1e-4)


def test_all_that_lies_in_space_has_the_pose_and_the_stamp_of_its_image(camera: Make) -> None:
    moving = camera()
    moving.take(100, FOUND)
    messages = moving.take(106, COVERED)
    cloud = messages.create('affordance_cloud')
    assert (cloud.header.frame_id, _tenths(cloud.header.stamp)) == ('base', 100)
    points = cloud.data.view('<f4').reshape(-1, 4)[:, :3].astype(np.float64)
    assert len(points) > 10
    # All lie in the wall, 0.8 m along (0.8, 0.36, 0.48) from the camera at (1, 2, 3).
    depths = (points - (1, 2, 3)) @ np.array([0.8, 0.36, 0.48])
    np.testing.assert_allclose(depths, 0.8, atol=1e-4)
    _, *markers = messages.create('markers').markers
    assert {(one.header.frame_id, _tenths(one.header.stamp)) for one in markers} == {('base', 100)}
    sphere = next(one for one in markers if one.type == 2)
    np.testing.assert_allclose(_vector(sphere.pose.position), (1.808, 2.2816, 3.1088), atol=1e-4)
    candidates = messages.create('grasp_candidates')
    assert (len(candidates.poses), _tenths(candidates.header.stamp)) == (0, 106)


def test_in_the_frame_of_the_camera_the_stamp_tells_where_it_was(camera: Make) -> None:
    moving = camera(target='')
    moving.take(100, FOUND)
    messages = moving.take(103, COVERED)
    affordance = messages.create('affordance')
    assert (affordance.position_frame, _tenths(affordance.position_stamp)) == ('camera', 100)
    np.testing.assert_allclose(_vector(affordance.points[0].position), AT_CAMERA, atol=1e-4)
    _, *markers = messages.create('markers').markers
    assert {(m.header.frame_id, _tenths(m.header.stamp)) for m in markers} == {('camera', 100)}


def test_without_a_pose_at_the_stamp_there_is_no_position(camera: Make) -> None:
    messages = camera().take(107, FOUND)
    point = messages.create('affordance').points[0]
    assert (point.position_valid, point.grasp_candidate_valid) == (False, False)
    assert point.position_problem == (
        "no transform from 'camera' to 'base': they are not connected"
    )
    assert np.isnan(_vector(point.position)).all()
    assert messages.create('affordance_cloud').width == 0


def test_what_is_held_without_a_pose_gets_none_later(camera: Make) -> None:
    moving = camera()
    moving.take(95, FOUND)
    point = moving.take(100, COVERED).create('affordance').points[0]
    assert (point.position_valid, point.grasp_candidate_valid) == (False, False)
    assert point.position_problem.endswith('they are not connected')

# SPDX-License-Identifier: Apache-2.0
"""Positions of a goal in a frame of its own while the camera moves, without middleware."""

from __future__ import annotations

from concurrent.futures import Future
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from afformer_ros.action import GroundDemonstration
from rclpy.time import Time
from sensor_msgs.msg import CameraInfo
from std_msgs.msg import Header

from afformer_core.messages.image_encoding import image_message
from afformer_core.messages.stamps import stamp_nanoseconds
from afformer_core.runtime.grounding import Prediction
from afformer_core.stream.pipeline import GroundingPipeline, SpatialInputs
from afformer_core.stream.settings import PipelineSettings
from afformer_ros.grounding.actions.ground_action import GroundAction
from afformer_ros.grounding.frame_transforms import FrameTransforms
from afformer_ros.grounding.parameters import GroundingParameters
from afformer_ros.rclpy_messages import RclpyMessages
from test.afformer_ros.grounding.actions.stand_in_goal import StandInGoal

SETTINGS = PipelineSettings(
    smoothing_time=0.0, hold_time=2.0, minimum_presence=-1.0, peak_tolerance=0.0
)
# By seconds: pose of the camera in `base`, as the shift and the quaternion (x, y, z, w).
POSES = {
    10.0: ((1.0, 2.0, 3.0), (0.1, 0.5, 0.5, 0.7)),
    10.3: ((1.1, 1.8, 2.9), (0.5, -0.1, 0.7, 0.5)),
    10.6: ((1.2, 1.6, 2.8), (-0.3, 0.3, 0.1, 0.9)),
}
FOUND, COVERED = 0.9, 0.1


class Asking:
    """An action whose goal wants positions in `base`, and the camera that its images are of."""

    def __init__(self, tf2: Any, node: Any, pose_message: Any) -> None:
        self._memorized: Future[tuple[str, ...]] = Future()
        self._memorized.set_result(('press',))
        transforms = FrameTransforms(node, '')
        self._action = GroundAction(
            SimpleNamespace(attach=lambda handler: None),  # type: ignore[arg-type]
            node,
            GroundingParameters,
            SimpleNamespace(submit=lambda command: self._memorized),  # type: ignore[arg-type]
            transforms,
            lambda: '',
        )
        self._action.activate()
        self.ask()
        for seconds, pose in POSES.items():
            transforms._buffer.set_transform(pose_message('camera', 'base', seconds, *pose), '')
        self._spatial = SpatialInputs('depth', 'camera_info')
        self._pipeline = GroundingPipeline(RclpyMessages(), self._spatial, transforms.placement)

    def ask(self) -> None:
        """Send a goal."""
        request = GroundDemonstration.Goal(target_frame='base', agreeing_images=9)
        self._client = StandInGoal(request)
        self._action.take(self._client)

    def see(self, seconds: float, feature_similarity: float, counts: bool = True) -> None:
        """Ground an image, which counts for the goal or came before it."""
        header = Header(frame_id='camera', stamp=Time(nanoseconds=round(seconds * 1e9)).to_msg())
        wall = np.full((64, 64), 800, np.uint16)
        depth = image_message(RclpyMessages(), wall, '16UC1', header)
        self._spatial.add_depth(stamp_nanoseconds(header.stamp), depth)
        info = CameraInfo(header=header, width=64, height=64, distortion_model='plumb_bob')
        info.k = [50.0, 0.0, 31.5, 0.0, 50.0, 31.5, 0.0, 0.0, 1.0]
        self._spatial.add_camera_info(info)
        grey = np.full((64, 64, 3), 100, np.uint8)
        image = image_message(RclpyMessages(), grey, 'rgb8', header)
        goal = self._action.current(float('inf')) if counts else None
        observed = self._pipeline.observe(
            image, lambda _: _prediction(grey, feature_similarity), SETTINGS
        )
        placement = None if goal is None else self._action.placement(goal, header)
        composed = self._pipeline.compose(observed, 'press', SETTINGS)
        if goal is not None:
            self._action.grounded(goal, composed, placement)

    def answer(self) -> Any:
        """Cancel the goal, and return the affordance of the last image that counted for it."""
        self._client.cancel_at(self._action)
        return self._client.result.affordance


def _prediction(image: Any, feature_similarity: float) -> Prediction:
    """A blob at the pixel (41.5, 14)."""
    rows, columns = np.mgrid[:64, :64]
    blob = np.exp(-((columns - 41.5) ** 2 + (rows - 14.0) ** 2) / 4.5)
    return Prediction(
        image,
        (blob / blob.sum()).astype(np.float32),
        {'press': 0.75, 'hold': 0.25},
        feature_similarity,
        np.array([1.0, 0.0], np.float32),
        0.01,
    )


@pytest.fixture
def asking(tf2: Any, node: Any, pose_message: Any) -> Asking:
    return Asking(tf2, node, pose_message)


def _told(affordance: Any) -> tuple[str, int, list[float]]:
    position = affordance.points[0].position
    stamp = stamp_nanoseconds(affordance.position_stamp)
    return affordance.position_frame, stamp // 10**8, [position.x, position.y, position.z]


def test_a_position_has_the_pose_of_its_image(asking: Asking) -> None:
    asking.see(10.0, FOUND)
    asking.see(10.3, FOUND)
    frame, tenths, position = _told(asking.answer())
    assert (frame, tenths) == ('base', 103)
    np.testing.assert_allclose(position, [1.804, 1.5184, 3.3112], atol=1e-4)


def test_a_position_that_is_held_keeps_the_pose_of_its_image(asking: Asking) -> None:
    asking.see(10.0, FOUND)
    asking.see(10.3, COVERED)
    asking.see(10.6, COVERED)
    affordance = asking.answer()
    assert affordance.age == pytest.approx(0.6)
    frame, tenths, position = _told(affordance)
    assert (frame, tenths) == ('base', 100)
    np.testing.assert_allclose(position, [1.808, 2.2816, 3.1088], atol=1e-4)


def test_what_was_measured_before_the_goal_has_no_position_in_its_frame(asking: Asking) -> None:
    asking.see(10.0, FOUND, counts=False)
    asking.see(10.3, COVERED)
    point = asking.answer().points[0]
    assert not point.position_valid
    assert point.position_problem == 'it was measured before the goal'


def test_what_was_measured_for_the_goal_before_has_none_either(asking: Asking) -> None:
    asking.see(10.0, FOUND)
    asking.answer()
    asking.ask()
    asking.see(10.3, COVERED)
    assert asking.answer().points[0].position_problem == 'it was measured before the goal'

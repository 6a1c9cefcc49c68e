# SPDX-License-Identifier: Apache-2.0
"""Transforms of a camera that moves, each at the stamp of its image, by tf2.

The turns and the expected numbers are by hand, or by SciPy where one interpolates.
"""

from __future__ import annotations

import sys
import threading
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from rclpy.time import Time
from std_msgs.msg import Header

from afformer_ros.grounding import frame_transforms
from afformer_ros.grounding.frame_transforms import FrameTransforms

# Unit quaternions (x, y, z, w).
A, B, C = (0.1, 0.5, 0.5, 0.7), (0.5, -0.1, 0.7, 0.5), (-0.3, 0.3, 0.1, 0.9)
POINT = np.array([0.1, -0.2, 0.8])


class Arm:
    """A wrist that moves in `base` from 10 to 11 s, and the camera on it."""

    def __init__(self, node: Any, buffers: list[Any], pose_message: Any) -> None:
        self._node = node
        self._buffers = buffers
        self._pose_message = pose_message

    def open(self, *frames: str) -> FrameTransforms:
        transforms = FrameTransforms(self._node, *(frames or ('base',)))
        self.fill()
        return transforms

    def fill(self) -> None:
        self.move('wrist', 'base', 10.0, (0.3, -0.2, 0.9), A)
        self.move('wrist', 'base', 11.0, (0.7, 0.2, 0.5), C)
        still = self._pose_message('camera', 'wrist', 3.0, (0.05, -0.02, 0.1), B)
        self.buffer.set_transform_static(still, '')

    def move(self, *pose: Any) -> None:
        self.buffer.set_transform(self._pose_message(*pose), '')

    @property
    def buffer(self) -> Any:
        return self._buffers[-1]


@pytest.fixture
def arm(tf2: Any, node: Any, pose_message: Any, monkeypatch: pytest.MonkeyPatch) -> Arm:
    """The buffer of what is opened, which counts how often it is asked."""
    buffers: list[Any] = []

    class Counted(tf2.Buffer):
        def __init__(self, **options: Any) -> None:
            super().__init__(**options)
            self.asked = 0
            buffers.append(self)

        def can_transform(self, *arguments: Any) -> bool:
            self.asked += 1
            return super().can_transform(*arguments)

    class Silent:
        def __init__(self, buffer: Any, node: Any) -> None:
            pass

        def unregister(self) -> None:
            pass

    monkeypatch.setattr(tf2, 'Buffer', Counted)
    monkeypatch.setattr(tf2, 'TransformListener', Silent)
    return Arm(node, buffers, pose_message)


def header(seconds: float, frame: str = 'camera') -> Header:
    return Header(frame_id=frame, stamp=Time(nanoseconds=round(seconds * 1e9)).to_msg())


@pytest.mark.parametrize(
    ('seconds', 'expected'),
    [
        (10.0, [0.9192, 0.34864, 0.48152]),
        (10.25, [1.155342958123, 0.288856059161, 0.428801965432]),
        (11.0, [1.62352, 0.1944, 0.58136]),
    ],
)
def test_the_transform_is_that_of_the_image(arm, seconds, expected):
    placement = arm.open().placement(header(seconds))
    assert (placement.frame_id, placement.problem) == ('base', '')
    np.testing.assert_allclose(placement.transform.point(POINT), expected, atol=1e-9)


def test_the_frame_of_a_goal_has_that_of_the_image_too(arm):
    transforms = FrameTransforms(arm._node, '')
    transforms.listen()
    arm.fill()
    placement = transforms.placement_in('base', header(10.25))
    expected = [1.155342958123, 0.288856059161, 0.428801965432]
    np.testing.assert_allclose(placement.transform.point(POINT), expected, atol=1e-9)
    assert transforms.placement(header(10.25)).transform is None


def test_without_tf2_only_another_frame_than_the_image_s_is_an_error(node, monkeypatch):
    monkeypatch.setitem(sys.modules, 'tf2_ros', None)
    logged: list[str] = []
    logger = SimpleNamespace(error=lambda text, once: logged.append(text))
    monkeypatch.setattr(node, 'get_logger', lambda: logger)
    transforms = FrameTransforms(node, 'camera')
    assert (transforms.placement(header(10.0)).problem, transforms.problem) == ('', '')
    assert logged == []
    assert 'tf2_ros cannot be used' in transforms.placement_in('base', header(10.0)).problem
    assert [text.partition(': ')[0] for text in logged] == ["there is no transform to 'base'"]


# Up is the last row of the rotation from the camera to the base.
@pytest.mark.parametrize(
    ('seconds', 'up'), [(10.0, [0.768, 0.3456, -0.5392]), (11.0, [0.224, 0.9408, 0.2544])]
)
def test_up_is_that_of_the_image(arm, seconds, up):
    transforms = arm.open('', 'base')
    placement = transforms.placement(header(seconds))
    np.testing.assert_allclose(placement.vertical.up, up, atol=1e-9)
    assert transforms.problem == ''


@pytest.mark.parametrize(
    ('seconds', 'frame', 'reason'),
    [
        (11.2, 'camera', 'into the future'),
        (9.9, 'camera', 'into the past'),
        (10.5, 'lens', 'does not exist'),
        (0.0, 'camera', 'the stamp of the image is 0'),
        (10.5, '', 'the frame_id of the image is empty'),
    ],
)
def test_what_is_not_known_has_no_transform_and_a_reason(arm, seconds, frame, reason):
    transforms = arm.open()
    placement = transforms.placement(header(seconds, frame))
    assert (placement.frame_id, placement.transform) == ('base', None)
    assert placement.problem.startswith(f"no transform from '{frame}' to 'base': ")
    assert reason in placement.problem
    assert transforms.problem == placement.problem


def test_a_stamp_before_the_epoch_has_none(arm):
    stamp = header(1.0)
    stamp.stamp.sec = -1
    problem = arm.open().placement(stamp).problem
    assert problem.startswith("no transform from 'camera' to 'base': ")


def test_a_transform_that_is_late_is_waited_for(arm, monkeypatch):
    # As long as a machine under load may take.
    monkeypatch.setattr(frame_transforms, '_PATIENCE', 20.0)
    transforms = arm.open()
    pose = ('wrist', 'base', 11.2, (0.9, 0.1, 0.4), A)
    threading.Timer(0.02, arm.move, pose).start()
    placement = transforms.placement(header(11.2))
    assert placement.problem == ''
    # R(A) (R(B) (0.1, -0.2, 0.8) + (0.05, -0.02, 0.1)) + (0.9, 0.1, 0.4)
    expected = [1.5192, 0.64864, -0.01848]
    np.testing.assert_allclose(placement.transform.point(POINT), expected, atol=1e-9)


@pytest.mark.parametrize(
    ('seconds', 'frame'), [(12.1, 'camera'), (9.9, 'camera'), (11.2, 'lens')],
    ids=['ended', 'past', 'unknown'],
)  # fmt: skip
def test_what_is_not_on_its_way_is_not_waited_for(arm, seconds, frame):
    transforms = arm.open()
    assert transforms.placement(header(seconds, frame)).problem
    assert arm.buffer.asked <= 2


def test_what_does_not_come_is_given_up(arm):
    transforms = arm.open()
    assert 'into the future' in transforms.placement(header(11.2)).problem
    assert arm.buffer.asked > 2


@pytest.mark.parametrize('turn', [(0.0, 0.0, 0.0, 0.0), (0.1, float('nan'), 0.5, 0.7)])
def test_a_turn_that_is_none_gives_no_transform(arm, turn):
    transforms = arm.open()
    arm.move('wrist', 'base', 12.0, (0.0, 0.0, 0.0), turn)
    assert 'into the future' in transforms.placement(header(12.0)).problem


def test_a_clock_that_goes_back_drops_what_moved(arm):
    arm._node.get_clock()._set_ros_time_is_active(True)
    transforms = arm.open()
    clock = arm._node.get_clock()
    clock.set_ros_time_override(Time(nanoseconds=11 * 10**9, clock_type=clock.clock_type))
    arm.fill()
    assert transforms.placement(header(10.5)).problem == ''
    clock.set_ros_time_override(Time(nanoseconds=4 * 10**9, clock_type=clock.clock_type))
    assert transforms.placement(header(10.5)).problem
    arm.move('wrist', 'base', 4.0, (0.3, -0.2, 0.9), A)
    np.testing.assert_allclose(
        transforms.placement(header(4.0)).transform.point(POINT), [0.9192, 0.34864, 0.48152]
    )


def test_the_clock_of_the_node_keeps_no_buffer_that_is_destroyed(arm):
    transforms = arm.open()
    transforms.destroy()
    clock = arm._node.get_clock()
    clock._set_ros_time_is_active(True)
    clock.set_ros_time_override(Time(nanoseconds=11 * 10**9, clock_type=clock.clock_type))
    clock.set_ros_time_override(Time(nanoseconds=4 * 10**9, clock_type=clock.clock_type))
    assert transforms.placement(header(10.5)).problem == ''

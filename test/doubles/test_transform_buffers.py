# SPDX-License-Identifier: Apache-2.0
"""One contract of buffers of transforms: the double of tf2, and tf2 itself.

The expected numbers were computed by SciPy.
"""

from __future__ import annotations

import importlib
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from afformer_core.geometry.transform import RigidTransform

# Unit quaternions (x, y, z, w).
A, B, C = (0.1, 0.5, 0.5, 0.7), (0.5, -0.1, 0.7, 0.5), (-0.3, 0.3, 0.1, 0.9)
D, E = (0.2, 0.4, -0.4, 0.8), (0.4, 0.2, -0.4, 0.8)


class OfTf2:
    """A buffer of a module like tf2_ros."""

    def __init__(self, module: str) -> None:
        tf2: Any = importlib.import_module(module)
        self._buffer = tf2.Buffer()
        self.error = tf2.TransformException

    def add(self, child: str, parent: str, seconds: float, shift: Any, turn: Any) -> None:
        self._buffer.set_transform(self._stamped(child, parent, seconds, shift, turn), '')

    def add_static(self, child: str, parent: str, shift: Any, turn: Any) -> None:
        self._buffer.set_transform_static(self._stamped(child, parent, 3.0, shift, turn), '')

    def look_up(self, target: str, source: str, seconds: float) -> Any:
        from rclpy.time import Time

        at = Time(nanoseconds=round(seconds * 1e9))
        found = self._buffer.lookup_transform(target, source, at)
        assert self._buffer.can_transform(target, source, at)
        return RigidTransform.from_message(found.transform)

    def newest(self, target: str, source: str) -> float:
        return self._buffer.get_latest_common_time(target, source).nanoseconds * 1e-9

    def _stamped(self, child: str, parent: str, seconds: float, shift: Any, turn: Any) -> Any:
        from geometry_msgs.msg import Quaternion, TransformStamped, Vector3
        from rclpy.time import Time

        message = TransformStamped(child_frame_id=child)
        message.header.frame_id = parent
        message.header.stamp = Time(nanoseconds=round(seconds * 1e9)).to_msg()
        message.transform.translation = Vector3(**_named(shift))
        message.transform.rotation = Quaternion(**_named(turn))
        return message


def _named(numbers: Any) -> dict[str, float]:
    return dict(zip('xyzw', numbers, strict=False))


def _message(shift: Any, turn: Any) -> Any:
    return SimpleNamespace(
        translation=SimpleNamespace(**_named(shift)), rotation=SimpleNamespace(**_named(turn))
    )


@pytest.fixture(params=['tf2_double', 'tf2_ros'])
def buffer(request: pytest.FixtureRequest) -> Any:
    """Each buffer in turn, empty."""
    pytest.importorskip('rclpy', reason='rclpy is not installed')
    if request.param == 'tf2_ros':
        pytest.importorskip('tf2_ros', reason='tf2_ros is not installed')
    return OfTf2(request.param)


@pytest.fixture
def arm(buffer: Any) -> Any:
    """A wrist that moves for a second, its camera, and a base that drives in a map."""
    buffer.add('wrist', 'base', 10.0, (0.3, -0.2, 0.9), A)
    buffer.add('wrist', 'base', 11.0, (0.7, 0.2, 0.5), C)
    buffer.add('base', 'map', 9.9, (1.0, 2.0, 0.1), D)
    buffer.add('base', 'map', 10.5, (1.6, 1.4, 0.1), E)
    buffer.add_static('camera', 'wrist', (0.05, -0.02, 0.1), B)
    return buffer


@pytest.mark.parametrize(
    ('target', 'source', 'seconds', 'shift', 'turn'),
    [
        ('base', 'wrist', 10.0, (0.3, -0.2, 0.9), A),
        ('wrist', 'base', 10.0, (0.7, -0.3, -0.6), (-0.1, -0.5, -0.5, 0.7)),
        (
            'base', 'wrist', 10.25, (0.4, -0.1, 0.8),
            (-0.002740008141, 0.466846688318, 0.413452607315, 0.78173115805),
        ),
        ('base', 'camera', 10.0, (0.392, -0.1336, 0.9052), (0.8, 0.36, 0.48, 0.0)),
        ('base', 'camera', 11.0, (0.7952, 0.244, 0.5436), (0.52, 0.32, 0.56, 0.56)),
        (
            'map', 'camera', 10.25, (1.734113936775, 0.789624958442, 0.242994496625),
            (0.955947694011, -0.135748659769, 0.259817276707, -0.015208234982),
        ),
        (
            'camera', 'map', 10.25, (-1.344605030444, 1.220726866207, -0.625754166046),
            (0.955947694011, -0.135748659769, 0.259817276707, 0.015208234982),
        ),
        ('wrist', 'camera', 77.0, (0.05, -0.02, 0.1), B),
    ],
)  # fmt: skip
def test_a_transform_is_that_of_the_stamp(arm, target, source, seconds, shift, turn):
    found = arm.look_up(target, source, seconds)
    expected = RigidTransform.from_message(_message(shift, turn))
    np.testing.assert_allclose(found.translation, expected.translation, atol=1e-9)
    np.testing.assert_allclose(found.rotation, expected.rotation, atol=1e-9)


@pytest.mark.parametrize(
    ('target', 'source', 'seconds'),
    [
        ('base', 'camera', 11.001),
        ('base', 'camera', 9.999),
        ('map', 'camera', 10.501),
        ('base', 'gripper', 10.5),
        ('', 'camera', 10.5),
        # Of another tree.
        ('base', 'lens', 10.5),
    ],
)
def test_what_is_not_known_is_refused(arm, target, source, seconds):
    arm.add_static('lens', 'rig', (0.1, 0.2, 0.3), B)
    with pytest.raises(arm.error):
        arm.look_up(target, source, seconds)


def test_one_sample_is_known_at_its_stamp_alone(buffer):
    buffer.add('wrist', 'base', 10.0, (0.3, -0.2, 0.9), A)
    np.testing.assert_allclose(buffer.look_up('base', 'wrist', 10.0).translation, [0.3, -0.2, 0.9])
    for seconds in (9.99, 10.01):
        with pytest.raises(buffer.error):
            buffer.look_up('base', 'wrist', seconds)


def test_samples_arrive_in_any_order(buffer):
    for seconds, x in ((10.0, 1.0), (10.4, 5.0), (10.2, 2.0)):
        buffer.add('wrist', 'base', seconds, (x, 0.0, 0.0), A)
    found = buffer.look_up('base', 'wrist', 10.1).translation
    np.testing.assert_allclose(found, [1.5, 0, 0], atol=1e-9)


def test_ten_seconds_are_kept(buffer):
    for seconds in (10.0, 12.0, 14.0, 21.0, 21.1):
        buffer.add('wrist', 'base', seconds, (seconds, 0.0, 0.0), A)
    found = buffer.look_up('base', 'wrist', 13.0).translation
    np.testing.assert_allclose(found, [13, 0, 0], atol=1e-9)
    with pytest.raises(buffer.error):
        buffer.look_up('base', 'wrist', 10.9)


def test_the_shorter_way_of_two_turns(buffer):
    # Their product is negative.
    buffer.add('wrist', 'base', 10.0, (0.0, 0.0, 0.0), (0.7, 0.1, 0.7, 0.1))
    buffer.add('wrist', 'base', 11.0, (0.0, 0.0, 0.0), (-0.7, -0.1, -0.5, 0.5))
    expected = RigidTransform.from_message(
        _message((0, 0, 0), (0.728337077048, 0.104048153864, 0.674942996046, -0.056134089143))
    )
    found = buffer.look_up('base', 'wrist', 10.25)
    np.testing.assert_allclose(found.rotation, expected.rotation, atol=1e-9)


def test_the_newest_static_pose_counts(buffer):
    buffer.add_static('camera', 'wrist', (0.05, -0.02, 0.1), B)
    buffer.add_static('camera', 'wrist', (0.06, -0.03, 0.2), A)
    found = buffer.look_up('wrist', 'camera', 1.0)
    np.testing.assert_allclose(found.translation, [0.06, -0.03, 0.2])


def test_the_branch_above_what_both_have_in_common_does_not_count(arm):
    arm.add_static('gripper', 'wrist', (0.0, 0.0, 0.2), C)
    # The map ends at 10.5 s.
    found = arm.look_up('gripper', 'camera', 10.9)
    # R(C)' ((0.05, -0.02, 0.1) - (0, 0, 0.2))
    np.testing.assert_allclose(found.translation, [0.1, 0.014, -0.052], atol=1e-9)


def test_the_newest_time_of_tf2_is_that_of_all_frames_between(buffer):
    buffer.add('wrist', 'base', 11.0, (0.7, 0.2, 0.5), C)
    buffer.add('base', 'map', 10.5, (1.6, 1.4, 0.1), E)
    buffer.add_static('camera', 'wrist', (0.05, -0.02, 0.1), B)
    assert buffer.newest('base', 'camera') == pytest.approx(11.0)
    assert buffer.newest('map', 'camera') == pytest.approx(10.5)
    assert buffer.newest('wrist', 'camera') == 0.0
    with pytest.raises(buffer.error):
        buffer.newest('rig', 'camera')


def test_the_stamp_0_is_the_latest_to_tf2(buffer):
    buffer.add('wrist', 'base', 10.0, (0.3, -0.2, 0.9), A)
    buffer.add('wrist', 'base', 11.0, (0.7, 0.2, 0.5), C)
    np.testing.assert_allclose(buffer.look_up('base', 'wrist', 0.0).translation, [0.7, 0.2, 0.5])


def test_tf2_takes_a_turn_of_any_length(buffer):
    buffer.add('wrist', 'base', 10.0, (0.3, -0.2, 0.9), tuple(2 * one for one in A))
    found = buffer.look_up('base', 'wrist', 10.0)
    expected = [[0, -0.6, 0.8], [0.8, 0.48, 0.36], [-0.6, 0.64, 0.48]]
    np.testing.assert_allclose(found.rotation, expected, atol=1e-9)

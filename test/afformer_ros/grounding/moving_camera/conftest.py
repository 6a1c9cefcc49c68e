# SPDX-License-Identifier: Apache-2.0
"""tf2 for tests of the grounding node: the real one where it is installed, and its double."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from typing import Any

import pytest
import rclpy
from geometry_msgs.msg import Quaternion, TransformStamped, Vector3
from rclpy.time import Time


@pytest.fixture(params=['tf2_double', 'tf2_ros'])
def tf2(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Each in turn, as what this process imports by the name of tf2_ros."""
    if request.param == 'tf2_ros':
        return pytest.importorskip('tf2_ros', reason='tf2_ros is not installed')
    double = importlib.import_module('tf2_double')
    monkeypatch.setitem(sys.modules, 'tf2_ros', double)
    return double


@pytest.fixture
def node() -> Iterator[Any]:
    """A node that nobody spins."""
    context = rclpy.Context()
    rclpy.init(context=context)
    node = rclpy.create_node('grounding', context=context)
    yield node
    node.destroy_node()
    rclpy.shutdown(context=context)


@pytest.fixture(scope='session')
def pose_message() -> Any:
    """Makes the transform of a frame in its parent, at seconds."""

    def make(
        child: str,
        parent: str,
        seconds: float,
        shift: tuple[float, float, float],
        turn: tuple[float, float, float, float],
    ) -> TransformStamped:
        message = TransformStamped(child_frame_id=child)
        message.header.frame_id = parent
        message.header.stamp = Time(nanoseconds=round(seconds * 1e9)).to_msg()
        message.transform.translation = Vector3(**dict(zip('xyz', shift, strict=True)))
        message.transform.rotation = Quaternion(**dict(zip('xyzw', turn, strict=True)))
        return message

    return make

# SPDX-License-Identifier: Apache-2.0
"""Messages of both libraries, and a result to put into them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from afformer_core.geometry.surface import SurfacePoint
from afformer_core.messages.factory import MessageFactory
from afformer_core.messages.rosbags_messages import RosbagsMessages, affordance_typestore
from afformer_core.outputs.results import SpatialView, StreamedGrounding
from afformer_core.runtime import Grounding, Peak


@pytest.fixture(scope='session')
def typestore() -> Any:
    return affordance_typestore()


def make_factory(library: str, typestore: Any) -> MessageFactory:
    if library == 'rosbags':
        return RosbagsMessages(typestore)
    pytest.importorskip('rclpy')
    from afformer_ros.rclpy_messages import RclpyMessages

    return RclpyMessages()


@pytest.fixture(params=['rosbags', 'rclpy'])
def factory(request, typestore) -> MessageFactory:
    """Each library in turn."""
    return make_factory(request.param, typestore)


@pytest.fixture
def rosbags_factory(typestore) -> MessageFactory:
    return make_factory('rosbags', typestore)


@pytest.fixture
def rclpy_factory(typestore) -> MessageFactory:
    return make_factory('rclpy', typestore)


def header_of(factory: MessageFactory, frame: str = 'camera') -> Any:
    """A header stamped 12.000000034 s."""
    stamp = factory.create('builtin_interfaces/msg/Time', sec=12, nanosec=34)
    return factory.create('std_msgs/msg/Header', stamp=stamp, frame_id=frame)


def image_of(
    factory: MessageFactory,
    encoding: str,
    width: int,
    height: int,
    data: Any,
    step: int | None = None,
    big: bool = False,
) -> Any:
    """An image message; `data` are bytes, numbers of bytes, or any array."""
    if isinstance(data, np.ndarray):
        data = np.ascontiguousarray(data).tobytes()
    bytes_of = np.frombuffer(bytes(data), np.uint8)
    return factory.create(
        'sensor_msgs/msg/Image',
        header=header_of(factory),
        encoding=encoding,
        width=width,
        height=height,
        is_bigendian=int(big),
        step=bytes_of.size // max(height, 1) if step is None else step,
        data=bytes_of,
    )


def compressed_of(factory: MessageFactory, kind: str, data: bytes) -> Any:
    return factory.create(
        'sensor_msgs/msg/CompressedImage',
        header=header_of(factory),
        format=kind,
        data=np.frombuffer(data, np.uint8),
    )


NO_DEPTH = SurfacePoint.unknown('no depth is received')
ON_TABLE = SurfacePoint(
    position=np.array([0.1, -0.2, 0.8]),
    covariance=np.arange(9, dtype=np.float64).reshape(3, 3) / 1000,
    normal=np.array([0.0, 0.0, -1.0]),
    problem='',
)


@pytest.fixture
def result():
    """Makes results of two peaks, press and hold; fields can be given."""

    def make(surfaces=(NO_DEPTH, NO_DEPTH), **fields):
        peaks = (Peak(31.5, 23.5, 0.5), Peak(0.0, 0.0, 0.25))
        heatmap = np.full((48, 64), 1 / 3072, np.float32)
        values = {
            'demonstration': 'coffee',
            'grounding': Grounding(
                heatmap,
                heatmap.shape,
                {'press': 0.75, 'hold': 0.25},
                peaks,
                0.5,
                0.875,
                certainty_threshold=0.0,
            ),
            'found': True,
            'confidence': 0.5,
            'feature_similarity': 0.875,
            'continuity': 0.75,
            'age': 0.0,
            'surfaces': surfaces,
            'view': SpatialView(None, None, 'no depth is received'),
            'restart': '',
            'stamp': 0,
        }
        return StreamedGrounding(**{**values, **fields})

    return make

# SPDX-License-Identifier: Apache-2.0
"""Messages of a colour and depth camera."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from afformer_core.messages.factory import MessageFactory
from afformer_core.messages.image_encoding import image_message
from afformer_sim.cameras.depth_camera import millimetres
from afformer_sim.scene.view import SceneView

DEPTH_ENCODINGS = ('16UC1', '32FC1')


def depth_message(factory: MessageFactory, sensed: np.ndarray, encoding: str, header: Any) -> Any:
    """Encode a depth image in one of `DEPTH_ENCODINGS`."""
    values = millimetres(sensed) if encoding == '16UC1' else sensed
    return image_message(factory, values, encoding, header)


def camera_matrix(view: SceneView) -> np.ndarray:
    """Return focal lengths and principal point of a camera in pixels, float64 [3, 3]."""
    width, height = view.size
    focal = height / 2 / math.tan(math.radians(view.camera.field_of_view) / 2)
    return np.array([[focal, 0, (width - 1) / 2], [0, focal, (height - 1) / 2], [0, 0, 1]])


def camera_info_message(factory: MessageFactory, view: SceneView, header: Any) -> Any:
    """Build the calibration message of a camera without distortion."""
    (width, height), matrix = view.size, camera_matrix(view)
    return factory.create(
        'sensor_msgs/msg/CameraInfo',
        header=header,
        height=height,
        width=width,
        distortion_model='plumb_bob',
        d=np.zeros(5),
        k=matrix.ravel(),
        r=np.eye(3).ravel(),
        p=np.column_stack([matrix, np.zeros(3)]).ravel(),
    )


def header_message(factory: MessageFactory, stamp: int, frame_id: str) -> Any:
    """Build a header with a stamp in nanoseconds."""
    seconds, nanoseconds = divmod(stamp, 10**9)
    time = factory.create('builtin_interfaces/msg/Time', sec=seconds, nanosec=nanoseconds)
    return factory.create('std_msgs/msg/Header', stamp=time, frame_id=frame_id)

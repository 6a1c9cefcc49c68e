# SPDX-License-Identifier: Apache-2.0
"""Replay of the recorded images of a camera, one after the other, as the node grounds them."""

from __future__ import annotations

import struct
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from afformer_core.errors import ImageError
from afformer_core.geometry.calibration import Calibration, CalibrationError
from afformer_core.geometry.depth_image import DepthImage
from afformer_core.media.bag import Bag, BagError, BagMessage
from afformer_core.messages.depth_decoding import to_depth
from afformer_core.messages.image_decoding import to_rgb
from afformer_core.replay.depth_wait import ReadyMessage, StampedMessage
from afformer_core.replay.settings import ReplaySettings
from afformer_core.replay.topics import ReplayTopics
from afformer_core.runtime.prediction import Prediction
from afformer_core.stream.grounding_stream import GroundingStream
from afformer_core.stream.results import CameraFrame, SpatialView, StreamedGrounding

Predict = Callable[[NDArray[np.uint8]], Prediction]

_STAMP = {0: struct.Struct('>iI'), 1: struct.Struct('<iI')}
_ENCAPSULATION = 4


@dataclass(frozen=True)
class ReplayedImage:
    """An image with what the model makes of it.

    Attributes:
        header: of the image, as it came.
        frame: the image.
        result: what it gives.
        milliseconds: that decoding, the model, and what follows it took: `decode`, `predict` and
            `stream`.
    """

    header: Any
    frame: CameraFrame
    result: StreamedGrounding
    milliseconds: dict[str, float]


class ImageReplayer:
    """Decodes and grounds the images of a bag.

    Args:
        bag: that they are in.
        topics: of the bag.
        predict: the model with a demonstration.
        demonstration: its name.
        settings: of the replay.
    """

    def __init__(
        self,
        bag: Bag,
        topics: ReplayTopics,
        predict: Predict,
        demonstration: str,
        settings: ReplaySettings,
    ) -> None:
        self._bag = bag
        self._topics = topics
        self._predict = predict
        self._demonstration = demonstration
        self._settings = settings
        self._stream = GroundingStream()

    def ground(self, ready: ReadyMessage) -> ReplayedImage:
        """Ground the next image.

        Raises:
            BagError: its bytes do not fit its type.
            ImageError: it cannot be decoded or grounded.
        """
        began = time.perf_counter()
        message = self._bag.decode(ready.message.message)
        image = to_rgb(message)
        view = self._view(ready)
        decoded = time.perf_counter()
        prediction = self._predict(image)
        predicted = time.perf_counter()
        stamp = message.header.stamp
        frame = CameraFrame(image, stamp.sec * 10**9 + stamp.nanosec, str(message.header.frame_id))
        result = self._stream.ground(
            frame, prediction, self._demonstration, view, self._settings.stream
        )
        streamed = time.perf_counter()
        milliseconds = {
            'decode': 1e3 * (decoded - began),
            'predict': 1e3 * (predicted - decoded),
            'stream': 1e3 * (streamed - predicted),
        }
        return ReplayedImage(message.header, frame, result, milliseconds)

    def _view(self, ready: ReadyMessage) -> SpatialView:
        depth, depth_problem = self._depth(ready.depth)
        calibration, calibration_problem = self._calibration(ready.camera_info)
        return SpatialView(depth, calibration, depth_problem or calibration_problem)

    def _depth(self, stamped: StampedMessage | None) -> tuple[DepthImage | None, str]:
        if not self._topics.depth:
            return None, 'no depth topic is replayed'
        if stamped is None:
            tolerance = 1e3 * self._settings.depth_tolerance
            return None, f'no depth image lies within {tolerance:g} ms of the image'
        try:
            return to_depth(self._bag.decode(stamped.message)), ''
        except (BagError, ImageError) as error:
            return None, str(error)

    def _calibration(self, stamped: StampedMessage | None) -> tuple[Calibration | None, str]:
        if not self._topics.camera_info:
            return None, 'no camera_info topic is replayed'
        if stamped is None:
            return None, 'no camera_info was recorded before the image'
        try:
            message = self._bag.decode(stamped.message)
            return Calibration.from_message(message, self._settings.rectified), ''
        except (BagError, CalibrationError) as error:
            return None, str(error)


def stamped(message: BagMessage) -> StampedMessage:
    """A message that begins with a header, with its stamp."""
    data = message.data
    layout = _STAMP.get(data[1]) if len(data) > 1 else None
    if layout is None or len(data) < _ENCAPSULATION + layout.size:
        return StampedMessage(message, None)
    seconds, nanoseconds = layout.unpack_from(data, _ENCAPSULATION)
    return StampedMessage(message, seconds * 10**9 + nanoseconds)


def decoded_frame(bag: Bag, message: BagMessage) -> tuple[NDArray[np.uint8], float]:
    """The colours of an image message and the stamp of its header in seconds.

    Raises:
        ImageError: it cannot be decoded.
    """
    try:
        decoded = bag.decode(message)
    except BagError as error:
        raise ImageError(str(error)) from error
    stamp = decoded.header.stamp
    return to_rgb(decoded), stamp.sec + 1e-9 * stamp.nanosec

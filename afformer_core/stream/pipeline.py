# SPDX-License-Identifier: Apache-2.0
"""The way of one camera image to what is published of it, the same on a robot and in a replay."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from afformer_core.messages.factory import MessageFactory
from afformer_core.messages.image_decoding import to_rgb
from afformer_core.messages.stamps import stamp_nanoseconds
from afformer_core.outputs.output_settings import OutputSettings
from afformer_core.outputs.outputs import OutputMessages
from afformer_core.outputs.placement import Placement
from afformer_core.outputs.results import CameraFrame, SpatialView, StreamedGrounding
from afformer_core.runtime.prediction import Prediction
from afformer_core.stream.grounding_stream import GroundingStream
from afformer_core.stream.settings import StreamSettings
from afformer_core.stream.spatial_inputs import SpatialInputs

Predict = Callable[[NDArray[np.uint8]], Prediction]


@dataclass(frozen=True)
class PipelineSettings:
    """Settings of how camera images become results.

    Attributes:
        stream: how images are grounded.
        output: how results are published.
        rectified: whether the images are rectified, so that P of camera_info holds for them.
        depth_tolerance: seconds between the stamps of an image and of its depth, 0 to 10.
        depth_wait: seconds to wait for the depth of an image at most, 0 to 10.
    """

    stream: StreamSettings = field(default_factory=StreamSettings)
    output: OutputSettings = field(default_factory=OutputSettings)
    rectified: bool = False
    depth_tolerance: float = 0.02
    depth_wait: float = 0.03

    def __post_init__(self) -> None:
        for name in ('depth_tolerance', 'depth_wait'):
            if not 0 <= getattr(self, name) <= 10:
                raise ValueError(f'{name} is {getattr(self, name)}; expected 0 to 10 seconds')


@dataclass(frozen=True)
class Observation:
    """An image with all that is known of it before it is compared with those before.

    Attributes:
        header: header of its message.
        frame: the image.
        prediction: of the model.
        view: depth and calibration that belong to it.
        placement: where positions are published.
        decoded, predicted: when its colours and the prediction were there, monotonic seconds.
    """

    header: Any
    frame: CameraFrame
    prediction: Prediction
    view: SpatialView
    placement: Placement
    decoded: float
    predicted: float


@dataclass(frozen=True)
class ComposedResult:
    """Result of an image, with its messages.

    Attributes:
        frame: the image.
        result: in the frame of the camera.
        messages: that it is published as, each made when it is asked for.
        placement: where its positions are published.
        composed: when it was there, monotonic seconds.
    """

    frame: CameraFrame
    result: StreamedGrounding
    messages: OutputMessages
    placement: Placement
    composed: float


def camera_placement(header: Any) -> Placement:
    """Return the frame of the camera itself."""
    return Placement(str(header.frame_id))


class GroundingPipeline:
    """Takes the images of one camera in their order.

    `observe` computes and waits, `compose` takes a few milliseconds: a caller who must not be held
    up meanwhile can keep others from the processor for so long. One thread owns it, but for
    `expect`.

    Args:
        factory: makes the messages of results.
        spatial: depth and calibration.
        placement_of: where positions of an image are published, by the header of its message; may
            wait.
    """

    def __init__(
        self,
        factory: MessageFactory,
        spatial: SpatialInputs,
        placement_of: Callable[[Any], Placement] = camera_placement,
    ) -> None:
        self._factory = factory
        self._spatial = spatial
        self._placement_of = placement_of
        self._stream = GroundingStream()
        self._measured_in = Placement('')

    def begin_anew(self, reason: str) -> None:
        """Forget everything before the next image, and say there for what reason."""
        self._stream.begin_anew(reason)

    def expect(self, stamp: int) -> object:
        """Keep the depth of an image that will be observed for as long as what is returned lives.

        May be called by another thread.

        Args:
            stamp: stamp of the image, nanoseconds.
        """
        return self._spatial.expect(stamp)

    def observe(self, message: Any, predict: Predict, settings: PipelineSettings) -> Observation:
        """Decode an image, have the model predict, and find depth, calibration and placement.

        Args:
            message: sensor_msgs Image or CompressedImage, of any library.
            predict: the model with a demonstration.
            settings: which may change from image to image.

        Raises:
            ImageError: it cannot be decoded or grounded.
        """
        header = message.header
        stamp = stamp_nanoseconds(header.stamp)
        frame = CameraFrame(to_rgb(message), stamp, str(header.frame_id))
        decoded = time.monotonic()
        prediction = predict(frame.image)
        predicted = time.monotonic()
        view = self._spatial.view(
            stamp, settings.rectified, settings.depth_tolerance, settings.depth_wait
        )
        placement = self._placement_of(header)
        return Observation(header, frame, prediction, view, placement, decoded, predicted)

    def compose(
        self, observed: Observation, demonstration: str, settings: PipelineSettings
    ) -> ComposedResult:
        """Ground an image in its stream, and prepare what is published of it.

        Args:
            observed: the image.
            demonstration: name of the one that was predicted by.
            settings: which may change from image to image.
        """
        result = self._stream.ground(
            observed.frame, observed.prediction, demonstration, observed.view, settings.stream
        )
        if not result.held:
            # Positions that are held stay where the camera was when they were measured.
            self._measured_in = observed.placement
        messages = OutputMessages(
            self._factory,
            settings.output,
            observed.frame,
            observed.header,
            result,
            self._measured_in,
        )
        return ComposedResult(
            observed.frame, result, messages, self._measured_in, time.monotonic()
        )

# SPDX-License-Identifier: Apache-2.0
"""The pipeline from a camera image to its messages, the same on a robot and in a replay."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from afformer_core.messages.factory import MessageFactory
from afformer_core.messages.image_decoding import to_rgb
from afformer_core.messages.stamps import stamp_nanoseconds
from afformer_core.outputs.outputs import OutputMessages
from afformer_core.outputs.placement import Placement
from afformer_core.outputs.results import CameraFrame, SpatialView, StreamedGrounding
from afformer_core.runtime.prediction import Prediction
from afformer_core.stream.grounding_stream import GroundingStream
from afformer_core.stream.settings import PipelineSettings
from afformer_core.stream.spatial_inputs import SpatialInputs

Predict = Callable[[NDArray[np.uint8]], Prediction]


@dataclass(frozen=True, kw_only=True)
class Observation:
    """An image with its prediction and view, before the comparison with earlier images.

    Attributes:
        header: header of its message.
        frame: the image.
        prediction: prediction of the model.
        view: depth and calibration that belong to it.
        placement: frame in which positions are published.
        decoded, predicted: times at which its colours and its prediction were available, monotonic
            seconds.
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
    """The result of an image, with its messages.

    Attributes:
        frame: the image.
        result: result in the frame of the camera.
        messages: messages to publish, each created on demand.
        placement: frame in which its positions are published.
        composed: time at which it was available, monotonic seconds.
    """

    frame: CameraFrame
    result: StreamedGrounding
    messages: OutputMessages
    placement: Placement
    composed: float


def camera_placement(header: Any) -> Placement:
    """Return the placement in the frame of the camera itself."""
    return Placement(str(header.frame_id))


class GroundingPipeline:
    """The processing of the images of one camera, in order.

    `observe` computes and waits; `compose` takes a few milliseconds, for which a caller can hold
    the processor to avoid interruptions. One thread owns the pipeline, except for `expect`.

    Args:
        factory: creates the messages of results.
        spatial: depth and calibration.
        placement_of: function from the header of an image to the frame in which its positions are
            published; may wait.
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
        """Discard all earlier images before the next one, whose result states the reason."""
        self._stream.begin_anew(reason)

    def expect(self, stamp: int) -> object:
        """Keep the depth of an image that will be observed, as long as the returned object exists.

        Another thread may call this method.

        Args:
            stamp: stamp of the image, nanoseconds.
        """
        return self._spatial.expect(stamp)

    def observe(self, message: Any, predict: Predict, settings: PipelineSettings) -> Observation:
        """Decode an image, predict, and find depth, calibration and placement.

        Args:
            message: sensor_msgs Image or CompressedImage, of any library.
            predict: the model with a demonstration.
            settings: settings, which may change from image to image.

        Raises:
            ImageError: the image cannot be decoded or grounded.
        """
        header = message.header
        stamp = stamp_nanoseconds(header.stamp)
        frame = CameraFrame(to_rgb(message), stamp, str(header.frame_id))
        decoded = time.monotonic()
        prediction = predict(frame.image)
        predicted = time.monotonic()
        view = self._spatial.view(stamp, settings.depth_tolerance, settings.depth_wait)
        placement = self._placement_of(header)
        return Observation(
            header=header,
            frame=frame,
            prediction=prediction,
            view=view,
            placement=placement,
            decoded=decoded,
            predicted=predicted,
        )

    def compose(
        self, observed: Observation, demonstration: str, settings: PipelineSettings
    ) -> ComposedResult:
        """Ground an image in its stream, and prepare its messages.

        Args:
            observed: the image.
            demonstration: name of the demonstration of the prediction.
            settings: settings, which may change from image to image.
        """
        result = self._stream.ground(
            observed.frame, observed.prediction, demonstration, observed.view, settings
        )
        if not result.held:
            # Held positions stay relative to the camera pose at which they were measured.
            self._measured_in = observed.placement
        messages = OutputMessages(
            self._factory,
            settings,
            observed.frame,
            observed.header,
            result,
            self._measured_in,
        )
        return ComposedResult(
            observed.frame, result, messages, self._measured_in, time.monotonic()
        )

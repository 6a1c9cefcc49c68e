# SPDX-License-Identifier: Apache-2.0
"""The pipeline from a camera image to its messages, the same on a robot and in a replay.

Depth and calibration of the camera are buffered, and matched to its images by stamp.
"""

from __future__ import annotations

import threading
import time
import weakref
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from afformer_core.errors import AfformerError
from afformer_core.geometry.camera import Calibration, CalibrationError, DepthImage
from afformer_core.messages.factory import MessageFactory
from afformer_core.messages.image_decoding import to_depth, to_rgb
from afformer_core.messages.stamps import ANOTHER_CLOCK, stamp_nanoseconds
from afformer_core.outputs.outputs import OutputMessages
from afformer_core.outputs.results import CameraFrame, Placement, SpatialView, StreamedGrounding
from afformer_core.runtime.grounding import Prediction
from afformer_core.stream.grounding_stream import GroundingStream
from afformer_core.stream.settings import PipelineSettings

# If all items are newer than a stamp by more nanoseconds than this, the clock was set back.
_SET_BACK = 10**9


class Expectation:
    """A request to keep the item nearest to a stamp, even if many items follow.

    `DepthBuffer.expect` creates it, and `DepthBuffer.nearest` finds the item.

    Args:
        stamp: nanoseconds.

    Attributes:
        stamp: see the arguments.
        entry: stamp and item of the nearest so far; the newest if several are equally near.
    """

    def __init__(self, stamp: int) -> None:
        self.stamp = stamp
        self.entry: tuple[int, Any] | None = None

    def offer(self, entry: tuple[int, Any]) -> None:
        """Keep an entry unless an earlier one is nearer."""
        if self.entry is None or abs(entry[0] - self.stamp) <= abs(self.entry[0] - self.stamp):
            self.entry = entry


class DepthBuffer:
    """A buffer of the newest items in order of arrival, and of expected items. Thread-safe.

    Several threads may use it.

    Args:
        capacity: maximum number of items besides expected ones; a new item replaces the oldest.
    """

    def __init__(self, capacity: int) -> None:
        self._entries: deque[tuple[int, Any]] = deque(maxlen=capacity)
        self._expectations: weakref.WeakSet[Expectation] = weakref.WeakSet()
        self._arrived = threading.Condition()

    def add(self, stamp: int, item: Any) -> None:
        """Add an item; drop all others if the clock jumped back."""
        entry = (stamp, item)
        with self._arrived:
            if self._entries and stamp < self._entries[-1][0]:
                self._drop_all()
            self._entries.append(entry)
            for expectation in self._expectations:
                expectation.offer(entry)
            self._arrived.notify_all()

    def expect(self, stamp: int) -> Expectation:
        """Keep the item nearest to a stamp as long as the returned object exists.

        Args:
            stamp: nanoseconds.
        """
        expectation = Expectation(stamp)
        with self._arrived:
            for entry in self._entries:
                expectation.offer(entry)
            self._expectations.add(expectation)
        return expectation

    def clear(self) -> None:
        """Drop everything."""
        with self._arrived:
            self._drop_all()

    def wait(self, stamp: int, patience: float) -> bool:
        """Wait until the item nearest to a stamp has arrived; return whether it has.

        At the rate of the items so far, no later item would then be nearer.

        Args:
            stamp: nanoseconds.
            patience: maximum time to wait, in seconds; 0: do not wait.
        """
        with self._arrived:
            return self._arrived.wait_for(lambda: not self._nearer_may_come(stamp), patience)

    def nearest(self, stamp: int, tolerance: int) -> Any | None:
        """Find the item nearest to a stamp, the newest if several are; None if none is near.

        Args:
            stamp: nanoseconds.
            tolerance: maximum distance in nanoseconds, at least 0.
        """
        with self._arrived:
            entry = self._nearest(stamp)
        return entry[1] if entry is not None and abs(entry[0] - stamp) <= tolerance else None

    def lag(self, stamp: int) -> float | None:
        """Compute the lag of the nearest item behind a stamp, in seconds; None without items."""
        with self._arrived:
            entry = self._nearest(stamp)
        return None if entry is None else (stamp - entry[0]) * 1e-9

    def _nearest(self, stamp: int) -> tuple[int, Any] | None:
        expected = [
            expectation.entry for expectation in self._expectations if expectation.stamp == stamp
        ]
        kept = [entry for entry in expected if entry is not None] + list(self._entries)
        return min(reversed(kept), key=lambda entry: abs(entry[0] - stamp), default=None)

    def _drop_all(self) -> None:
        self._entries.clear()
        for expectation in self._expectations:
            expectation.entry = None

    def _nearer_may_come(self, stamp: int) -> bool:
        nearest = self._nearest(stamp)
        if not self._entries or nearest is None or nearest[0] - stamp > _SET_BACK:
            return True
        behind = stamp - self._entries[-1][0]
        if behind <= 0:
            return False
        stamps = [entry[0] for entry in self._entries]
        periods = [later - earlier for earlier, later in pairwise(stamps) if later > earlier]
        # The shortest interval, because items may be lost in transport.
        return not periods or abs(behind - min(periods)) < behind


# Maximum number of depth messages that arrive before their image: 0.27 s at 90 Hz. After the
# arrival of the image, `expect` keeps its depth.
_CAPACITY = 24
# Seconds for which images do not wait for depth after it was late.
_IMPATIENCE = 1.0
# Seconds without depth after which images no longer wait for it.
_RECENT = 1.0


class SpatialInputs:
    """Buffers of the newest depth and calibration, searched by the stamp of an image.

    Thread-safe: one thread adds messages, and another one reads.

    Args:
        depth_topic, camera_info_topic: names used in explanations of missing data; empty: there is
            no such topic.
        decode: converts an added item to a message with its fields, or raises an `AfformerError`.
        rectified: whether the images are rectified, so that P of camera_info applies to them.
    """

    def __init__(
        self,
        depth_topic: str,
        camera_info_topic: str,
        decode: Callable[[Any], Any] = lambda message: message,
        *,
        rectified: bool = False,
    ) -> None:
        self._rectified = rectified
        self._depth_topic = depth_topic
        self._camera_info_topic = camera_info_topic
        self._decode = decode
        self._depths = DepthBuffer(_CAPACITY)
        self._camera_info: Any = None
        self._depth_arrived = float('-inf')
        self._impatient_until = 0.0

    def add_depth(self, stamp: int, message: Any) -> None:
        """Add a depth message with its stamp in nanoseconds."""
        self._depth_arrived = time.monotonic()
        self._depths.add(stamp, message)

    def add_camera_info(self, message: Any) -> None:
        """Set the calibration, which applies until the next one."""
        self._camera_info = message

    def expect(self, stamp: int) -> Expectation:
        """Keep the depth of an image until it is grounded.

        Args:
            stamp: stamp of the image, nanoseconds.

        Returns:
            an object that keeps the depth as long as it exists.
        """
        return self._depths.expect(stamp)

    def complete(self, stamp: int) -> bool:
        """Check whether the view at a stamp is final, so that no later message changes it."""
        depth = not self._depth_topic or self._depths.wait(stamp, 0.0)
        return depth and (not self._camera_info_topic or self._camera_info is not None)

    def view(self, stamp: int, tolerance: float, patience: float) -> SpatialView:
        """Find the depth and calibration of an image; may wait for its depth.

        Args:
            stamp: stamp of the image, nanoseconds.
            tolerance: maximum seconds between the image and its depth.
            patience: maximum seconds to wait for depth.
        """
        depth, calibration, problems = None, None, []
        try:
            depth = self._depth(stamp, tolerance, patience)
        except AfformerError as error:
            problems.append(str(error))
        try:
            calibration = self._calibration()
        except AfformerError as error:
            problems.append(str(error))
        return SpatialView(depth, calibration, problems[0] if problems else '')

    def _calibration(self) -> Calibration:
        if not self._camera_info_topic:
            raise CalibrationError('no camera_info topic is replayed')
        if self._camera_info is None:
            raise CalibrationError(f'no camera_info has arrived on {self._camera_info_topic}')
        return Calibration.from_message(self._decode(self._camera_info), rectified=self._rectified)

    def _depth(self, stamp: int, tolerance: float, patience: float) -> DepthImage:
        if not self._depth_topic:
            raise AfformerError('no depth topic is replayed')
        self._wait(stamp, patience)
        message = self._depths.nearest(stamp, round(tolerance * 1e9))
        if message is None:
            raise AfformerError(self._why_no_depth(stamp, tolerance))
        return to_depth(self._decode(message))

    def _wait(self, stamp: int, patience: float) -> None:
        now = time.monotonic()
        comes = now - self._depth_arrived < _RECENT
        if not comes or now < self._impatient_until:
            patience = 0.0
        if not self._depths.wait(stamp, patience) and patience:
            self._impatient_until = time.monotonic() + _IMPATIENCE

    def _why_no_depth(self, stamp: int, tolerance: float) -> str:
        topic, lag = self._depth_topic, self._depths.lag(stamp)
        if lag is None:
            return f'no depth has arrived on {topic}'
        if abs(lag) > ANOTHER_CLOCK:
            return (
                f'the stamps of {topic} differ by {abs(lag):.0f} s from those of the images, '
                f'because they are from another clock. Stamp both by the same clock'
            )
        return (
            f'no depth within {1000 * tolerance:.0f} ms of the image; the nearest on {topic} is '
            f'{1000 * abs(lag):.0f} ms {"older" if lag > 0 else "newer"}'
        )


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


class GroundingPipeline:
    """The processing of the images of one camera, in order.

    `observe` computes and waits; `compose` takes a few milliseconds, for which a caller can hold
    the processor to avoid interruptions. One thread owns the pipeline, except for `expect`.

    Args:
        factory: creates the messages of results.
        spatial: depth and calibration.
        placement_of: function from the header of an image to the frame in which its positions are
            published, which may wait; the default is the frame of the camera.
    """

    def __init__(
        self,
        factory: MessageFactory,
        spatial: SpatialInputs,
        placement_of: Callable[[Any], Placement] = lambda header: Placement(str(header.frame_id)),
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
            self._factory, settings, observed.frame, observed.header, result, self._measured_in
        )
        return ComposedResult(
            observed.frame, result, messages, self._measured_in, time.monotonic()
        )

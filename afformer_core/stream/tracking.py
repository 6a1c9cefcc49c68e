# SPDX-License-Identifier: Apache-2.0
"""Comparison of an image with earlier ones: breaks, smoothing, agreement, peak descriptors."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import cv2
import numpy as np

from afformer_core.arrays import FloatArray, UInt8Array
from afformer_core.outputs.results import CameraFrame
from afformer_core.runtime import Peak
from afformer_core.runtime.prediction import Prediction
from afformer_core.stream.settings import StreamSettings

# After a pause of more time constants than this, smoothing would have no effect.
_PAUSE = 5.0
_CUT_SIDE = 16
_FOLLOWED_SECONDS = 1.0


@dataclass(frozen=True)
class _Before:
    """The image with which the next one is compared."""

    stamp: int
    size: tuple[int, int]
    frame_id: str
    demonstration: str


@dataclass(frozen=True)
class StreamBreak:
    """The break, if any, between an image and the previous one.

    Attributes:
        reason: reason why the image is not smoothed with earlier ones; empty if it is.
        forgets: whether earlier results are discarded, because they may show another scene.
    """

    reason: str
    forgets: bool


class BreakDetector:
    """A detector of breaks in a stream of images."""

    def __init__(self) -> None:
        self._cuts = SceneCutDetector()
        self._before: _Before | None = None
        self._beginning = 'the first image'

    def begin_anew(self, reason: str) -> None:
        """Start again with the next image, for a reason."""
        self._before, self._beginning = None, reason

    def next(
        self,
        frame: CameraFrame,
        prediction: Prediction,
        demonstration: str,
        settings: StreamSettings,
    ) -> StreamBreak:
        """Compare the next image with the previous one."""
        before, change = self._before, self._cuts.change(prediction.image)
        self._before = _Before(frame.stamp, frame.size, frame.frame_id, demonstration)
        if before is None:
            return StreamBreak(self._beginning, forgets=True)
        elapsed = (frame.stamp - before.stamp) * 1e-9
        reason = ''
        if elapsed < 0:
            reason = f'the stamps went back by {-elapsed:.3f} s'
        # The time since the last result is then unknown.
        elif elapsed == 0:
            reason = 'the stamps stand still'
        elif demonstration != before.demonstration:
            reason = 'another demonstration'
        elif frame.size != before.size:
            reason = f'the images are now {frame.size[1]} x {frame.size[0]}'
        elif frame.frame_id != before.frame_id:
            reason = f'the images are now in the frame {frame.frame_id!r}'
        elif change > settings.scene_cut_threshold:
            reason = f'another scene (change {change:.2f})'
        if reason:
            return StreamBreak(reason, forgets=True)
        if elapsed > max(_PAUSE * settings.smoothing_time, settings.hold_time):
            return StreamBreak(f'no image for {elapsed:.1f} s', forgets=False)
        return StreamBreak('', forgets=False)


class SceneCutDetector:
    """A detector of scene cuts, which compares successive images at 16 x 16 grey values.

    At that size, a moving object changes little, even nearby, whereas another scene changes
    everything.
    """

    def __init__(self) -> None:
        self._before: np.ndarray | None = None

    def change(self, image: UInt8Array) -> float:
        """Compute the mean change since the last image, as a share of the range of grey values.

        Args:
            image: uint8 RGB [h, w, 3], of any size.

        Returns:
            0 to 1; 0 for the first image.
        """
        side = (_CUT_SIDE, _CUT_SIDE)
        small = cv2.resize(image, side, interpolation=cv2.INTER_AREA)
        grey = cv2.cvtColor(small, cv2.COLOR_RGB2GRAY).astype(np.float32)
        before, self._before = self._before, grey
        return 0.0 if before is None else float(np.abs(grey - before).mean() / 255)


class PredictionSmoother:
    """An exponential average of predictions, with a time constant in seconds.

    The weights depend on time and not on the number of images: the result is the same at 5 and at
    60 images per second, and if images are left out.
    """

    def __init__(self) -> None:
        self._smoothed: Prediction | None = None
        self._stamp = 0

    def restart(self) -> None:
        """Discard earlier predictions."""
        self._smoothed = None

    def add(self, prediction: Prediction, stamp: int, time_constant: float) -> Prediction:
        """Add a prediction to the average.

        Args:
            prediction: prediction of an image.
            stamp: stamp of the image in nanoseconds, later than the previous one.
            time_constant: seconds after which the weight of an image is 1/e; 0: no smoothing.

        Returns:
            the average; the prediction itself after a restart.
        """
        before = self._smoothed
        elapsed = (stamp - self._stamp) * 1e-9
        self._stamp = stamp
        if before is None or time_constant <= 0 or elapsed <= 0:
            self._smoothed = prediction
        else:
            share = 1 - math.exp(-elapsed / time_constant)
            self._smoothed = _blend(before, prediction, share)
        return self._smoothed


def _blend(before: Prediction, now: Prediction, share: float) -> Prediction:
    scores = {
        name: (1 - share) * before.action_scores[name] + share * score
        for name, score in now.action_scores.items()
    }
    probabilities = before.probabilities + np.float32(share) * (
        now.probabilities - before.probabilities
    )
    ordered = dict(sorted(scores.items(), key=lambda item: -item[1]))
    match = now.match_probability
    if match is not None and before.match_probability is not None:
        match = (1 - share) * before.match_probability + share * match
    return replace(
        now, probabilities=probabilities, action_scores=ordered, match_probability=match
    )


class DescriptorTracker:
    """A comparison of a peak with the last one found, which may be covered in between.

    While a hand or a passer-by covers the element, the model may select another peak with the same
    confidence and the same surroundings. On 60 simulated scenes, the cosine between the
    descriptors of the same peak before and after a camera step had a median of 0.96 and a 5th
    percentile of 0.91. For another element of the same scene, the median was 0.75. A threshold at
    that value rejects half of the look-alikes and accepts every camera step. The descriptor
    follows slow changes of light and viewpoint within a second.
    """

    def __init__(self) -> None:
        self._descriptor: FloatArray | None = None
        self._stamp = 0

    def forget(self) -> None:
        """Discard the descriptor, so that the next one is accepted."""
        self._descriptor = None

    def forget_before(self, stamp: int) -> None:
        """Discard the descriptor if it was last found before a stamp, in nanoseconds."""
        if self._stamp < stamp:
            self.forget()

    def continuity(self, descriptor: FloatArray) -> float:
        """Compute the cosine with the last descriptor found; 1 if there is none.

        Args:
            descriptor: float32 [C] of length 1.
        """
        return 1.0 if self._descriptor is None else float(descriptor @ self._descriptor)

    def add(self, descriptor: FloatArray, stamp: int) -> None:
        """Update the descriptor with that of a peak that was found.

        Args:
            descriptor: float32 [C] of length 1.
            stamp: stamp in nanoseconds.
        """
        if self._descriptor is None:
            self._descriptor = descriptor
        else:
            elapsed = max(0.0, (stamp - self._stamp) * 1e-9)
            share = np.float32(1 - math.exp(-elapsed / _FOLLOWED_SECONDS))
            blend = self._descriptor + share * (descriptor - self._descriptor)
            length = np.linalg.norm(blend) + 1e-6
            self._descriptor = np.asarray(blend / length, dtype=np.float32)
        self._stamp = stamp


class AgreementCounter:
    """A counter of images in a row whose best points agree.

    A point agrees with the previous ones in the row if it is near their mean. Noise therefore ends
    the row, and so does a slow drift to another point.
    """

    def __init__(self) -> None:
        self._count = 0
        self._mean = (0.0, 0.0)

    def forget(self) -> None:
        """End the row, for example after an image without the demonstrated element."""
        self._count = 0

    def add(self, peak: Peak, size: tuple[int, int], tolerance: float) -> int:
        """Add the best point of the next image.

        Args:
            peak: the point, in pixels.
            size: (height, width) in pixels of all images of the row.
            tolerance: largest distance from the mean of the row, as a share of the image's
                diagonal.

        Returns:
            number of images in the row, including this one; 1 if it begins a new row.
        """
        u, v = self._mean
        if self._count and math.dist((peak.u, peak.v), (u, v)) > tolerance * math.hypot(*size):
            self._count = 0
        self._count += 1
        share = 1 / self._count
        self._mean = (u + share * (peak.u - u), v + share * (peak.v - v))
        return self._count

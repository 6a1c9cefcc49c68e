# SPDX-License-Identifier: Apache-2.0
"""Comparison of an image with those before: breaks, smoothing, and the descriptor of the peak."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import cv2
import numpy as np

from afformer_core.arrays import FloatArray, UInt8Array
from afformer_core.outputs.results import CameraFrame
from afformer_core.runtime.prediction import Prediction
from afformer_core.stream.settings import StreamSettings

# Smoothing over a longer pause than so many time constants would change nothing.
_PAUSE = 5.0
_CUT_SIDE = 16
_FOLLOWED_SECONDS = 1.0


@dataclass(frozen=True)
class _Before:
    """The image that the next one is compared with."""

    stamp: int
    size: tuple[int, int]
    frame_id: str
    demonstration: str


@dataclass(frozen=True)
class StreamBreak:
    """Between an image and the one before.

    Attributes:
        reason: why the image is not smoothed with those before; empty if it is.
        forgets: whether nothing of before counts, since it may be of another scene.
    """

    reason: str
    forgets: bool


class BreakDetector:
    """Detector of where a stream of images begins anew."""

    def __init__(self) -> None:
        self._cuts = SceneCutDetector()
        self._before: _Before | None = None
        self._beginning = 'the first image'

    def begin_anew(self, reason: str) -> None:
        """Have the next image begin anew, for a reason."""
        self._before, self._beginning = None, reason

    def next(
        self,
        frame: CameraFrame,
        prediction: Prediction,
        demonstration: str,
        settings: StreamSettings,
    ) -> StreamBreak:
        """Compare the next image with the one before."""
        before, change = self._before, self._cuts.change(prediction.image)
        self._before = _Before(frame.stamp, frame.size, frame.frame_id, demonstration)
        if before is None:
            return StreamBreak(self._beginning, forgets=True)
        elapsed = (frame.stamp - before.stamp) * 1e-9
        reason = ''
        if elapsed < 0:
            reason = f'the stamps went back by {-elapsed:.3f} s'
        # How long ago anything was seen is not known then.
        elif elapsed == 0:
            reason = 'the stamps stand still'
        elif demonstration != before.demonstration:
            reason = 'another demonstration'
        elif frame.size != before.size:
            reason = f'images of {frame.size[1]} x {frame.size[0]} now'
        elif frame.frame_id != before.frame_id:
            reason = f'images in the frame {frame.frame_id!r} now'
        elif change > settings.scene_cut_threshold:
            reason = f'another scene (change {change:.2f})'
        if reason:
            return StreamBreak(reason, forgets=True)
        if elapsed > max(_PAUSE * settings.smoothing_time, settings.hold_time):
            return StreamBreak(f'no image for {elapsed:.1f} s', forgets=False)
        return StreamBreak('', forgets=False)


class SceneCutDetector:
    """Compares each image with the one before, both shrunk to 16 x 16 grey values.

    At that size what moves changes little, even when it is near; another scene changes all.
    """

    def __init__(self) -> None:
        self._before: np.ndarray | None = None

    def change(self, image: UInt8Array) -> float:
        """Compute the mean change since the image before, as a share of the grey values' range.

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
    """Averages predictions with weights that fall off with a time constant in seconds.

    Time, not images, is counted: the result is the same at 5 and at 60 images a second, and
    where images were left out.
    """

    def __init__(self) -> None:
        self._smoothed: Prediction | None = None
        self._stamp = 0

    def restart(self) -> None:
        """Forget what came before."""
        self._smoothed = None

    def add(self, prediction: Prediction, stamp: int, time_constant: float) -> Prediction:
        """Blend a prediction into those before.

        Args:
            prediction: of an image.
            stamp: nanoseconds of the image, later than the one before.
            time_constant: seconds after which an image counts 1/e; 0: no smoothing.

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
    return replace(now, probabilities=probabilities, action_scores=ordered)


class DescriptorTracker:
    """Comparison of a peak with the one found before, which may be covered meanwhile.

    What covers it, a hand or a passer-by, looks different, and the model may point at the next
    best peak meanwhile, with as much confidence and in the same surroundings. On 60 simulated
    scenes the peak seen by a camera that moved on had a median cosine of 0.96 with itself,
    0.91 at the 5th percentile, and another element of the same scene 0.75: half of the
    look-alikes are told apart by a threshold there, and no step of the camera is taken for one.
    The descriptor follows slow changes of light and viewpoint over a second.
    """

    def __init__(self) -> None:
        self._descriptor: FloatArray | None = None
        self._stamp = 0

    def forget(self) -> None:
        """Take the next descriptor as it comes."""
        self._descriptor = None

    def forget_before(self, stamp: int) -> None:
        """Forget a descriptor that was last found before a stamp, in nanoseconds."""
        if self._stamp < stamp:
            self.forget()

    def continuity(self, descriptor: FloatArray) -> float:
        """Compute the cosine with the descriptor that was found before; 1 where there was none.

        Args:
            descriptor: float32 [C] of length 1.
        """
        return 1.0 if self._descriptor is None else float(descriptor @ self._descriptor)

    def add(self, descriptor: FloatArray, stamp: int) -> None:
        """Follow the descriptor of a peak that was found.

        Args:
            descriptor: float32 [C] of length 1.
            stamp: nanoseconds.
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

# SPDX-License-Identifier: Apache-2.0
"""Follows a demonstration through a stream of camera images."""

from __future__ import annotations

from dataclasses import dataclass, replace

from afformer_core.runtime import Grounding
from afformer_core.runtime.prediction import Prediction
from afformer_core.stream.location import checked_view, locate
from afformer_core.stream.results import CameraFrame, SpatialView, StreamedGrounding
from afformer_core.stream.scene_cut import SceneCutDetector
from afformer_core.stream.settings import StreamSettings
from afformer_core.stream.smoothing import PredictionSmoother

# Smoothing over a longer pause than so many time constants would change nothing.
_PAUSE = 5.0


@dataclass(frozen=True)
class _Before:
    """What the next image is compared with."""

    stamp: int
    size: tuple[int, int]
    demonstration: str


class GroundingStream:
    """Smooths predictions over time, holds what was seen, abstains, and measures points.

    There is evidence that the demonstrated place is in view where the confidence reaches
    `minimum_confidence` and the resemblance `minimum_resemblance`. Images without evidence are
    not blended into the smoothed heatmap; the last grounding with evidence is held for
    `hold_time`, with its points, and after that nothing is found. Everything before is forgotten
    when the stamps go back, the scene, the size or the demonstration changes. One thread owns it.
    """

    def __init__(self) -> None:
        self._smoother = PredictionSmoother()
        self._cuts = SceneCutDetector()
        self._before: _Before | None = None
        self._evident: StreamedGrounding | None = None
        self._evident_stamp = 0

    def ground(
        self,
        frame: CameraFrame,
        prediction: Prediction,
        demonstration: str,
        view: SpatialView,
        settings: StreamSettings,
    ) -> StreamedGrounding:
        """Take the next image.

        Args:
            frame: the image.
            prediction: of the demonstration in this image.
            demonstration: its name.
            view: depth and calibration that belong to the image.
            settings: which may change from image to image.
        """
        restart = self._why_restart(frame, prediction, demonstration, settings)
        if restart:
            self._smoother.restart()
            self._evident = None
        confidence = prediction.peaks(frame.size, 1)[0].score
        if settings.is_evidence(confidence, prediction.resemblance):
            grounding = self._smooth(frame, prediction, settings)
            result = _located(frame, grounding, demonstration, view, settings, restart)
            self._evident, self._evident_stamp = result, frame.stamp
            return result
        held = self._held(confidence, prediction.resemblance, frame)
        if held is not None and held.age <= settings.hold_time:
            return held
        self._smoother.restart()
        self._evident = None
        grounding = prediction.grounding(frame.size, settings.maximum_peaks)
        result = _located(frame, grounding, demonstration, view, settings, restart)
        return replace(result, found=False)

    def _smooth(
        self, frame: CameraFrame, prediction: Prediction, settings: StreamSettings
    ) -> Grounding:
        smoothed = self._smoother.add(prediction, frame.stamp, settings.smoothing_time)
        grounding = smoothed.grounding(frame.size, settings.maximum_peaks)
        if grounding.confidence >= settings.minimum_confidence:
            return grounding
        # A place that moved faster than the smoothing follows leaves a trail of weak peaks.
        self._smoother.restart()
        self._smoother.add(prediction, frame.stamp, settings.smoothing_time)
        return prediction.grounding(frame.size, settings.maximum_peaks)

    def _why_restart(
        self,
        frame: CameraFrame,
        prediction: Prediction,
        demonstration: str,
        settings: StreamSettings,
    ) -> str:
        before, change = self._before, self._cuts.change(prediction.image)
        self._before = _Before(frame.stamp, frame.size, demonstration)
        if before is None:
            return 'the first image'
        elapsed = (frame.stamp - before.stamp) * 1e-9
        if elapsed < 0:
            return f'the stamps went back by {-elapsed:.3f} s'
        if demonstration != before.demonstration:
            return 'another demonstration'
        if frame.size != before.size:
            return f'images of {frame.size[1]} x {frame.size[0]} now'
        if change > settings.scene_cut_threshold:
            return f'another scene (change {change:.2f})'
        if elapsed > max(_PAUSE * settings.smoothing_time, settings.hold_time):
            return f'no image for {elapsed:.1f} s'
        return ''

    def _held(
        self, confidence: float, resemblance: float, frame: CameraFrame
    ) -> StreamedGrounding | None:
        if self._evident is None:
            return None
        age = (frame.stamp - self._evident_stamp) * 1e-9
        # Images of the same stamp cannot be told apart in time; held is what is older than now.
        return replace(
            self._evident,
            confidence=confidence,
            resemblance=resemblance,
            age=max(age, 1e-9),
            restart='',
        )


def _located(
    frame: CameraFrame,
    grounding: Grounding,
    demonstration: str,
    view: SpatialView,
    settings: StreamSettings,
    restart: str,
) -> StreamedGrounding:
    view = checked_view(frame, view)
    return StreamedGrounding(
        demonstration,
        grounding,
        found=True,
        confidence=grounding.confidence,
        resemblance=grounding.resemblance,
        age=0.0,
        surfaces=locate(grounding.peaks, frame, view, settings.surface),
        view=view,
        restart=restart,
    )

# SPDX-License-Identifier: Apache-2.0
"""Grounding of a demonstration in a stream of camera images."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace

from afformer_core.runtime import Grounding
from afformer_core.runtime.prediction import Prediction
from afformer_core.stream.location import checked_view, locate
from afformer_core.stream.place_memory import PlaceMemory
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


@dataclass(frozen=True)
class _Evidence:
    """How far one image shows the place; see `StreamedGrounding`."""

    confidence: float
    resemblance: float
    continuity: float
    presence: float | None
    presence_threshold: float | None

    @classmethod
    def of(
        cls,
        prediction: Prediction,
        confidence: float,
        continuity: float,
        settings: StreamSettings,
    ) -> _Evidence:
        calibration = prediction.calibration
        return cls(
            confidence,
            prediction.resemblance,
            continuity,
            prediction.presence(confidence),
            None if calibration is None else settings.presence_threshold(calibration),
        )


class GroundingStream:
    """Smooths predictions over time, holds what was seen, abstains, and measures points.

    There is evidence that the demonstrated place is in view where the presence reaches
    `minimum_presence`, or, of a model that is not calibrated, the confidence `minimum_confidence`
    and the resemblance `minimum_resemblance`; and where the continuity with what was found in the
    `release_time` before reaches `minimum_continuity`. Images without evidence are not
    blended into the smoothed heatmap; the last grounding with evidence is held for `hold_time`,
    with its points, and after that nothing is found. Everything before is forgotten when the
    stamps go back or stand still, and when the scene, the size or the demonstration changes. One
    thread owns it.
    """

    def __init__(self) -> None:
        self._smoother = PredictionSmoother()
        self._cuts = SceneCutDetector()
        self._places = PlaceMemory()
        self._before: _Before | None = None
        self._evident: StreamedGrounding | None = None
        self._beginning = 'the first image'

    def begin_anew(self, reason: str) -> None:
        """Forget everything before the next image, and say there for what reason."""
        self._before, self._beginning = None, reason

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
        pause = self._pause(frame, settings)
        restart = self._why_restart(frame, prediction, demonstration, settings)
        if restart:
            self._forget()
            self._places.forget()
        elif pause:
            self._smoother.restart()
        restart = restart or pause
        evidence = self._evidence(frame, prediction, settings)
        if _suffices(evidence, prediction, settings):
            self._places.add(prediction.place, frame.stamp)
            grounding = self._smooth(frame, prediction, settings)
            evidence = _Evidence.of(
                prediction, grounding.confidence, evidence.continuity, settings
            )
            result = _located(frame, grounding, demonstration, view, settings, evidence, restart)
            self._evident = result
            return result
        held = self._held(evidence, frame)
        if held is not None and held.age <= settings.hold_time:
            return held
        self._forget()
        grounding = prediction.grounding(frame.size, settings.maximum_peaks)
        result = _located(frame, grounding, demonstration, view, settings, evidence, restart)
        return replace(result, found=False)

    def _forget(self) -> None:
        self._smoother.restart()
        self._evident = None

    def _evidence(
        self, frame: CameraFrame, prediction: Prediction, settings: StreamSettings
    ) -> _Evidence:
        continuity = self._continuity(frame, prediction, settings)
        least = prediction.least_confidence()
        evidence = _Evidence.of(prediction, least, continuity, settings)
        if _suffices(evidence, prediction, settings):
            return evidence
        best = prediction.peaks(frame.size, 1)[0].score
        return _Evidence.of(prediction, best, continuity, settings)

    def _continuity(
        self, frame: CameraFrame, prediction: Prediction, settings: StreamSettings
    ) -> float:
        self._places.forget_before(frame.stamp - round(settings.release_time * 1e9))
        return self._places.continuity(prediction.place)

    def _smooth(
        self, frame: CameraFrame, prediction: Prediction, settings: StreamSettings
    ) -> Grounding:
        smoothed = self._smoother.add(prediction, frame.stamp, settings.smoothing_time)
        grounding = smoothed.grounding(frame.size, settings.maximum_peaks)
        if settings.is_evidence(
            grounding.confidence, prediction.resemblance, prediction.calibration
        ):
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
            return self._beginning
        elapsed = (frame.stamp - before.stamp) * 1e-9
        if elapsed < 0:
            return f'the stamps went back by {-elapsed:.3f} s'
        # How long ago anything was seen is not known then.
        if elapsed == 0:
            return 'the stamps stand still'
        if demonstration != before.demonstration:
            return 'another demonstration'
        if frame.size != before.size:
            return f'images of {frame.size[1]} x {frame.size[0]} now'
        if change > settings.scene_cut_threshold:
            return f'another scene (change {change:.2f})'
        return ''

    def _pause(self, frame: CameraFrame, settings: StreamSettings) -> str:
        """Why there is nothing to smooth with, although it is the same scene; or empty."""
        before = self._before
        elapsed = 0.0 if before is None else (frame.stamp - before.stamp) * 1e-9
        pauses = elapsed > max(_PAUSE * settings.smoothing_time, settings.hold_time)
        return f'no image for {elapsed:.1f} s' if pauses else ''

    def _held(self, evidence: _Evidence, frame: CameraFrame) -> StreamedGrounding | None:
        if self._evident is None:
            return None
        age = (frame.stamp - self._evident.stamp) * 1e-9
        return replace(self._evident, **asdict(evidence), age=age, restart='')


def _suffices(evidence: _Evidence, prediction: Prediction, settings: StreamSettings) -> bool:
    return (
        settings.is_evidence(evidence.confidence, evidence.resemblance, prediction.calibration)
        and evidence.continuity >= settings.minimum_continuity
    )


def _located(
    frame: CameraFrame,
    grounding: Grounding,
    demonstration: str,
    view: SpatialView,
    settings: StreamSettings,
    evidence: _Evidence,
    restart: str,
) -> StreamedGrounding:
    view = checked_view(frame, view)
    peaks, surfaces = locate(grounding.peaks, frame, view, settings)
    return StreamedGrounding(
        demonstration,
        replace(grounding, peaks=peaks),
        found=True,
        **asdict(evidence),
        age=0.0,
        surfaces=surfaces,
        view=view,
        restart=restart,
        stamp=frame.stamp,
    )

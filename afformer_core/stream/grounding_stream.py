# SPDX-License-Identifier: Apache-2.0
"""Grounding of a demonstration in a stream of camera images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace

from afformer_core.geometry.depth_image import alignment_problem
from afformer_core.geometry.prominent_surface import prominent_surfaces
from afformer_core.geometry.surface import SurfacePoint
from afformer_core.outputs.results import CameraFrame, SpatialView, StreamedGrounding
from afformer_core.runtime import Grounding, Peak
from afformer_core.runtime.prediction import Prediction
from afformer_core.stream.settings import StreamSettings
from afformer_core.stream.tracking import (
    AgreementCounter,
    BreakDetector,
    DescriptorTracker,
    PredictionSmoother,
)


@dataclass(frozen=True)
class _PresenceMeasures:
    """Measures of whether one image shows the element; see `StreamedGrounding`."""

    confidence: float
    feature_similarity: float
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
    ) -> _PresenceMeasures:
        calibration = prediction.calibrations.presence
        return cls(
            confidence,
            prediction.feature_similarity,
            continuity,
            prediction.presence(confidence),
            None if calibration is None else settings.presence_threshold(calibration),
        )


class GroundingStream:
    """A stream of groundings: smoothed over time, held while hidden, with measured points.

    The demonstrated element is in view if two conditions hold. First, the presence reaches
    `minimum_presence`, or, for a model that is not calibrated, the confidence reaches
    `minimum_confidence` and the feature similarity `minimum_feature_similarity`. Second, the
    continuity with the last result within `release_time` reaches `minimum_continuity`. Other
    images are not blended into the smoothed heatmap. Meanwhile, the last grounding with the
    element in view is held for `hold_time`, with its points; after that nothing is found. The
    stream starts again when stamps do not increase, and when the scene, the size, the frame or the
    demonstration changes. One thread owns it.
    """

    def __init__(self) -> None:
        self._breaks = BreakDetector()
        self._smoother = PredictionSmoother()
        self._tracker = DescriptorTracker()
        self._agreement = AgreementCounter()
        self._last_found: StreamedGrounding | None = None

    def begin_anew(self, reason: str) -> None:
        """Start again with the next image, whose result states the reason."""
        self._breaks.begin_anew(reason)

    def ground(
        self,
        frame: CameraFrame,
        prediction: Prediction,
        demonstration: str,
        view: SpatialView,
        settings: StreamSettings,
    ) -> StreamedGrounding:
        """Ground the next image.

        Args:
            frame: the image.
            prediction: prediction of the demonstration in this image.
            demonstration: its name.
            view: depth and calibration that belong to the image.
            settings: settings, which may change from image to image.
        """
        begins = self._breaks.next(frame, prediction, demonstration, settings)
        restart = begins.reason
        if begins.forgets:
            self._forget()
            self._tracker.forget()
            self._agreement.forget()
        elif restart:
            self._smoother.restart()
        measures = self._measures(frame, prediction, settings)
        if _suffices(measures, prediction, settings):
            self._tracker.add(prediction.descriptor, frame.stamp)
            grounding = self._smooth(frame, prediction, settings)
            measures = _PresenceMeasures.of(
                prediction, grounding.confidence, measures.continuity, settings
            )
            result = _located(frame, grounding, demonstration, view, settings, measures, restart)
            self._last_found = result
            best = result.grounding.peaks[0]
            agreeing = self._agreement.add(best, frame.size, settings.agreement_tolerance)
            return replace(result, agreeing_images=agreeing)
        self._agreement.forget()
        held = self._held(measures, frame, settings)
        if held is not None and held.age <= settings.hold_time:
            return held
        self._forget()
        grounding = prediction.grounding(frame.size, settings.maximum_peaks)
        result = _located(frame, grounding, demonstration, view, settings, measures, restart)
        return replace(result, found=False)

    def _forget(self) -> None:
        self._smoother.restart()
        self._last_found = None

    def _measures(
        self, frame: CameraFrame, prediction: Prediction, settings: StreamSettings
    ) -> _PresenceMeasures:
        continuity = self._continuity(frame, prediction, settings)
        least = prediction.least_confidence()
        measures = _PresenceMeasures.of(prediction, least, continuity, settings)
        if _suffices(measures, prediction, settings):
            return measures
        best = prediction.peaks(frame.size, 1)[0].score
        return _PresenceMeasures.of(prediction, best, continuity, settings)

    def _continuity(
        self, frame: CameraFrame, prediction: Prediction, settings: StreamSettings
    ) -> float:
        self._tracker.forget_before(frame.stamp - round(settings.release_time * 1e9))
        return self._tracker.continuity(prediction.descriptor)

    def _smooth(
        self, frame: CameraFrame, prediction: Prediction, settings: StreamSettings
    ) -> Grounding:
        smoothed = self._smoother.add(prediction, frame.stamp, settings.smoothing_time)
        grounding = smoothed.grounding(frame.size, settings.maximum_peaks)
        if settings.is_present(grounding.presence_features, prediction.calibrations.presence):
            return grounding
        # A peak that moves faster than the smoothing can follow leaves a trail of weak peaks.
        self._smoother.restart()
        self._smoother.add(prediction, frame.stamp, settings.smoothing_time)
        return prediction.grounding(frame.size, settings.maximum_peaks)

    def _held(
        self, measures: _PresenceMeasures, frame: CameraFrame, settings: StreamSettings
    ) -> StreamedGrounding | None:
        if self._last_found is None:
            return None
        age = (frame.stamp - self._last_found.stamp) * 1e-9
        grounding = self._last_found.grounding
        if grounding.given_action != settings.action:
            grounding = replace(grounding, given_action=settings.action)
        return replace(
            self._last_found, grounding=grounding, **asdict(measures), age=age, restart=''
        )


def _suffices(
    measures: _PresenceMeasures, prediction: Prediction, settings: StreamSettings
) -> bool:
    features = prediction.presence_features(measures.confidence)
    return (
        settings.is_present(features, prediction.calibrations.presence)
        and measures.continuity >= settings.minimum_continuity
    )


def _located(
    frame: CameraFrame,
    grounding: Grounding,
    demonstration: str,
    view: SpatialView,
    settings: StreamSettings,
    measures: _PresenceMeasures,
    restart: str,
) -> StreamedGrounding:
    view = checked_view(frame, view)
    peaks, surfaces = lift_peaks(grounding.peaks, frame, view, settings)
    if settings.action:
        grounding = replace(grounding, given_action=settings.action)
    if settings.certainty_threshold >= 0:
        grounding = replace(grounding, certainty_threshold=settings.certainty_threshold)
    return StreamedGrounding(
        demonstration=demonstration,
        grounding=replace(grounding, peaks=peaks),
        found=True,
        **asdict(measures),
        age=0.0,
        surfaces=surfaces,
        view=view,
        restart=restart,
        stamp=frame.stamp,
    )


def lift_peaks(
    peaks: Sequence[Peak], frame: CameraFrame, view: SpatialView, settings: StreamSettings
) -> tuple[tuple[Peak, ...], tuple[SurfacePoint, ...]]:
    """Find the surfaces to which peaks refer, and move the peaks to pixels on these surfaces.

    Args:
        peaks: peaks of a heatmap.
        frame: their image.
        view: depth and calibration that belong to it.
        settings: settings of the peaks, of their maximum error, and of the measurement of
            surfaces.

    Returns:
        the peaks, moved by at most `settings.peak_tolerance`; and the surface at each peak, with
        the reason instead of a position if it is uncertain.
    """
    depth, calibration = view.depth, view.calibration
    if depth is None or calibration is None:
        return tuple(peaks), tuple(SurfacePoint.unknown(view.problem) for _ in peaks)
    prominent = prominent_surfaces(
        depth,
        calibration,
        frame.size,
        [(peak.u, peak.v) for peak in peaks],
        settings.peak_tolerance * min(frame.size),
        settings.surface,
    )
    moved = tuple(
        replace(peak, u=surface_found.pixel[0], v=surface_found.pixel[1])
        for peak, surface_found in zip(peaks, prominent, strict=True)
    )
    return moved, tuple(surface_found.surface for surface_found in prominent)


def checked_view(frame: CameraFrame, view: SpatialView) -> SpatialView:
    """Return the view, without depth if the depth does not fit the image."""
    if view.depth is None or view.calibration is None:
        return view
    problem = alignment_problem(frame.size, frame.frame_id, view.depth, view.calibration)
    return SpatialView(None, view.calibration, problem) if problem else view

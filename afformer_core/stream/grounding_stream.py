# SPDX-License-Identifier: Apache-2.0
"""Grounding of a demonstration in a stream of camera images, in comparison with earlier ones."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace

import cv2
import numpy as np

from afformer_core.arrays import FloatArray, UInt8Array
from afformer_core.geometry.camera import alignment_problem
from afformer_core.geometry.surface import SurfacePoint, prominent_surfaces
from afformer_core.outputs.results import CameraFrame, SpatialView, StreamedGrounding
from afformer_core.runtime import Grounding, Peak
from afformer_core.runtime.grounding import Prediction
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
    """A detector of breaks in a stream of images.

    Another scene is found by comparing successive images at 16 x 16 grey values. At that size, a
    moving object changes little, even nearby, whereas another scene changes everything.
    """

    def __init__(self) -> None:
        self._grey: np.ndarray | None = None
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
        before, change = self._before, self._change(prediction.image)
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

    def _change(self, image: UInt8Array) -> float:
        """Compute the mean change since the last image, as a share of the range of grey values.

        Returns:
            0 to 1; 0 for the first image.
        """
        side = (_CUT_SIDE, _CUT_SIDE)
        small = cv2.resize(image, side, interpolation=cv2.INTER_AREA)
        grey = cv2.cvtColor(small, cv2.COLOR_RGB2GRAY).astype(np.float32)
        before, self._grey = self._grey, grey
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
        cls, prediction: Prediction, confidence: float, continuity: float, settings: StreamSettings
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
        settings,
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

# SPDX-License-Identifier: Apache-2.0
"""Settings of the grounding of a stream of camera images."""

from __future__ import annotations

from dataclasses import dataclass, field

from afformer_core.geometry.surface import SurfaceSettings
from afformer_core.runtime.presence import PresenceCalibration, PresenceFeatures


@dataclass(frozen=True, kw_only=True)
class StreamSettings:
    """Settings of the grounding of a stream of camera images, for `GroundingStream`.

    Attributes:
        maximum_peaks: maximum number of peaks, at least 1.
        minimum_presence: presence below which nothing is found, 0 to 1; -1: the calibrated
            threshold of the model. Applies only to a calibrated model, for which
            minimum_confidence and minimum_feature_similarity are not used.
        certainty_threshold: certainty below which a robot should not act, 0 to 1; -1: the
            calibrated threshold of the model.
        minimum_confidence: share of the heatmap around its best peak below which nothing is found,
            0 to 1.
        minimum_feature_similarity: feature similarity below which nothing is found, -1 to 1; see
            `DemonstrationFeatures`.
        minimum_continuity: feature similarity to the last peak found, below which nothing is
            found, -1 to 1; see `DescriptorTracker`.
        release_time: seconds without a result after which a peak that looks different may be
            found.
        smoothing_time: time constant of the heatmap's exponential smoothing in seconds; 0: none.
        hold_time: seconds for which the last result is held while nothing is found.
        scene_cut_threshold: mean change from one image to the next that begins a new scene, as a
            share of the range of grey values, 0 to 1; 1: never.
        peak_tolerance: maximum error of a peak, as a share of the image's shorter side, 0 to 0.25.
            With depth, the point lies on the surface that stands out most within this distance; 0:
            on the surface at the peak itself.
        agreement_tolerance: maximum distance between the best points of images that agree and
            their mean, as a share of the image's diagonal, 0 to 1; see `AgreementCounter`.
        action: name of the demonstrated action, which replaces the model's; empty: the model's
            action.
        surface: settings of the measurement of points in depth.
    """

    maximum_peaks: int = 5
    minimum_presence: float = -1.0
    certainty_threshold: float = -1.0
    minimum_confidence: float = 0.2
    minimum_feature_similarity: float = 0.7
    minimum_continuity: float = 0.75
    release_time: float = 5.0
    smoothing_time: float = 0.1
    hold_time: float = 0.5
    scene_cut_threshold: float = 0.2
    peak_tolerance: float = 0.04
    agreement_tolerance: float = 0.02
    action: str = ''
    surface: SurfaceSettings = field(default_factory=SurfaceSettings)

    def __post_init__(self) -> None:
        for name, low, high in (
            ('maximum_peaks', 1, 1_000),
            ('minimum_presence', -1, 1),
            ('certainty_threshold', -1, 1),
            ('minimum_confidence', 0, 1),
            ('minimum_feature_similarity', -1, 1),
            ('minimum_continuity', -1, 1),
            ('release_time', 0, 3600),
            ('smoothing_time', 0, 3600),
            ('hold_time', 0, 3600),
            ('scene_cut_threshold', 0, 1),
            ('peak_tolerance', 0, 0.25),
            ('agreement_tolerance', 0, 1),
        ):
            value = getattr(self, name)
            if not low <= value <= high:
                raise ValueError(f'{name} is {value}; expected from {low} to {high}')

    def is_present(
        self, features: PresenceFeatures, calibration: PresenceCalibration | None
    ) -> bool:
        """Check whether a single image shows the element.

        Args:
            features: features of the grounding of the image.
            calibration: calibration of the model, or None.
        """
        if calibration is None:
            return (
                features.confidence >= self.minimum_confidence
                and features.feature_similarity >= self.minimum_feature_similarity
            )
        return calibration.presence(features) >= self.presence_threshold(calibration)

    def presence_threshold(self, calibration: PresenceCalibration) -> float:
        """Return the presence, 0 to 1, at which a calibrated model finds the element."""
        return calibration.threshold if self.minimum_presence < 0 else self.minimum_presence

    def thresholds(self, calibration: PresenceCalibration | None) -> dict[str, float]:
        """Return the thresholds below which an image does not show the element.

        Args:
            calibration: calibration of the model, or None.

        Returns:
            the thresholds that apply, of `presence`, `confidence`, `feature_similarity` and
            `continuity`.
        """
        if calibration is None:
            least = {
                'confidence': self.minimum_confidence,
                'feature_similarity': self.minimum_feature_similarity,
            }
        else:
            least = {'presence': self.presence_threshold(calibration)}
        least['continuity'] = self.minimum_continuity
        return {name: value for name, value in least.items() if value > -1}

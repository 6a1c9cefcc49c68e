# SPDX-License-Identifier: Apache-2.0
"""Settings of the grounding of a stream of camera images."""

from __future__ import annotations

from dataclasses import dataclass

from afformer_core.geometry.camera import DepthSettings
from afformer_core.outputs.results import OutputSettings
from afformer_core.runtime.calibrations import PresenceCalibration, PresenceFeatures
from afformer_core.settings import parameter


@dataclass(frozen=True, kw_only=True)
class StreamSettings(DepthSettings):
    """Settings of the grounding of a stream of camera images, for `GroundingStream`."""

    maximum_peaks: int = parameter(
        5, 'Maximum number of peaks of the heatmap that are published as points', limits=(1, 100)
    )
    minimum_presence: float = parameter(
        -1.0,
        'Presence, the probability that the image shows the demonstrated element, below which '
        'nothing is found. -1: the calibrated threshold of the model. Applies only to a '
        'calibrated model, for which minimum_confidence and minimum_feature_similarity are '
        'not used',
        limits=(-1.0, 1.0),
    )
    certainty_threshold: float = parameter(
        -1.0,
        'Certainty, the probability that the best point lies on the demonstrated part, below '
        'which no robot should act. -1: the calibrated threshold of the model',
        limits=(-1.0, 1.0),
    )
    minimum_confidence: float = parameter(
        0.2,
        'Share of the heatmap around its best peak below which nothing is found, for a model '
        'that is not calibrated',
        limits=(0.0, 1.0),
    )
    minimum_feature_similarity: float = parameter(
        0.7,
        'Feature similarity between the demonstration and the surroundings of the heatmap '
        'below which nothing is found, for a model that is not calibrated. -1: not checked',
        limits=(-1.0, 1.0),
    )
    minimum_continuity: float = parameter(
        0.75,
        'Feature similarity to the peak that was found before, below which nothing is found. '
        '-1: not checked',
        limits=(-1.0, 1.0),
    )
    release_time: float = parameter(
        5.0,
        'Seconds without a result after which a peak that looks different may be found',
        limits=(0.0, 3600.0),
    )
    hold_time: float = parameter(
        0.5,
        'Seconds for which the last result is held, with its age, while nothing is found',
        limits=(0.0, 60.0),
    )
    smoothing_time: float = parameter(
        0.1,
        'Time constant of the smoothing of the heatmap over time, in seconds. 0: no smoothing',
        limits=(0.0, 60.0),
    )
    scene_cut_threshold: float = parameter(
        0.2,
        'Mean change of the image, as a share of its range, that begins a new scene. 1: never',
        limits=(0.0, 1.0),
    )
    peak_tolerance: float = parameter(
        0.04,
        'Maximum error of a peak, as a share of the shorter side of the image. If depth is '
        'available, the point lies on the surface that stands out most within this distance '
        'of the peak. 0: on the surface at the peak itself',
        limits=(0.0, 0.25),
    )
    agreement_tolerance: float = parameter(
        0.02,
        'Maximum distance between the best points of images that agree and their mean, as a '
        'share of the diagonal of the image',
        limits=(0.0, 1.0),
    )
    action: str = parameter(
        '',
        'Name of the demonstrated action, such as pull, which determines the direction of '
        'motion. Empty: the best action of the model, or unknown if its score is too low',
    )

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


@dataclass(frozen=True, kw_only=True)
class PipelineSettings(StreamSettings, OutputSettings):
    """All settings of the pipeline from a camera image to its messages."""

    depth_tolerance: float = parameter(
        0.02,
        'Maximum difference between the stamps of an image and its depth, in seconds',
        limits=(0.0, 10.0),
    )
    depth_wait: float = parameter(
        0.03, 'Maximum time to wait for the depth of an image, in seconds', limits=(0.0, 1.0)
    )

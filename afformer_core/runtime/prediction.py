# SPDX-License-Identifier: Apache-2.0
"""The prediction of the model for one image, before smoothing and the search for peaks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from afformer_core.arrays import FloatArray, UInt8Array
from afformer_core.models.configuration import AfformerConfiguration
from afformer_core.runtime.demonstration import Demonstration
from afformer_core.runtime.grounding import UNKNOWN_ROTATION, Grounding, Peak, ShownRotation
from afformer_core.runtime.matching.certainty import CertaintyCalibration, DecoderCertainty
from afformer_core.runtime.matching.weighing import LEAST_WEIGHT
from afformer_core.runtime.networks import Output
from afformer_core.runtime.peaks import find_peaks, share_at_maximum
from afformer_core.runtime.presence import PresenceCalibration, PresenceFeatures


@dataclass(frozen=True)
class Prediction:
    """The output of the model at its own size.

    Attributes:
        image: uint8 RGB [h, w, 3], the source image at the model's input size.
        probabilities: float32 [h, w], of sum 1.
        action_scores: score of each action, 0 to 1, best first.
        feature_similarity: feature similarity of the demonstration and the surroundings of the
            heatmap, -1 to 1 (see `DemonstrationFeatures`).
        descriptor: descriptor of the image at the heatmap's peak, float32 [C] of length 1.
        seconds: time that the session took, in seconds.
        calibration: calibration of the model; None if there is none.
        rotation: direction of rotation that the demonstrations show.
        contact_similarity, decoder_weight: see `PresenceFeatures`.
        certainty_calibration: calibration of certainty; None if there is none.
        decoder_certainty: the same for images in which the decoder outweighs the matching network.
        contact_probability: probability of the demonstrations' contacts, the mean if there are
            several; None if one of them is unknown.
    """

    image: UInt8Array
    probabilities: FloatArray
    action_scores: Mapping[str, float]
    feature_similarity: float
    descriptor: FloatArray
    seconds: float
    calibration: PresenceCalibration | None = None
    rotation: ShownRotation = UNKNOWN_ROTATION
    contact_similarity: float = 0.0
    decoder_weight: float = 1.0
    certainty_calibration: CertaintyCalibration | None = None
    decoder_certainty: DecoderCertainty | None = None
    contact_probability: float | None = None

    @classmethod
    def of(
        cls,
        output: Output,
        image: UInt8Array,
        demonstrations: Sequence[Demonstration],
        configuration: AfformerConfiguration,
        seconds: float,
        calibration: PresenceCalibration | None,
        certainty_calibration: CertaintyCalibration | None = None,
        decoder_certainty: DecoderCertainty | None = None,
    ) -> Prediction:
        """Build a prediction from the network's output.

        If the model has a heatmap for each action, the heatmap of the best action is used.

        Args:
            output: output of the network.
            image: image that was grounded, at the model's input size.
            demonstrations: demonstrations that were grounded, at least one.
            configuration: configuration of the model.
            seconds: time that the session took, in seconds.
            calibration: calibration of the model; None if there is none.
            certainty_calibration, decoder_certainty: see the attributes.
        """
        probabilities = _heatmap(output, configuration)
        features, shown = (
            output.image_features,
            [demonstration.features for demonstration in demonstrations],
        )
        similarities = max(known.similarities(features, probabilities) for known in shown)
        return cls(
            image,
            probabilities,
            action_scores(output.action_logits, configuration),
            similarities.features,
            shown[0].describe(features.decoder, probabilities),
            seconds,
            calibration,
            ShownRotation.together([demonstration.rotation for demonstration in demonstrations]),
            similarities.contact,
            output.decoder_weight,
            certainty_calibration,
            decoder_certainty,
            _mean([demonstration.contact_probability for demonstration in demonstrations]),
        )

    def peaks(self, source_size: tuple[int, int], maximum: int) -> tuple[Peak, ...]:
        """Find peaks in pixels of a source image of (height, width), best first; at least one."""
        return find_peaks(self.probabilities, source_size, maximum)

    def least_confidence(self) -> float:
        """Compute a lower bound of the best peak's score, ten times faster than by finding it."""
        return share_at_maximum(self.probabilities)

    def presence_features(self, confidence: float) -> PresenceFeatures:
        """Return the features of presence, given a confidence."""
        return PresenceFeatures(
            confidence, self.feature_similarity, self.contact_similarity, self.decoder_weight
        )

    def presence(self, confidence: float) -> float | None:
        """Compute the probability that the element is in view, given a confidence."""
        if self.calibration is None:
            return None
        return self.calibration.presence(self.presence_features(confidence))

    def certainty(self, confidence: float) -> float | None:
        """Compute the probability that the best point is right, given a confidence.

        None if there is no calibration, or if the contact was not read, or was marked, which
        settles which part is meant.
        """
        if self.certainty_calibration is None or self.contact_probability is None:
            return None
        if self.decoder_weight >= LEAST_WEIGHT:
            decoder = self.decoder_certainty
            return None if decoder is None else decoder.certainty(confidence)
        return self.certainty_calibration.certainty(self.contact_probability, confidence)

    def grounding(self, source_size: tuple[int, int], maximum_peaks: int) -> Grounding:
        """Convert the prediction to pixels of the source image.

        Args:
            source_size: (height, width) of the source image.
            maximum_peaks: largest number of peaks, at least 1.
        """
        peaks = self.peaks(source_size, maximum_peaks)
        calibration = self.certainty_calibration
        return Grounding(
            self.probabilities,
            source_size,
            self.action_scores,
            peaks,
            peaks[0].score,
            self.feature_similarity,
            self.presence(peaks[0].score),
            self.rotation,
            contact_similarity=self.contact_similarity,
            decoder_weight=self.decoder_weight,
            certainty=self.certainty(peaks[0].score),
            contact_probability=self.contact_probability,
            certainty_threshold=None if calibration is None else calibration.threshold,
            action_threshold=None if calibration is None else calibration.action_threshold,
            presence_threshold=None if self.calibration is None else self.calibration.threshold,
        )


def _mean(probabilities: Sequence[float | None]) -> float | None:
    known = [probability for probability in probabilities if probability is not None]
    return sum(known) / len(known) if len(known) == len(probabilities) else None


def best_peak(output: Output, configuration: AfformerConfiguration, size: tuple[int, int]) -> Peak:
    """Find the best peak of the network's output in pixels of an image of (height, width)."""
    return find_peaks(_heatmap(output, configuration), size, 1)[0]


def _heatmap(output: Output, configuration: AfformerConfiguration) -> FloatArray:
    best = int(np.argmax(output.action_logits)) if configuration.heatmap_per_action else 0
    return _softmax(output.heatmap_logits[best])


def action_scores(logits: FloatArray, configuration: AfformerConfiguration) -> dict[str, float]:
    """Compute the score of each action, by name, from logits [A]; 0 to 1, best first."""
    if not configuration.action_names:
        return {}
    if configuration.action_activation == 'softmax':
        scores = _softmax(logits)
    else:
        scores = (1.0 / (1.0 + np.exp(-logits.astype(np.float64)))).astype(np.float32)
    order = np.argsort(-scores, kind='stable')
    return {configuration.action_names[i]: float(scores[i]) for i in order}


def _softmax(logits: FloatArray) -> FloatArray:
    powers = np.exp(logits - logits.max())
    return np.asarray(powers / powers.sum(dtype=np.float64), dtype=np.float32)

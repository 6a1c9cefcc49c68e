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
from afformer_core.runtime.matching.certainty import (
    NO_CALIBRATIONS,
    Calibrations,
    DecoderCertainty,
)
from afformer_core.runtime.matching.weighing import LEAST_WEIGHT
from afformer_core.runtime.networks import Output
from afformer_core.runtime.peaks import RIPPLE, find_peaks, share_at_maximum
from afformer_core.runtime.presence import PresenceFeatures

# Below this similarity, the image usually shows another place. Where the decoder outweighs, 95 %
# of 65 simulated images of the same place reach it, and 29 % of 14 real images of another one.
_LEAST_SIMILARITY = 0.68


@dataclass(frozen=True)
class Prediction:
    """The output of the model at its own size.

    Attributes:
        image: uint8 RGB [H, W, 3], the source image.
        probabilities: float32 [h, w], of sum 1.
        action_scores: score of each action, 0 to 1, best first.
        feature_similarity: similarity of the demonstration and the image, -1 to 1 (see
            `Grounding`).
        descriptor: descriptor of the image at the heatmap's peak, float32 [C] of length 1.
        seconds: time that the session took, in seconds.
        calibrations: calibrations of the model.
        rotation: direction of rotation that the demonstrations show.
        decoder_weight: see `Output`.
        decoder_similarity: similarity of the demonstration and the image in features of the
            decoder, -1 to 1; 0 if the decoder does not outweigh the matching network.
        contact_probability: probability of the demonstrations' contacts, the mean if there are
            several; None if one of them is unknown.
        match_probability: probability that the best point matches their contacts, the mean if
            there are several; None without a matching network.
    """

    image: UInt8Array
    probabilities: FloatArray
    action_scores: Mapping[str, float]
    feature_similarity: float
    descriptor: FloatArray
    seconds: float
    calibrations: Calibrations = NO_CALIBRATIONS
    rotation: ShownRotation = UNKNOWN_ROTATION
    decoder_weight: float = 1.0
    decoder_similarity: float = 0.0
    contact_probability: float | None = None
    match_probability: float | None = None

    @classmethod
    def of(
        cls,
        output: Output,
        demonstrations: Sequence[Demonstration],
        configuration: AfformerConfiguration,
        seconds: float = 0.0,
        calibrations: Calibrations = NO_CALIBRATIONS,
    ) -> Prediction:
        """Build a prediction from the network's output.

        If the model has a heatmap for each action, the heatmap of the best action is used.

        Args:
            output: output of the network.
            demonstrations: demonstrations that were grounded, at least one.
            configuration: configuration of the model.
            seconds, calibrations: see the attributes.
        """
        probabilities = _heatmap(output, configuration)
        similarity_of_decoder = decoder_similarity(output, demonstrations, probabilities)
        similarity = output.similarity
        return cls(
            output.image.image,
            probabilities,
            action_scores(output.action_logits, configuration),
            similarity_of_decoder if similarity is None else similarity,
            demonstrations[0].features.describe(output.image.features, probabilities),
            seconds,
            calibrations,
            ShownRotation.together([shown.rotation for shown in demonstrations]),
            output.decoder_weight,
            similarity_of_decoder,
            _mean([shown.contact_probability for shown in demonstrations]),
            _match_probability(output, probabilities, demonstrations),
        )

    def peaks(self, source_size: tuple[int, int], maximum: int) -> tuple[Peak, ...]:
        """Find peaks in pixels of a source image of (height, width), best first; at least one."""
        return find_peaks(self.probabilities, source_size, maximum, _ripple(self.decoder_weight))

    def least_confidence(self) -> float:
        """Compute a lower bound of the best peak's score, ten times faster than by finding it."""
        return share_at_maximum(self.probabilities, _ripple(self.decoder_weight))

    def presence_features(self, confidence: float) -> PresenceFeatures:
        """Return the features of presence, given a confidence."""
        of_decoder = decoder_certainty(self.calibrations.decoder, self.decoder_weight, confidence)
        if of_decoder is None or self.decoder_similarity < _LEAST_SIMILARITY:
            of_decoder = 0.0
        return PresenceFeatures(
            confidence, self.feature_similarity, self.decoder_weight, of_decoder
        )

    def presence(self, confidence: float) -> float | None:
        """Compute the probability that the element is in view, given a confidence."""
        calibration = self.calibrations.presence
        if calibration is None:
            return None
        return calibration.presence(self.presence_features(confidence))

    @property
    def right_probability(self) -> float | None:
        """Product of the probabilities of the contact and of the match, 0 to 1; None if unknown.

        Both can be checked separately: the contact, and the match given the contact.
        """
        if self.contact_probability is None or self.match_probability is None:
            return None
        return self.contact_probability * self.match_probability

    def certainty(self, confidence: float) -> float | None:
        """Compute the probability that the best point is right, given a confidence.

        None if there is no calibration, if the contact was neither marked nor read, or if it was
        marked and the decoder decides, which does not use the mark.
        """
        right, calibration = self.right_probability, self.calibrations.certainty
        if right is None or calibration is None:
            return None
        of_decoder = decoder_certainty(self.calibrations.decoder, self.decoder_weight, confidence)
        if of_decoder is None:
            return calibration.certainty(right)
        return None if self.contact_probability == 1 else of_decoder

    def grounding(self, source_size: tuple[int, int], maximum_peaks: int) -> Grounding:
        """Convert the prediction to pixels of the source image.

        Args:
            source_size: (height, width) of the source image.
            maximum_peaks: largest number of peaks, at least 1.
        """
        peaks = self.peaks(source_size, maximum_peaks)
        presence, certainty = self.calibrations.presence, self.calibrations.certainty
        return Grounding(
            self.probabilities,
            source_size,
            self.action_scores,
            peaks,
            peaks[0].score,
            self.feature_similarity,
            self.presence(peaks[0].score),
            self.rotation,
            decoder_weight=self.decoder_weight,
            decoder_certainty=self.presence_features(peaks[0].score).decoder_certainty,
            certainty=self.certainty(peaks[0].score),
            contact_probability=self.contact_probability,
            match_probability=self.match_probability,
            certainty_threshold=None if certainty is None else certainty.threshold,
            action_threshold=None if certainty is None else certainty.action_threshold,
            presence_threshold=None if presence is None else presence.threshold,
        )


def decoder_certainty(
    calibration: DecoderCertainty | None, decoder_weight: float, confidence: float
) -> float | None:
    """Compute the certainty of the decoder; None if it does not outweigh the matching network."""
    if calibration is None or decoder_weight < LEAST_WEIGHT:
        return None
    return calibration.certainty(confidence)


def decoder_similarity(
    output: Output, demonstrations: Sequence[Demonstration], probabilities: FloatArray
) -> float:
    """Compute the similarity of an image and demonstrations in features of the decoder.

    It is the largest one of all demonstrations (see `DemonstrationFeatures.feature_similarity`),
    and 0 if the decoder does not outweigh the matching network.
    """
    if output.decoder_weight < LEAST_WEIGHT:
        return 0.0
    features = output.image.levels.features
    return max(
        shown.decoder_features.feature_similarity(features, probabilities)
        for shown in demonstrations
    )


def _mean(probabilities: Sequence[float | None]) -> float | None:
    known = [probability for probability in probabilities if probability is not None]
    return sum(known) / len(known) if len(known) == len(probabilities) else None


def _match_probability(
    output: Output, probabilities: FloatArray, demonstrations: Sequence[Demonstration]
) -> float | None:
    """Compute the probability that the best point of a heatmap matches the contacts."""
    height, width = probabilities.shape
    (peak,) = find_peaks(probabilities, (height, width), 1, _ripple(output.decoder_weight))
    point = (peak.u + 0.5) / width, (peak.v + 0.5) / height
    matching = [shown.memory.matching for shown in demonstrations]
    return _mean(
        [
            None if memory is None else memory.match_probability(output.image.pyramid, point)
            for memory in matching
        ]
    )


def best_peak(output: Output, configuration: AfformerConfiguration, size: tuple[int, int]) -> Peak:
    """Find the best peak of the network's output in pixels of an image of (height, width)."""
    ripple = _ripple(output.decoder_weight)
    return find_peaks(_heatmap(output, configuration), size, 1, ripple)[0]


def _ripple(decoder_weight: float) -> float:
    """Return the smoothing of a heatmap; that of a matching network alone has fewer ripples."""
    return RIPPLE if decoder_weight > 0 else RIPPLE / 2


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

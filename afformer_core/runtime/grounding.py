# SPDX-License-Identifier: Apache-2.0
"""Groundings: the prediction of a model for one image, and its result in pixels of that image."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from os import PathLike
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from afformer_core.arrays import FloatArray, UInt8Array
from afformer_core.drawing.overlay import certainty_caption, draw_overlay, presence_caption
from afformer_core.media.images import Image, as_image, encode_png, write_image
from afformer_core.models.configuration import AfformerConfiguration
from afformer_core.runtime.calibrations import (
    LEAST_WEIGHT,
    NO_CALIBRATIONS,
    Calibrations,
    DecoderCertainty,
    PresenceFeatures,
)
from afformer_core.runtime.demonstration import UNKNOWN_ROTATION, Demonstration, ShownRotation
from afformer_core.runtime.networks import Output
from afformer_core.runtime.peaks import RIPPLE, Peak, find_peaks, share_at_maximum

UNKNOWN_ACTION = 'unknown'
"""Name of an action that is not known."""

# Notebooks store the images that they show.
_SHOWN_SIDE = 1024


@dataclass(frozen=True)
class Grounding:
    """The result of grounding a demonstration in one image.

    Attributes:
        probabilities: float32 [h, w] at the model's size, of sum 1.
        source_size: (H, W) of the source image.
        action_scores: score of each action, 0 to 1, best first; empty for a model that scores
            none.
        peaks: peaks, best first; empty only if none was requested.
        confidence: score of the best peak, 0 to 1; low for a heatmap that is spread over the image
            and therefore uninformative.
        feature_similarity: similarity between the demonstration and the image, -1 to 1: the
            largest one of any position and the contact, or, without a matching network, that of
            the surroundings of the heatmap. It is low for an image of another object, even if its
            heatmap is sharp.
        presence: probability that the demonstrated element is in view, 0 to 1; None if the
            model is not calibrated, or was calibrated with other weights.
        rotation: direction of rotation that the demonstration shows.
        decoder_weight: weight of the decoder in the heatmap, 0 to 1 (see `Output`).
        decoder_certainty: certainty of the decoder, 0 to 1; 0 if it does not outweigh the matching
            network.
        certainty: probability that the best point lies on the demonstrated part, 0 to 1; None
            if it is not known (see `Prediction.certainty`).
        contact_probability: probability that the contact of the demonstration is right, 0 to 1
            (see `Demonstration`); None if it is unknown.
        match_probability: probability that the best point, given the contact, is right, 0 to 1;
            None without a matching network.
        certainty_threshold: certainty below which a robot should not act; None without one.
        action_threshold: score below which the best action counts as unknown, 0 to 1; None without
            one.
        given_action: name of the action if it was given, which replaces the model's action;
            otherwise empty.
        presence_threshold: presence below which a robot should not act, 0 to 1; None without one.
        image: the source image, uint8 RGB [H, W, 3]; None if it is not kept.
    """

    probabilities: FloatArray
    source_size: tuple[int, int]
    action_scores: Mapping[str, float]
    peaks: tuple[Peak, ...]
    confidence: float
    feature_similarity: float
    presence: float | None = None
    rotation: ShownRotation = UNKNOWN_ROTATION
    decoder_weight: float = 1.0
    decoder_certainty: float = 0.0
    certainty: float | None = None
    contact_probability: float | None = None
    match_probability: float | None = None
    certainty_threshold: float | None = None
    action_threshold: float | None = None
    given_action: str = ''
    presence_threshold: float | None = None
    image: UInt8Array | None = field(default=None, compare=False)

    @cached_property
    def heatmap(self) -> FloatArray:
        """Probabilities at the source image's size, float32 [H, W], of sum 1."""
        return _enlarge(self.probabilities, self.source_size)

    @property
    def presence_features(self) -> PresenceFeatures:
        """Features from which presence is computed."""
        return PresenceFeatures(
            self.confidence, self.feature_similarity, self.decoder_weight, self.decoder_certainty
        )

    @property
    def point(self) -> tuple[float, float]:
        """Best peak (u, v), column and row in pixels of the source image, sub-pixel."""
        return self.peaks[0].u, self.peaks[0].v

    @property
    def found(self) -> bool | None:
        """Whether the presence reaches its threshold; None if the model is not calibrated."""
        if self.presence is None or self.presence_threshold is None:
            return None
        return self.presence >= self.presence_threshold

    @property
    def right_probability(self) -> float | None:
        """Product of the probabilities of the contact and of the match; None if unknown."""
        if self.contact_probability is None or self.match_probability is None:
            return None
        return self.contact_probability * self.match_probability

    @property
    def unsure(self) -> bool:
        """Whether the certainty is below its threshold or not known: a robot should not act.

        An unknown certainty of a calibrated model is no reason for doubt if the contact is marked,
        or if the threshold is 0.
        """
        certainty, threshold = self.certainty, self.certainty_threshold
        if threshold is None:
            return True
        if certainty is None:
            return self.contact_probability != 1 and threshold > 0
        return certainty < threshold

    @property
    def best_action(self) -> str:
        """Name of the action of the highest score; empty for a model that scores none."""
        return next(iter(self.action_scores), '')

    @property
    def action(self) -> str:
        """Name of the action: the given one, or else the best one if its score is high enough.

        `UNKNOWN_ACTION` if the score is too low, or if the model knows a single action; empty for
        a model that scores no actions.
        """
        if self.given_action or not self.action_scores:
            return self.given_action
        least = 0.0 if self.action_threshold is None else self.action_threshold
        known = len(self.action_scores) > 1 and self.action_scores[self.best_action] >= least
        return self.best_action if known else UNKNOWN_ACTION

    @property
    def answer(self) -> str:
        """The action, and its score if it has one, as readable text; empty if it is not known."""
        if self.given_action or self.action in ('', UNKNOWN_ACTION):
            return self.given_action
        return f'{self.best_action} {self.action_scores[self.best_action]:.2f}'

    def to_dict(self) -> dict[str, Any]:
        """Convert to plain JSON types, as printed by `afformer ground --json`."""
        return {
            'found': self.found,
            'action': self.action,
            'action_threshold': self.action_threshold,
            'actions': dict(self.action_scores),
            'peaks': [{'u': peak.u, 'v': peak.v, 'score': peak.score} for peak in self.peaks],
            'confidence': self.confidence,
            'feature_similarity': self.feature_similarity,
            'presence': self.presence,
            'presence_threshold': self.presence_threshold,
            'certainty': self.certainty,
            'certainty_threshold': self.certainty_threshold,
            'contact_probability': self.contact_probability,
            'match_probability': self.match_probability,
        }

    def draw(self, image: Image | None = None, opacity: float = 0.6) -> UInt8Array:
        """Draw heatmap, peaks and measures over the image, whether or not the element is found.

        Args:
            image: image to draw over, see `as_image`; None for the grounding's own image.
            opacity: opacity of the heatmap at its maximum, 0 to 1.

        Returns:
            uint8 RGB [H, W, 3], a new array.

        Raises:
            ImageError: this is not an image.
            ValueError: its size is not `source_size`, or no image is given and the grounding keeps
                none.
        """
        shown = self.image if image is None else as_image(image)
        if shown is None:
            raise ValueError('the grounding does not keep its image. Give it to draw over')
        caption = ', '.join(filter(None, (self.answer, *self._measures)))
        return draw_overlay(shown, self.heatmap, self.peaks, caption, opacity, unsure=self.unsure)

    def save(self, path: str | PathLike[str], image: Image | None = None) -> None:
        """Write the result of `draw` as a JPEG or PNG.

        Args:
            path: file that ends in .jpg, .jpeg or .png.
            image: see `draw`, which also lists further errors.

        Raises:
            ValueError: the path has another ending.
            OSError: the file cannot be written.
        """
        write_image(Path(path), self.draw(image))

    def __repr__(self) -> str:
        action = f'{self.action!r} ' if self.action else ''
        at = ''.join(f'at ({peak.u:.0f}, {peak.v:.0f})' for peak in self.peaks[:1])
        found = {True: 'found', False: 'not found', None: ''}[self.found]
        return f'Grounding({", ".join(filter(None, (action + at, found, *self._measures)))})'

    def _repr_png_(self) -> bytes | None:
        """Return the overlay for notebooks, if the grounding keeps its image."""
        if self.image is None:
            return None
        drawn = self.draw()
        scale = _SHOWN_SIDE / max(drawn.shape)
        if scale < 1:
            resized = cv2.resize(drawn, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
            drawn = np.asarray(resized, np.uint8)
        return encode_png(drawn)

    @property
    def _measures(self) -> tuple[str, str]:
        presence = presence_caption(self.presence, self.confidence, self.feature_similarity)
        return presence, certainty_caption(self.certainty, self.certainty_threshold)


def _enlarge(probabilities: FloatArray, size: tuple[int, int]) -> FloatArray:
    """Resample a heatmap to [H, W] of the source image, of sum 1."""
    height, width = size
    resized = cv2.resize(probabilities, (width, height), interpolation=cv2.INTER_LINEAR)
    # Eight times as fast as NumPy's sum in double precision and a quotient in a new array.
    total = cv2.sumElems(resized)[0]
    if total <= 0:
        # A peak narrower than the spacing of the sampled pixels falls between them.
        resized = cv2.resize(probabilities, (width, height), interpolation=cv2.INTER_AREA)
        total = cv2.sumElems(resized)[0]
    np.multiply(resized, np.float32(1 / total), out=resized)
    return np.asarray(resized, dtype=np.float32)


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

# SPDX-License-Identifier: Apache-2.0
"""Groundings with their peaks, and the direction of rotation that a demonstration shows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from functools import cached_property
from os import PathLike
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from afformer_core.arrays import FloatArray, UInt8Array
from afformer_core.drawing.overlay import certainty_caption, draw_overlay, presence_caption
from afformer_core.media.images import Image, as_image, encode_png, write_image
from afformer_core.runtime.presence import PresenceFeatures


class Sense(str, Enum):
    """Directions of rotation, as seen by a camera that faces the surface."""

    CLOCKWISE = 'clockwise'
    COUNTERCLOCKWISE = 'counterclockwise'


@dataclass(frozen=True)
class ShownRotation:
    """The direction of rotation that a demonstration shows, or the reason why it is unknown.

    Attributes:
        sense: direction as seen by the demonstration's camera; None if unknown.
        problem: reason why it is unknown, one sentence; '' if it is known.

    Raises:
        ValueError: both a direction and a problem are given, or neither.
    """

    sense: Sense | None
    problem: str

    def __post_init__(self) -> None:
        if (self.sense is None) != bool(self.problem):
            raise ValueError(
                f'sense is {self.sense} and problem {self.problem!r}; expected one of both'
            )

    @classmethod
    def unknown(cls, problem: str) -> ShownRotation:
        """Return a rotation of unknown direction, with the reason."""
        return cls(None, problem)

    @classmethod
    def together(cls, rotations: Sequence[ShownRotation]) -> ShownRotation:
        """Return the direction of one or more demonstrations of one skill.

        Demonstrations of unknown direction are ignored unless all are unknown.
        """
        known = {rotation.sense for rotation in rotations if rotation.sense is not None}
        if len(known) > 1:
            return cls.unknown('the demonstrations turn it in different directions')
        return cls(known.pop(), '') if known else rotations[0]


UNKNOWN_ROTATION = ShownRotation.unknown('the direction of the rotation was not estimated')


UNKNOWN_ACTION = 'unknown'
"""Name of an action that is not known."""

# Notebooks store the images that they show.
_SHOWN_SIDE = 1024


@dataclass(frozen=True)
class Peak:
    """A local maximum of a heatmap.

    Attributes:
        u, v: column and row in pixels of the source image, sub-pixel; the first pixel's centre
            is (0, 0).
        score: share of the heatmap's probability around the peak, 0 to 1.
    """

    u: float
    v: float
    score: float


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
        """Whether the certainty is below its threshold, so that a robot should not act."""
        certainty, threshold = self.certainty, self.certainty_threshold
        return certainty is not None and threshold is not None and certainty < threshold

    @property
    def best_action(self) -> str:
        """Name of the action of the highest score; empty for a model that scores none."""
        return next(iter(self.action_scores), '')

    @property
    def action(self) -> str:
        """Name of the action: the given one, or else the best one if its score is high enough.

        `UNKNOWN_ACTION` if the score is too low; empty for a model that scores no actions.
        """
        if self.given_action or not self.action_scores or self.action_threshold is None:
            return self.given_action or self.best_action
        score = self.action_scores[self.best_action]
        return self.best_action if score >= self.action_threshold else UNKNOWN_ACTION

    @property
    def answer(self) -> str:
        """The action, and its score if it has one, as readable text; empty if there is none."""
        if self.action == UNKNOWN_ACTION:
            return 'unknown action'
        if self.given_action or not self.action_scores:
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

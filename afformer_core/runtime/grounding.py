# SPDX-License-Identifier: Apache-2.0
"""Groundings with their peaks, and finished demonstrations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np
from numpy.typing import NDArray

from afformer_core.arrays import FloatArray
from afformer_core.errors import DemonstrationError
from afformer_core.runtime.presence import DemonstrationFeatures, PresenceFeatures
from afformer_core.runtime.rotation.shown_rotation import UNKNOWN_ROTATION, ShownRotation
from afformer_core.runtime.session import Memory

UNKNOWN_ACTION = 'unknown'
"""Name of the action of a demonstration whose action is not known."""


@dataclass(frozen=True)
class Peak:
    """A local maximum of a heatmap.

    Attributes:
        u, v: column and row in pixels of the source image, sub-pixel; the first pixel's centre
            is (0, 0).
        score: share of the heatmap's probability that lies around the peak, 0 to 1.
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
        peaks: peaks, best first; empty only where none was asked for.
        confidence: score of the best peak, 0 to 1; low for a heatmap that is spread over the image
            and so says nothing.
        feature_similarity: feature similarity of the demonstration and the surroundings of the
            heatmap, -1 to 1; low for an image of something else, however sharp its heatmap.
        presence: probability that the demonstrated element is in view, 0 to 1; None where the
            model is not calibrated, or was calibrated with other weights.
        rotation: sense in which the demonstration turns something.
        contact_similarity, decoder_weight: see `PresenceFeatures`.
        certainty: probability that the best point lies on the demonstrated part, 0 to 1; None
            where it is not known (see `Prediction.certainty`).
        contact_probability: probability of the demonstration's contact, 0 to 1 (see
            `Demonstration`); None where it is unknown.
        certainty_threshold: certainty below which a robot should not act; None without one.
        action_threshold: score that the best action needs to be known, 0 to 1; None without one.
        given_action: name of the action where it was given, whatever the model scores; or empty.
    """

    probabilities: FloatArray
    source_size: tuple[int, int]
    action_scores: Mapping[str, float]
    peaks: tuple[Peak, ...]
    confidence: float
    feature_similarity: float
    presence: float | None = None
    rotation: ShownRotation = UNKNOWN_ROTATION
    contact_similarity: float = 0.0
    decoder_weight: float = 1.0
    certainty: float | None = None
    contact_probability: float | None = None
    certainty_threshold: float | None = None
    action_threshold: float | None = None
    given_action: str = ''

    @cached_property
    def heatmap(self) -> FloatArray:
        """Probabilities at the source image's size, float32 [H, W], of sum 1."""
        return _enlarge(self.probabilities, self.source_size)

    @property
    def presence_features(self) -> PresenceFeatures:
        """Features that presence is computed of."""
        return PresenceFeatures(
            self.confidence, self.feature_similarity, self.contact_similarity, self.decoder_weight
        )

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
        """Name of the action: the given one, else the best one where its score suffices.

        `UNKNOWN_ACTION` where it does not; empty for a model that scores none.
        """
        if self.given_action or not self.action_scores or self.action_threshold is None:
            return self.given_action or self.best_action
        score = self.action_scores[self.best_action]
        return self.best_action if score >= self.action_threshold else UNKNOWN_ACTION

    @property
    def answer(self) -> str:
        """The action, and its score where it has one, for people; empty where there is none."""
        if self.action == UNKNOWN_ACTION:
            return 'unknown action'
        if self.given_action or not self.action_scores:
            return self.given_action
        return f'{self.best_action} {self.action_scores[self.best_action]:.2f}'


@dataclass(frozen=True)
class Demonstration:
    """A finished demonstration.

    Attributes:
        name: name that the user gave.
        frames: the frames that were kept, uint8 RGB [T, h, w, 3] at the model's input size.
        frame_count: number of frames that were received, at least T.
        memory: its memory, for grounding.
        features: its features, for feature similarity.
        zoom_memories: memory of each zoom stage; empty where there are none.
        rotation: sense in which it turns something.
        contact_probability: probability that the contact that was read is where the memory has
            it, 0 to 1; None where it was not read, or somebody marked it.
    """

    name: str
    frames: NDArray[np.uint8]
    frame_count: int
    memory: Memory
    features: DemonstrationFeatures
    zoom_memories: tuple[Memory, ...] = ()
    rotation: ShownRotation = UNKNOWN_ROTATION
    contact_probability: float | None = None

    def __post_init__(self) -> None:
        if self.frames.ndim != 4 or not 1 <= len(self.frames) <= self.frame_count:
            raise ValueError(
                f'demonstration {self.name!r} has frames of shape {self.frames.shape}; expected '
                f'[T, h, w, 3] with T from 1 to frame_count, which is {self.frame_count}'
            )


def _enlarge(probabilities: FloatArray, size: tuple[int, int]) -> FloatArray:
    """Resample a heatmap to [H, W] of the source image, of sum 1."""
    height, width = size
    resized = cv2.resize(probabilities, (width, height), interpolation=cv2.INTER_LINEAR)
    total = float(resized.sum(dtype=np.float64))
    if total <= 0:
        # A peak narrower than the spacing of the sampled pixels falls between them.
        resized = cv2.resize(probabilities, (width, height), interpolation=cv2.INTER_AREA)
        total = float(resized.sum(dtype=np.float64))
    return np.asarray(resized / total, dtype=np.float32)


class FinishedDemonstrations:
    """Finished demonstrations by name, oldest first."""

    def __init__(self) -> None:
        self._demonstrations: dict[str, Demonstration] = {}

    @property
    def names(self) -> tuple[str, ...]:
        """Names of all demonstrations, oldest first."""
        return tuple(self._demonstrations)

    def __getitem__(self, name: str) -> Demonstration:
        """Return the demonstration of a name.

        Raises:
            DemonstrationError: there is no demonstration of this name.
        """
        if name not in self._demonstrations:
            raise DemonstrationError.unknown(name, self._demonstrations)
        return self._demonstrations[name]

    def of(self, names: Sequence[str]) -> list[Demonstration]:
        """Return the demonstrations of the names, in their order.

        Raises:
            DemonstrationError: there is no demonstration of a name, or no name was given.
        """
        if not names:
            raise DemonstrationError('no demonstration was named; expected at least one name')
        return [self[name] for name in names]

    def add(self, demonstration: Demonstration) -> None:
        """Add a demonstration as the newest; it replaces one of the same name."""
        self._demonstrations.pop(demonstration.name, None)
        self._demonstrations[demonstration.name] = demonstration

    def remove(self, name: str) -> None:
        """Forget a demonstration.

        Raises:
            DemonstrationError: there is no demonstration of this name.
        """
        del self._demonstrations[self[name].name]

# SPDX-License-Identifier: Apache-2.0
"""Average precision of detected hands at an overlap of one half, as 100DOH computes it.

Detections of all images are ranked by score. A detection is right if it overlaps the nearest
annotated hand by more than half of their union, and no better detection was right about that hand.
For "hand + interaction", the contact must also be right: whether the hand touches an object. A
hand that is found twice, or with the wrong contact, is an error. Hands marked as difficult, and
detections that overlap them, are ignored.

100DOH reports the mean over eleven recalls (VOC 2007, the year that its code sets). VOC 2010 and
later use the area under the curve.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from afformer_core.hands.hand import Hand
from afformer_core.hands.hand_annotations import HandAnnotation

_OVERLAP = 0.5
_Floats = NDArray[np.float64]


@dataclass(frozen=True)
class RankedDetections:
    """Ranked detections of several images, each right or wrong.

    Attributes:
        scores: float64 [N], descending.
        right: bool [N].
        expected: number of annotated hands, without difficult ones.
    """

    scores: _Floats
    right: NDArray[np.bool_]
    expected: int

    @property
    def recall(self) -> _Floats:
        """Share of the annotated hands found up to each detection, [N]; NaN if there are none."""
        with np.errstate(invalid='ignore'):
            return np.asarray(np.cumsum(self.right) / np.float64(self.expected))

    @property
    def precision(self) -> _Floats:
        """Share of right detections up to each detection, [N]."""
        return np.asarray(np.cumsum(self.right) / np.arange(1, len(self.right) + 1))

    def score_of_precision(self, least: float) -> float | None:
        """Find the lowest score with at least a given precision; None if no score has it."""
        enough = np.flatnonzero(self.precision >= least)
        # Detections with equal scores can only be accepted together.
        last = [
            i for i in enough if i + 1 == len(self.scores) or self.scores[i + 1] < self.scores[i]
        ]
        return float(self.scores[last[-1]]) if last else None


def hands_found(
    detected: Sequence[Sequence[Hand]], annotated: Sequence[Sequence[HandAnnotation]]
) -> RankedDetections:
    """Rank detected hands, with any contact.

    Args:
        detected: detected hands of each image, in any order.
        annotated: annotated hands of each image.
    """
    return _rank(detected, annotated, lambda hand, target: True)


def states_found(
    detected: Sequence[Sequence[Hand]], annotated: Sequence[Sequence[HandAnnotation]]
) -> RankedDetections:
    """Rank detected hands that are right if their contact is, too ("hand + interaction")."""
    return _rank(detected, annotated, lambda hand, target: hand.contact == target.contact)


def interactions_found(
    detected: Sequence[Sequence[Hand]], annotated: Sequence[Sequence[HandAnnotation]]
) -> RankedDetections:
    """Rank detected hands in contact against only the annotated hands in contact."""
    found = [[hand for hand in hands if hand.contact] for hands in detected]
    ranked = states_found(found, annotated)
    expected = sum(
        target.contact and not target.difficult for hands in annotated for target in hands
    )
    return RankedDetections(ranked.scores, ranked.right, expected)


def eleven_point_precision(ranked: RankedDetections) -> float:
    """Average the best precision from each of the recalls 0, 0.1, ..., 1 on (VOC 2007).

    NaN where no hand is annotated.
    """
    if not ranked.expected:
        return float('nan')
    recall, precision = ranked.recall, ranked.precision
    best = [precision[recall >= least].max(initial=0.0) for least in np.arange(11) / 10]
    return float(np.mean(best))


def area_precision(ranked: RankedDetections) -> float:
    """Compute the area under the best precision at each recall or above (VOC 2010 and later).

    NaN where no hand is annotated.
    """
    if not ranked.expected:
        return float('nan')
    best = np.maximum.accumulate(ranked.precision[::-1])[::-1]
    return float(np.sum(np.diff(ranked.recall, prepend=0.0) * best))


def _rank(
    detected: Sequence[Sequence[Hand]],
    annotated: Sequence[Sequence[HandAnnotation]],
    fits: Callable[[Hand, HandAnnotation], bool],
) -> RankedDetections:
    ordered = sorted(
        ((hand, position) for position, hands in enumerate(detected) for hand in hands),
        key=lambda detection: -detection[0].score,
    )
    taken: set[tuple[int, int]] = set()
    scores, right = [], []
    for hand, position in ordered:
        targets = annotated[position]
        nearest = _nearest(hand, targets)
        if nearest is not None and targets[nearest].difficult:
            continue
        is_right = (
            nearest is not None
            and (position, nearest) not in taken
            and fits(hand, targets[nearest])
        )
        if is_right and nearest is not None:
            taken.add((position, nearest))
        scores.append(hand.score)
        right.append(is_right)
    expected = sum(not target.difficult for targets in annotated for target in targets)
    return RankedDetections(np.array(scores, np.float64), np.array(right, np.bool_), expected)


def _nearest(hand: Hand, targets: Sequence[HandAnnotation]) -> int | None:
    """Return the index of the annotated hand that a detection overlaps most, if by enough."""
    overlaps = [overlap(hand.box, target.box) for target in targets]
    best = max(range(len(targets)), key=overlaps.__getitem__, default=None)
    return best if best is not None and overlaps[best] > _OVERLAP else None


def overlap(first: Sequence[float], second: Sequence[float]) -> float:
    """Compute the intersection over union of two boxes (left, top, right, bottom)."""
    width = min(first[2], second[2]) - max(first[0], second[0])
    height = min(first[3], second[3]) - max(first[1], second[1])
    shared = max(width, 0.0) * max(height, 0.0)
    areas = [(box[2] - box[0]) * (box[3] - box[1]) for box in (first, second)]
    return shared / (sum(areas) - shared)

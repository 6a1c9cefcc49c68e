# SPDX-License-Identifier: Apache-2.0
"""Search for the line of a narration that describes a step in different words."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Sequence

# Minimum share of a step's weight that its line must have; chosen, not measured.
_LEAST_SHARE = 0.5
_WORD = re.compile(r'[a-z0-9]+')
_STOP_WORDS = frozenset(('a', 'an', 'and', 'for', 'it', 'of', 'the', 'then', 'to', 'you', 'your'))


class Narration:
    """The lines of a script, as sets of words with larger weights for rare words.

    A word in n of N lines has the weight log(1 + N / n), and a word in no line as if it were in
    one. Articles and similar words have no weight.

    Args:
        lines: texts of the lines; some may be empty.
    """

    def __init__(self, lines: Sequence[str]) -> None:
        self._lines = [_words(line) for line in lines]
        self._counts = Counter(word for line in self._lines for word in line)

    def find(self, step: str) -> tuple[int, float] | None:
        """Find the line with the largest weight of common words with the description of a step.

        Returns:
            its index and that weight, above 0; None if two lines tie, or none has half of the
            description's weight.
        """
        words = _words(step)
        shares = [self._weight(words & line) for line in self._lines]
        most = max(shares, default=0.0)
        if most <= 0 or shares.count(most) > 1 or most < _LEAST_SHARE * self._weight(words):
            return None
        return shares.index(most), most

    def _weight(self, words: frozenset[str]) -> float:
        # `fsum` is exact, so sums of the same weights in any order are equal.
        return math.fsum(
            math.log(1 + len(self._lines) / max(self._counts[word], 1)) for word in words
        )


def best_claims(
    claims: Iterable[tuple[tuple[int, int], int, float]],
) -> dict[tuple[int, int], int]:
    """Choose the element with the highest score for each line and image; none if two tie.

    Args:
        claims: (indices of line and image, element, score); of several claims for one element, the
            one with the highest score counts.
    """
    scores: dict[tuple[int, int], dict[int, float]] = {}
    for indices, element, score in claims:
        known = scores.setdefault(indices, {})
        known[element] = max(score, known.get(element, 0.0))
    chosen = {}
    for indices, known in scores.items():
        best = [element for element, score in known.items() if score == max(known.values())]
        if len(best) == 1:
            chosen[indices] = best[0]
    return chosen


def _words(text: str) -> frozenset[str]:
    return frozenset(_WORD.findall(text.lower())) - _STOP_WORDS

# SPDX-License-Identifier: Apache-2.0
"""Summary of a replay in numbers."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from afformer_core.replay.replayed_image import FOUND, STAGES, UNREADABLE, ReplayedImage

_NUMBER = re.compile(r'\d+(?:\.\d+)?(?:e[+-]?\d+)?')


@dataclass(frozen=True)
class Distribution:
    """Number, median, 95th percentile, mean and maximum of some values."""

    count: int
    median: float
    p95: float
    mean: float
    maximum: float

    def __post_init__(self) -> None:
        if self.count < 1:
            raise ValueError(f'count is {self.count}; expected at least 1')

    @classmethod
    def of(cls, values: Iterable[float | None]) -> Distribution | None:
        """Summarize the values that are known and finite; None if there is none."""
        known = np.array([v for v in values if v is not None and math.isfinite(v)])
        if not len(known):
            return None
        median, p95 = np.percentile(known, [50, 95])
        return cls(len(known), float(median), float(p95), float(known.mean()), float(known.max()))


@dataclass(frozen=True)
class Problem:
    """A problem: one of its messages, and its number of occurrences."""

    example: str
    count: int


@dataclass(frozen=True)
class ReplaySummary:
    """A replay in numbers.

    Attributes:
        facts: description of the recording by name.
        states: number of images in each state.
        positions: number of found images with a position.
        thresholds: values of measures below which an image does not show the element.
        presence, confidence, distance: of the found ones; presence None if the model is not
            calibrated, distance in metres along the optical axis.
        jitter: pixels from the best peak of an image to that of the next, if both images show the
            element.
        stages: milliseconds of each stage; `total` is the sum of an image's.
        scores: measures against the annotations, if there are some.
        inside: share of the best peaks inside their outline, None without outlines.
        problems: problems, most frequent first; those that differ only in numbers count as one.
        notes: problems of the bag as a whole.
    """

    facts: Mapping[str, str]
    states: Mapping[str, int]
    positions: int
    thresholds: Mapping[str, float]
    presence: Distribution | None
    confidence: Distribution | None
    distance: Distribution | None
    jitter: Distribution | None
    stages: Mapping[str, Distribution]
    scores: Mapping[str, Distribution]
    inside: float | None
    problems: tuple[Problem, ...]
    notes: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """Convert to the content of `summary.json`."""
        return {
            'facts': dict(self.facts),
            'images': sum(self.states.values()),
            'states': dict(self.states),
            'positions': self.positions,
            'thresholds': dict(self.thresholds),
            'presence': _json(self.presence),
            'confidence': _json(self.confidence),
            'distance_m': _json(self.distance),
            'jitter_pixels': _json(self.jitter),
            'milliseconds': {name: _json(value) for name, value in self.stages.items()},
            'scores': {name: _json(value) for name, value in self.scores.items()},
            'inside_outline': self.inside,
            'problems': [vars(problem) for problem in self.problems],
            'notes': list(self.notes),
        }


def summarize(
    rows: Sequence[ReplayedImage],
    facts: Mapping[str, str],
    notes: Sequence[str],
    thresholds: Mapping[str, float],
) -> ReplaySummary:
    """Compute the numbers of a replay.

    Args:
        rows: rows of all its images.
        facts: description of the recording by name.
        notes: problems of the bag as a whole.
        thresholds: see `StreamSettings.thresholds`.
    """
    found = [row for row in rows if row.peak is not None]
    stages = {stage: [r.milliseconds.get(stage) for r in rows] for stage in STAGES}
    stages['total'] = [total_milliseconds(row) for row in rows]
    scored = [row.scores for row in rows if row.scores is not None]
    names = ('peak_pixels', 'peak_millimetres', 'normal_degrees')
    inside = [scores.inside for scores in scored if scores.inside is not None]
    return ReplaySummary(
        facts=facts,
        states=Counter(row.state for row in rows),
        positions=sum(row.position is not None for row in found),
        thresholds=thresholds,
        presence=Distribution.of(row.presence for row in found),
        confidence=Distribution.of(row.confidence for row in found),
        distance=Distribution.of(
            None if row.position is None else float(row.position[2]) for row in found
        ),
        jitter=Distribution.of(jitter(rows)),
        stages=_known(stages),
        scores=_known({name: [getattr(s, name) for s in scored] for name in names}),
        inside=sum(inside) / len(inside) if inside else None,
        problems=_problems(row.problem for row in rows),
        notes=tuple(notes),
    )


def total_milliseconds(row: ReplayedImage) -> float | None:
    """Add up the milliseconds of all stages; None if the image is unreadable."""
    return sum(row.milliseconds.values()) if row.state != UNREADABLE else None


def jitter(rows: Sequence[ReplayedImage]) -> list[float | None]:
    """Measure the pixels from the best peak of each image to the one before, [N].

    None if either was not found in its own image, or if no earlier image was used.
    """
    distances: list[float | None] = []
    before: ReplayedImage | None = None
    for row in rows:
        follows = before is not None and before.state == row.state == FOUND
        if follows and before is not None and before.peak and row.peak and not row.restart:
            shift = (row.peak[0] - before.peak[0], row.peak[1] - before.peak[1])
            distances.append(math.hypot(*shift))
        else:
            distances.append(None)
        before = row
    return distances


def _known(values: Mapping[str, Iterable[float | None]]) -> dict[str, Distribution]:
    distributions = {name: Distribution.of(numbers) for name, numbers in values.items()}
    return {
        name: distribution
        for name, distribution in distributions.items()
        if distribution is not None
    }


def _problems(sentences: Iterable[str]) -> tuple[Problem, ...]:
    counts: Counter[str] = Counter()
    examples: dict[str, str] = {}
    for sentence in sentences:
        if sentence:
            kind = _NUMBER.sub('#', sentence)
            counts[kind] += 1
            examples.setdefault(kind, sentence)
    return tuple(Problem(examples[kind], count) for kind, count in counts.most_common())


def _json(distribution: Distribution | None) -> dict[str, float] | None:
    return None if distribution is None else dict(vars(distribution))

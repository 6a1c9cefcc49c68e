# SPDX-License-Identifier: Apache-2.0
"""Summary of a replay in numbers."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from afformer_core.replay.replayed_image import FOUND, SCORES, STAGES, UNREADABLE, ReplayedImage

_NUMBER = re.compile(r'\d+(?:\.\d+)?(?:e[+-]?\d+)?')


def summarize(
    rows: Sequence[ReplayedImage],
    facts: Mapping[str, str],
    notes: Sequence[str],
    thresholds: Mapping[str, float],
) -> dict[str, Any]:
    """Compute the numbers of a replay, the content of `summary.json`.

    Args:
        rows: records of all its images.
        facts: description of the recording by name.
        notes: problems of the bag as a whole.
        thresholds: see `StreamSettings.thresholds`.

    Returns:
        JSON types: `facts`; `images`, and how many in each of `states` and with a position
        (`positions`); `thresholds`; the distributions (see `distribution`) of `presence`,
        `confidence` and `distance_m` (along the optical axis) of the found ones, of
        `jitter_pixels` (see `jitter`), of the `milliseconds` of each stage and of their `total`,
        and of the `scores` against the annotations; `inside_outline`, the share of the best peaks
        inside their outline; `problems`, the most frequent first, of which those that differ only
        in numbers count as one; and `notes`. Unknown distributions are None or left out.
    """
    found = [row for row in rows if row.get('u') is not None]
    stages = {stage: [row.get(stage) for row in rows] for stage in STAGES}
    stages['total'] = [
        None if row['state'] == UNREADABLE else sum(row[stage] for stage in STAGES) for row in rows
    ]
    scores = {name: [row.get(name) for row in rows] for name in SCORES}
    inside = [value for value in scores.pop('inside') if value is not None]
    return {
        'facts': dict(facts),
        'images': len(rows),
        'states': dict(Counter(row['state'] for row in rows)),
        'positions': sum(row.get('z') is not None for row in found),
        'thresholds': dict(thresholds),
        'presence': distribution(row['presence'] for row in found),
        'confidence': distribution(row['confidence'] for row in found),
        'distance_m': distribution(row.get('z') for row in found),
        'jitter_pixels': distribution(jitter(rows)),
        'milliseconds': _distributions(
            {stage.removesuffix('_ms'): values for stage, values in stages.items()}
        ),
        'scores': _distributions(scores),
        'inside_outline': sum(inside) / len(inside) if inside else None,
        'problems': _problems(row.get('problem', '') for row in rows),
        'notes': list(notes),
    }


def distribution(values: Iterable[float | None]) -> dict[str, float] | None:
    """Describe the values that are known and finite; None if there is none."""
    known = np.array([v for v in values if v is not None and math.isfinite(v)])
    if not len(known):
        return None
    median, p95 = np.percentile(known, [50, 95])
    return {
        'count': len(known),
        'median': float(median),
        'p95': float(p95),
        'mean': float(known.mean()),
        'maximum': float(known.max()),
    }


def jitter(rows: Sequence[ReplayedImage]) -> list[float]:
    """Measure the pixels from the best peak of each image to the one before.

    Images count if both peaks were found in their own images, and the earlier one was used.
    """
    distances = []
    for before, now in pairwise(rows):
        if before['state'] == now['state'] == FOUND and not now['restart']:
            peaks = ((row['u'], row['v']) for row in (before, now))
            distances.append(math.dist(*peaks))
    return distances


def _distributions(values: Mapping[str, Iterable[float | None]]) -> dict[str, Any]:
    described = {name: distribution(numbers) for name, numbers in values.items()}
    return {name: numbers for name, numbers in described.items() if numbers is not None}


def _problems(sentences: Iterable[str]) -> list[dict[str, Any]]:
    counts: Counter[str] = Counter()
    examples: dict[str, str] = {}
    for sentence in filter(None, sentences):
        kind = _NUMBER.sub('#', sentence)
        counts[kind] += 1
        examples.setdefault(kind, sentence)
    return [{'example': examples[kind], 'count': count} for kind, count in counts.most_common()]

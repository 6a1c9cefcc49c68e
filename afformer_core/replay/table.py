# SPDX-License-Identifier: Apache-2.0
"""A replay as a CSV file with one line per image."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

from afformer_core.replay.replayed_image import STAGES, ImageScores, ReplayedImage

_SCORES = tuple(field.name for field in fields(ImageScores))
COLUMNS = (
    'stamp', 'state', 'found', 'presence', 'certainty', 'confidence', 'feature_similarity',
    'continuity', 'age', 'action', 'u', 'v', 'score', 'x', 'y', 'z', 'normal_x', 'normal_y',
    'normal_z', 'problem', 'restart', *_SCORES, *(f'{stage}_ms' for stage in STAGES),
)  # fmt: skip


def write_table(path: Path, rows: Sequence[ReplayedImage]) -> None:
    """Write the records; unknown values are empty, and stamps are in nanoseconds."""
    with path.open('w', newline='', encoding='utf-8') as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        for replayed in rows:
            writer.writerow({name: _text(value) for name, value in _row(replayed).items()})


def _row(replayed: ReplayedImage) -> dict[str, Any]:
    """Return all columns that are not empty, by name."""
    row: dict[str, Any] = {
        'stamp': replayed.stamp,
        'state': replayed.state,
        'found': replayed.peak is not None,
        'presence': replayed.presence,
        'certainty': replayed.certainty,
        'confidence': replayed.confidence,
        'feature_similarity': replayed.feature_similarity,
        'continuity': replayed.continuity,
        'age': replayed.age,
        'action': replayed.action,
        'problem': replayed.problem,
        'restart': replayed.restart,
        **{f'{stage}_ms': replayed.milliseconds.get(stage) for stage in STAGES},
    }
    if replayed.peak is not None:
        row |= zip(('u', 'v', 'score'), replayed.peak, strict=True)
    if replayed.position is not None:
        row |= zip(('x', 'y', 'z'), replayed.position.tolist(), strict=True)
    if replayed.normal is not None:
        names = ('normal_x', 'normal_y', 'normal_z')
        row |= zip(names, replayed.normal.tolist(), strict=True)
    return row if replayed.scores is None else row | vars(replayed.scores)


def _text(value: Any) -> str:
    if value is None:
        return ''
    if isinstance(value, bool):
        return 'true' if value else 'false'
    return f'{value:.6g}' if isinstance(value, float) else str(value)

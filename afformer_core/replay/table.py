# SPDX-License-Identifier: Apache-2.0
"""A replay as a CSV file, one line an image."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

from afformer_core.replay.record import STAGES, ImageScores, ReplayRecord

_SCORES = tuple(field.name for field in fields(ImageScores))
COLUMNS = (
    'stamp', 'state', 'found', 'presence', 'confidence', 'feature_similarity', 'continuity', 'age',
    'action', 'u', 'v', 'score', 'x', 'y', 'z', 'normal_x', 'normal_y', 'normal_z', 'problem',
    'restart', *_SCORES, *(f'{stage}_ms' for stage in STAGES),
)  # fmt: skip


def write_table(path: Path, records: Sequence[ReplayRecord]) -> None:
    """Write the records; what is unknown is empty, stamps are in nanoseconds."""
    with path.open('w', newline='', encoding='utf-8') as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        for record in records:
            writer.writerow({name: _text(value) for name, value in _row(record).items()})


def _row(record: ReplayRecord) -> dict[str, Any]:
    """Every column but those that are empty, by name."""
    row: dict[str, Any] = {
        'stamp': record.stamp,
        'state': record.state,
        'found': record.peak is not None,
        'presence': record.presence,
        'confidence': record.confidence,
        'feature_similarity': record.feature_similarity,
        'continuity': record.continuity,
        'age': record.age,
        'action': record.action,
        'problem': record.problem,
        'restart': record.restart,
        **{f'{stage}_ms': record.milliseconds.get(stage) for stage in STAGES},
    }
    if record.peak is not None:
        row |= zip(('u', 'v', 'score'), record.peak, strict=True)
    if record.position is not None:
        row |= zip(('x', 'y', 'z'), record.position.tolist(), strict=True)
    if record.normal is not None:
        names = ('normal_x', 'normal_y', 'normal_z')
        row |= zip(names, record.normal.tolist(), strict=True)
    return row if record.scores is None else row | vars(record.scores)


def _text(value: Any) -> str:
    if value is None:
        return ''
    if isinstance(value, bool):
        return 'true' if value else 'false'
    return f'{value:.6g}' if isinstance(value, float) else str(value)

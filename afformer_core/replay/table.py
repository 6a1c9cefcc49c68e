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
    'stamp', 'state', 'found', 'presence', 'confidence', 'resemblance', 'continuity', 'age',
    'action', 'u', 'v', 'score', 'x', 'y', 'z', 'normal_x', 'normal_y', 'normal_z', 'problem',
    'restart', *_SCORES, *(f'{stage}_ms' for stage in STAGES),
)  # fmt: skip


def write_table(path: Path, records: Sequence[ReplayRecord]) -> None:
    """Write the records; what is unknown is empty, stamps are in nanoseconds."""
    with path.open('w', newline='', encoding='utf-8') as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        for record in records:
            writer.writerow([_text(value) for value in _row(record)])


def _row(record: ReplayRecord) -> list[Any]:
    nothing = (None, None, None)
    scores = [getattr(record.scores, name) if record.scores else None for name in _SCORES]
    return [
        record.stamp,
        record.state,
        record.peak is not None,
        record.presence,
        record.confidence,
        record.resemblance,
        record.continuity,
        record.age,
        record.action,
        *(record.peak or nothing),
        *(nothing if record.position is None else record.position.tolist()),
        *(nothing if record.normal is None else record.normal.tolist()),
        record.problem,
        record.restart,
        *scores,
        *(record.milliseconds.get(stage) for stage in STAGES),
    ]


def _text(value: Any) -> str:
    if value is None:
        return ''
    if isinstance(value, bool):
        return 'true' if value else 'false'
    return f'{value:.6g}' if isinstance(value, float) else str(value)

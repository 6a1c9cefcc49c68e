# SPDX-License-Identifier: Apache-2.0
"""Whether a model knows when what was demonstrated is not in view."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from afformer_core.evaluation.bootstrap import bootstrap_area, bootstrap_mean
from afformer_core.evaluation.pair_result import Evidence, PairResult
from afformer_core.evaluation.tables import Cell, Table
from afformer_core.runtime.presence import PresenceCalibration
from afformer_core.stream.settings import StreamSettings

AREA = 'AUROC of '


def abstention_table(
    results: Sequence[PairResult], calibration: PresenceCalibration | None = None, seed: int = 0
) -> Table | None:
    """What is found by the rule of the robot's stream, with its default thresholds.

    Args:
        results: of a model.
        calibration: of the model, or None.
        seed: of the bootstrap.

    Returns:
        None where no pair has a demonstration of another appliance (or image). The last row is
        that of foreign demonstrations; its last cells are the areas under ROC curves.
    """
    pairs = [result for result in results if result.foreign_evidence is not None]
    if not pairs:
        return None
    right = [result for result in pairs if result.is_right]
    foreign = [result.foreign_evidence for result in pairs if result.foreign_evidence is not None]
    own = [result.evidence for result in pairs]
    groups = [result.rows[0].group for result in pairs]
    known = all(result.pair.sample.scene is not None for result in pairs)
    place, other = ('inside', 'appliance') if known else ('in the region', 'image')
    measures = _measures([*own, *foreign], calibration)
    areas = [
        bootstrap_area(values[: len(own)], values[len(own) :], groups, seed)
        for values in measures.values()
    ]
    nothing: list[Cell] = [None] * len(areas)
    shown_right = [one.evidence for one in right]
    groups_right = [one.rows[0].group for one in right]
    return Table(
        'Is it known what is not in view?',
        (
            'pairs',
            'found',
            'median confidence',
            'median resemblance',
            *(AREA + name for name in measures),
        ),
        {
            f'its own demonstration, peak {place}': [
                *_cells(shown_right, groups_right, calibration, seed),
                *nothing,
            ],
            'its own demonstration': [*_cells(own, groups, calibration, seed), *nothing],
            f"another {other}'s demonstration": [
                *_cells(foreign, groups, calibration, seed),
                *areas,
            ],
        },
        (
            f'found: {_rule(calibration)}, as on a robot by default. AUROC: area under the ROC '
            'curve of what tells an own demonstration from another.',
        ),
    )


def _rule(calibration: PresenceCalibration | None) -> str:
    if calibration is not None:
        return f"presence at least {calibration.threshold:.3f}, the model's own threshold"
    settings = StreamSettings()
    return (
        f'confidence at least {settings.minimum_confidence} and resemblance at least '
        f'{settings.minimum_resemblance}'
    )


def _measures(
    evidence: Sequence[Evidence], calibration: PresenceCalibration | None
) -> Mapping[str, list[float]]:
    """What may tell, by name."""
    if calibration is None:
        return {
            'confidence': [one.confidence for one in evidence],
            'resemblance': [one.resemblance for one in evidence],
        }
    return {
        'presence': [calibration.presence(one.confidence, one.resemblance) for one in evidence]
    }


def _cells(
    evidence: Sequence[Evidence],
    groups: Sequence[str],
    calibration: PresenceCalibration | None,
    seed: int,
) -> list[Cell]:
    settings = StreamSettings()
    found = [
        settings.is_evidence(one.confidence, one.resemblance, calibration) for one in evidence
    ]
    return [
        len(evidence),
        bootstrap_mean(found, groups, seed) if evidence else None,
        float(np.median([one.confidence for one in evidence])) if evidence else None,
        float(np.median([one.resemblance for one in evidence])) if evidence else None,
    ]

# SPDX-License-Identifier: Apache-2.0
"""Whether a model knows when what was demonstrated is not in view."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from afformer_core.evaluation.bootstrap import bootstrap_mean
from afformer_core.evaluation.model_run import Evidence, PairResult
from afformer_core.evaluation.tables import Cell, Table
from afformer_core.stream.settings import StreamSettings


def abstention_table(results: Sequence[PairResult], seed: int = 0) -> Table | None:
    """What is found by the rule of the robot's stream, with its default thresholds.

    Returns:
        None where no pair has a demonstration of another appliance (or image).
    """
    pairs = [result for result in results if result.foreign_evidence is not None]
    if not pairs:
        return None
    right = [result for result in pairs if result.is_right]
    foreign = [result.foreign_evidence for result in pairs if result.foreign_evidence is not None]
    own = [result.evidence for result in pairs]
    groups = [result.rows[0].group for result in pairs]
    settings = StreamSettings()
    known = all(result.pair.sample.scene is not None for result in pairs)
    place, other = ('inside', 'appliance') if known else ('in the region', 'image')
    return Table(
        'Is it known what is not in view?',
        ('pairs', 'found', 'median confidence', 'median resemblance'),
        {
            f'its own demonstration, peak {place}': _cells(
                [one.evidence for one in right], [one.rows[0].group for one in right], seed
            ),
            'its own demonstration': _cells(own, groups, seed),
            f"another {other}'s demonstration": _cells(foreign, groups, seed),
        },
        (
            f'found: confidence at least {settings.minimum_confidence} and resemblance at least '
            f'{settings.minimum_resemblance}, as on a robot by default. The resemblance tells an '
            'own from another demonstration with an area under the ROC curve of '
            f'{_area_under_curve(own, foreign):.3f}.',
        ),
    )


def _cells(evidence: Sequence[Evidence], groups: Sequence[str], seed: int) -> list[Cell]:
    settings = StreamSettings()
    found = [settings.is_evidence(one.confidence, one.resemblance) for one in evidence]
    return [
        len(evidence),
        bootstrap_mean(found, groups, seed) if evidence else None,
        float(np.median([one.confidence for one in evidence])) if evidence else None,
        float(np.median([one.resemblance for one in evidence])) if evidence else None,
    ]


def _area_under_curve(own: Sequence[Evidence], foreign: Sequence[Evidence]) -> float:
    first = np.array([one.resemblance for one in own])[:, None]
    second = np.array([one.resemblance for one in foreign])[None, :]
    return float((first > second).mean() + 0.5 * (first == second).mean())

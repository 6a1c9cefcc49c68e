# SPDX-License-Identifier: Apache-2.0
"""Paired differences between several models and the first of them, on the same rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from afformer_core.offline.evaluation.least_differences import LEAST_KLD, tells_apart
from afformer_core.offline.evaluation.metrics.scoring import RowScores
from afformer_core.offline.evaluation.protocols.protocols import ProtocolRow
from afformer_core.offline.evaluation.tables.accuracy import ActionHits
from afformer_core.offline.evaluation.tables.estimates import MEASURES
from afformer_core.offline.evaluation.tables.which_button import right_buttons
from afformer_core.offline.reports.bootstrap import Estimate, bootstrap_class_mean, bootstrap_mean

RowId = tuple[str, int]
"""The sample, or of rows that pool samples the image, and the action."""


@dataclass(frozen=True)
class ModelRows:
    """Measures of one of several models.

    Attributes:
        protocol: name of the rows' protocol.
        rows: N rows, at least one.
        scores: scores of the rows.
        actions: measures of its actions.
        of_buttons: whether the choice of buttons is also measured.
    """

    protocol: str
    rows: Sequence[ProtocolRow]
    scores: RowScores
    actions: ActionHits
    of_buttons: bool = False

    @property
    def ids(self) -> tuple[RowId, ...]:
        """Identifiers of the rows, in order."""
        return tuple(
            (row.image if row.sample is None else row.sample.sample_id, row.action)
            for row in self.rows
        )


@dataclass(frozen=True)
class ModelDifference:
    """Paired differences between a model's measures and the first model's; None if unmeasured.

    The measures are those of `PredictorMeasures`.

    Attributes:
        rows: number of rows.
        better_rows: share of rows whose KLD is lower than the first model's; rows that differ by
            less than the minimum difference count half.
        differs_in: names of the measures that distinguish both models (see `tells_apart`),
            separated by commas; empty if none does.
    """

    rows: int
    better_rows: Estimate | None
    kld: Estimate | None
    sim: Estimate | None
    auc_j: Estimate | None
    hit_rate: Estimate | None
    peak_error_mean: Estimate | None
    peak_inside: Estimate | None
    nearest: Estimate | None
    top_1: Estimate | None
    balanced_accuracy: Estimate | None
    which_button: Estimate | None
    differs_in: str


def measure_differences(
    models: Mapping[str, ModelRows], seed: int = 0
) -> dict[str, ModelDifference]:
    """Compute the paired differences of all other models from the first, by name.

    An interval is that of the mean difference over the rows, from resampling whole images (or
    scenes), so that both models use the same ones.

    Args:
        models: models, at least two, by name.
        seed: seed of the draws.

    Raises:
        ValueError: two models were measured on different rows, or with different protocols.
    """
    (first, reference), *others = models.items()
    for name, other in others:
        _require_same_rows(first, reference, name, other)
    return {name: _difference(reference, other, seed) for name, other in others}


def kld_differences(reference: ModelRows, other: ModelRows) -> NDArray[np.float64]:
    """Compute the KLD of each row [N] minus that of the reference; 0 if both are infinite."""
    first, second = reference.scores.kld, other.scores.kld
    equal = first == second
    return np.asarray(np.subtract(second, first, out=np.zeros_like(first), where=~equal))


def most_different_rows(models: Mapping[str, ModelRows], count: int = 6) -> dict[str, list[int]]:
    """Find the rows in which the KLD of a model differs most from that of the first.

    Rows that differ by less than the minimum difference are excluded.

    Args:
        models: models, at least two, by name, of the same rows.
        count: maximum number of each.

    Returns:
        by chapters in which each other model is better or worse, the most different row first;
        chapters without rows are omitted.
    """
    (first, reference), *others = models.items()
    chapters: dict[str, list[int]] = {}
    for name, other in others:
        divergences = kld_differences(reference, other)
        order = np.argsort(divergences, kind='stable').tolist()
        better = [index for index in order if divergences[index] <= -LEAST_KLD][:count]
        worse = [index for index in order[::-1] if divergences[index] >= LEAST_KLD][:count]
        chapters |= {
            f'where {name} is better than {first}': better,
            f'where {name} is worse than {first}': worse,
        }
    return {name: indices for name, indices in chapters.items() if indices}


def _require_same_rows(first: str, reference: ModelRows, name: str, other: ModelRows) -> None:
    if reference.protocol != other.protocol:
        raise ValueError(
            f'{first} was measured by the protocol {reference.protocol} and {name} by '
            f'{other.protocol}; measure both by the same protocol'
        )
    actions = [
        (compared.actions.groups, compared.actions.actions) for compared in (reference, other)
    ]
    if reference.ids != other.ids or actions[0] != actions[1]:
        only = set(reference.ids) ^ set(other.ids)
        example = f', such as {min(only)[0]}' if only else ', in another order'
        raise ValueError(
            f'{first} was measured on {len(reference.rows)} rows and {name} on {len(other.rows)}, '
            f'of different pairs{example}; measure both on the same annotations'
        )


def _difference(reference: ModelRows, other: ModelRows, seed: int) -> ModelDifference:
    rows, groups = reference.rows, [row.group for row in reference.rows]
    before, after = reference.scores, other.scores
    divergences = kld_differences(reference, other)

    def mean(values: NDArray[np.float64]) -> Estimate | None:
        return bootstrap_mean(values, groups, seed)

    buttons = None
    if reference.of_buttons:
        buttons = mean(right_buttons(after, rows) - right_buttons(before, rows))
    top_1, balanced_accuracy = _of_actions(reference.actions, other.actions, seed)
    estimates: dict[str, Estimate | None] = {
        'better_rows': mean((divergences <= -LEAST_KLD) + (np.abs(divergences) < LEAST_KLD) / 2),
        **{
            measure.name: mean(
                divergences
                if measure.name == 'kld'
                else measure.values(after) - measure.values(before)
            )
            for measure in MEASURES
        },
        'top_1': top_1,
        'balanced_accuracy': balanced_accuracy,
        'which_button': buttons,
    }
    differing = [name for name, estimate in estimates.items() if tells_apart(name, estimate)]
    return ModelDifference(rows=len(rows), differs_in=', '.join(differing), **estimates)


def _of_actions(
    reference: ActionHits, other: ActionHits, seed: int
) -> tuple[Estimate | None, Estimate | None]:
    """Measure the top-1 and the balanced accuracy."""
    groups, classes = reference.groups, reference.actions
    return (
        bootstrap_mean(other.among_best - reference.among_best, groups, seed),
        bootstrap_class_mean(other.best - reference.best, groups, classes, seed),
    )

# SPDX-License-Identifier: Apache-2.0
"""Accuracy of the actions of a model, whose names may be spelled differently in the dataset."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from afformer_core.files.annotation_files import HOW_TO_NAME
from afformer_core.offline.evaluation.pairs.pair_evaluator import PairResult
from afformer_core.offline.reports.bootstrap import Estimate, bootstrap_class_mean, bootstrap_mean

_NAN = float('nan')


@dataclass(frozen=True)
class ActionHits:
    """Hits of annotated actions; NaN if the actions of model and dataset differ.

    Attributes:
        among_best: [N] share of a sample's k annotated actions among the k best-scored ones, for
            each of these actions.
        best: [N] 1 if the action has the best score, or 0.
        groups: N images or scenes.
        actions: N annotated actions, 0-based.
    """

    among_best: NDArray[np.float64]
    best: NDArray[np.float64]
    groups: tuple[str, ...]
    actions: tuple[int, ...]

    def measure(
        self, seed: int = 0, reference: ActionHits | None = None
    ) -> dict[str, Estimate | None]:
        """Estimate Top-1 and balanced accuracy, or their paired differences from a reference."""
        among_best, best = self.among_best, self.best
        if reference is not None:
            among_best, best = among_best - reference.among_best, best - reference.best
        return {
            'top_1': bootstrap_mean(among_best, self.groups, seed),
            'balanced_accuracy': bootstrap_class_mean(best, self.groups, self.actions, seed),
        }


def hit_actions(results: Sequence[PairResult], action_names: Sequence[str]) -> ActionHits:
    """Compare the actions that a model scores with the annotated ones.

    Args:
        results: results of the model, at least one.
        action_names: names of the actions of the dataset.
    """
    hits, best, groups, actions = [], [], [], []
    for result in results:
        expected = sorted(set(result.pair.sample.actions))
        right = right_actions(result.action_scores, expected, action_names)
        answer = _word(best_action(result.action_scores))
        for action in expected:
            hits.append(_NAN if right is None else right / len(expected))
            best.append(_NAN if right is None else float(answer == _word(action_names[action])))
            groups.append(result.rows[0].group)
            actions.append(action)
    return ActionHits(
        np.array(hits, np.float64), np.array(best, np.float64), tuple(groups), tuple(actions)
    )


def constant_hits(results: Sequence[PairResult], constant: int) -> ActionHits:
    """Compare one constant action with the annotated ones."""
    rows = [row for result in results for row in result.rows]
    hits = np.array([row.action == constant for row in rows], np.float64)
    groups = tuple(row.group for row in rows)
    return ActionHits(hits, hits, groups, tuple(row.action for row in rows))


def best_action(scores: Mapping[str, float]) -> str:
    """Return the name with the highest score; empty for a model that scores no actions."""
    return max(scores, key=lambda name: scores[name], default='')


def right_actions(
    scores: Mapping[str, float], actions: Collection[int], action_names: Sequence[str]
) -> int | None:
    """Count how many of a sample's k distinct actions are among the k best-scored ones.

    Args:
        scores: scores by the model's action names; `pick up` is `pick_up`.
        actions: annotated actions, indices into `action_names`; repeated ones count once.
        action_names: names of the actions of the dataset.

    Returns: the number; None if model and dataset have different actions.
    """
    if not _same_vocabulary(scores, action_names):
        return None
    words = {_word(name): value for name, value in scores.items()}
    best = sorted(range(len(action_names)), key=lambda n: -words[_word(action_names[n])])
    return len(set(actions).intersection(best[: len(set(actions))]))


def notes_on_actions(known: Collection[str], action_names: Sequence[str]) -> tuple[str, ...]:
    """Explain why actions are not measured; empty if they are.

    Args:
        known: actions of the model.
        action_names: names of the actions of the dataset.
    """
    if _same_vocabulary(known, action_names):
        return ()
    if not known:
        return ('Actions are not measured: the model scores none.',)
    return (
        f'Actions are not measured: the model knows {", ".join(known)}, the annotations name '
        f'{", ".join(action_names)}; both must name the same ({HOW_TO_NAME}).',
    )


def _same_vocabulary(first: Collection[str], second: Collection[str]) -> bool:
    return set(map(_word, first)) == set(map(_word, second))


def _word(name: str) -> str:
    return name.strip().lower().replace(' ', '_')

# SPDX-License-Identifier: Apache-2.0
"""Matching of the action names of a model and a dataset, which may differ in spelling."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from afformer_core.offline.evaluation.metrics.metrics import top1_hits


def best_action(scores: Mapping[str, float]) -> str:
    """Return the name with the highest score; empty for a model that scores no actions."""
    return max(scores, key=lambda name: scores[name], default='')


def same_action(first: str, second: str) -> bool:
    """Check whether two names mean one action: `pick up` is `pick_up`."""
    return _word(first) == _word(second)


def same_vocabulary(first: Collection[str], second: Collection[str]) -> bool:
    """Check whether two collections name the same actions."""
    return set(map(_word, first)) == set(map(_word, second))


def right_actions(
    scores: Mapping[str, float], actions: Collection[int], action_names: Sequence[str]
) -> int | None:
    """Count how many of a sample's k distinct actions are among the k best-scored ones.

    Args:
        scores: scores by the model's action names.
        actions: annotated actions, indices into `action_names`.
        action_names: names of the actions of the dataset.

    Returns: the number; None if model and dataset have different actions.
    """
    if not same_vocabulary(scores, action_names):
        return None
    words = {_word(name): value for name, value in scores.items()}
    by_index = {index: words[_word(name)] for index, name in enumerate(action_names)}
    return top1_hits(by_index, actions)


def _word(name: str) -> str:
    return name.strip().lower().replace(' ', '_')

# SPDX-License-Identifier: Apache-2.0
"""Accuracy of actions with unchanged, reversed, and frozen demonstrations."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from afformer_core.evaluation.pairs.pair_result import PairResult
from afformer_core.evaluation.tables.action_names import best_action, same_action, same_vocabulary
from afformer_core.reports.bootstrap import Estimate, bootstrap_class_mean, bootstrap_mean
from afformer_core.reports.tables import Table

MOTION_COLUMNS = {
    'pairs': 'pairs',
    'accuracy': 'accuracy',
    'best_constant': 'best constant',
    'accuracy_reversed': 'accuracy, frames reversed',
    'accuracy_frozen': 'accuracy, frozen at the contact',
}


@dataclass(frozen=True)
class MotionUseMeasures:
    """Accuracies of the action on some pairs.

    Attributes:
        pairs: number of pairs.
        accuracy: accuracy with the unchanged demonstration.
        best_constant: accuracy of the most frequent action of each kind of element.
        accuracy_reversed: accuracy with the frames in reverse order.
        accuracy_frozen: accuracy with every frame replaced by the one at the contact.
    """

    pairs: int
    accuracy: Estimate | None
    best_constant: float
    accuracy_reversed: Estimate | None
    accuracy_frozen: Estimate | None


@dataclass(frozen=True)
class MotionUse:
    """Accuracies of the action with and without the motion.

    Attributes:
        by_kind: accuracies on the pairs of each kind of element.
        all: accuracies on all pairs.
        balanced: means over the actions.
    """

    by_kind: Mapping[str, MotionUseMeasures]
    all: MotionUseMeasures
    balanced: MotionUseMeasures


@dataclass(frozen=True)
class _Hits:
    """Hits of each action, [N]."""

    own: list[bool]
    reversed: list[bool]
    frozen: list[bool]


def measure_motion_use(
    results: Sequence[PairResult], action_names: Sequence[str], seed: int = 0
) -> MotionUse | None:
    """Measure the accuracy of actions with unchanged, reversed, and frozen demonstrations.

    Args:
        results: results of a model.
        action_names: names of the actions of the dataset.
        seed: seed of the bootstrap.

    Returns: the accuracies; None if no pair has a scene, or model and dataset have different
    actions.
    """
    scenes = [result for result in results if result.pair.sample.scene is not None]
    if not scenes or not same_vocabulary(scenes[0].action_scores, action_names):
        return None
    kinds: dict[str, list[PairResult]] = {}
    for result in scenes:
        scene = result.pair.sample.scene
        assert scene is not None
        kinds.setdefault(str(scene.kinds[scene.element]), []).append(result)
    right = sum(_best_constant(of_kind) * len(of_kind) for of_kind in kinds.values())
    return MotionUse(
        by_kind={
            kind: _motion(of_kind, _best_constant(of_kind), action_names, seed)
            for kind, of_kind in sorted(kinds.items())
        },
        all=_motion(scenes, right / len(scenes), action_names, seed),
        balanced=_balanced_motion(scenes, action_names, seed),
    )


def motion_table(motion: MotionUse) -> Table:
    """Build the table of each kind of element, all pairs, and the mean over the actions."""
    return Table.of(
        'Does the motion determine the action?',
        MOTION_COLUMNS,
        {
            **{kind: vars(measures) for kind, measures in motion.by_kind.items()},
            'all': vars(motion.all),
            'all, balanced over the actions': vars(motion.balanced),
        },
        (
            'best constant: share of the most frequent action of each kind of element. frozen: '
            'every frame is the one in the middle of the contact, or of the clip if the contact '
            'is not known.',
        ),
    )


def _motion(
    results: Sequence[PairResult], best_constant: float, action_names: Sequence[str], seed: int
) -> MotionUseMeasures:
    groups = [result.rows[0].group for result in results]
    hits = _hits(results, action_names)
    return MotionUseMeasures(
        pairs=len(results),
        accuracy=bootstrap_mean(hits.own, groups, seed),
        best_constant=best_constant,
        accuracy_reversed=bootstrap_mean(hits.reversed, groups, seed),
        accuracy_frozen=bootstrap_mean(hits.frozen, groups, seed),
    )


def _balanced_motion(
    results: Sequence[PairResult], action_names: Sequence[str], seed: int
) -> MotionUseMeasures:
    groups = [result.rows[0].group for result in results]
    actions = [result.pair.sample.actions[0] for result in results]
    hits = _hits(results, action_names)
    return MotionUseMeasures(
        pairs=len(results),
        accuracy=bootstrap_class_mean(hits.own, groups, actions, seed),
        best_constant=1 / len(set(actions)),
        accuracy_reversed=bootstrap_class_mean(hits.reversed, groups, actions, seed),
        accuracy_frozen=bootstrap_class_mean(hits.frozen, groups, actions, seed),
    )


def _hits(results: Sequence[PairResult], action_names: Sequence[str]) -> _Hits:
    target = [action_names[result.pair.sample.actions[0]] for result in results]
    own = [best_action(result.action_scores) for result in results]
    backwards = [result.reversed_action or '' for result in results]
    frozen = [result.frozen_action or '' for result in results]
    return _Hits(
        own=list(map(same_action, own, target)),
        reversed=list(map(same_action, backwards, target)),
        frozen=list(map(same_action, frozen, target)),
    )


def _best_constant(results: Sequence[PairResult]) -> float:
    counts = Counter(result.pair.sample.actions[0] for result in results)
    return counts.most_common(1)[0][1] / len(results)

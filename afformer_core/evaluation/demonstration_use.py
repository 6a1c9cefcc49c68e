# SPDX-License-Identifier: Apache-2.0
"""Whether a model uses the demonstration at all: where it points, and how it moves."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

from afformer_core.evaluation.action_names import best_action, same_action, same_vocabulary
from afformer_core.evaluation.bootstrap import Estimate, bootstrap_mean
from afformer_core.evaluation.elements import Point, contains
from afformer_core.evaluation.model_run import PairResult
from afformer_core.evaluation.tables import Cell, Table


def demonstration_table(results: Sequence[PairResult], seed: int = 0) -> Table | None:
    """What becomes of a grounding when another element's demonstration is swapped in.

    Returns:
        None where no pair has a demonstration to swap in.
    """
    swaps = [result for result in results if result.pair.swapped is not None]
    if not swaps:
        return None
    groups = [row.group for result in swaps for row in result.rows]
    own = np.concatenate([result.scores.kld for result in swaps])
    other = np.concatenate(
        [result.swapped_kld for result in swaps if result.swapped_kld is not None]
    )
    own_peaks = [result.peak for result in swaps]
    other_peaks = [result.swapped_peak for result in swaps]
    return Table(
        'Does the demonstration decide?',
        ('KLD', 'peak inside its element', "peak inside the other's element"),
        {
            'its own demonstration': [
                bootstrap_mean(own, groups, seed),
                *_follows(swaps, own_peaks, seed),
            ],
            "another element's demonstration": [
                bootstrap_mean(other, groups, seed),
                *_follows(swaps, other_peaks, seed),
            ],
            'rise in KLD': [bootstrap_mean(other - own, groups, seed), None, None],
        },
        (
            f'{len(swaps)} pairs; KLD against the original ground truth. With the other '
            "demonstration a model that follows it peaks inside the other's element.",
        ),
    )


def _follows(
    swaps: Sequence[PairResult], peaks: Sequence[Point | None], seed: int
) -> list[Estimate | None]:
    own, other, groups = [], [], []
    for result, peak in zip(swaps, peaks, strict=True):
        scene, swapped = result.pair.sample.scene, result.pair.swapped
        if scene is None or swapped is None or swapped.scene is None or peak is None:
            continue
        own.append(float(contains(scene.polygons[scene.element], peak)))
        other.append(float(contains(scene.polygons[swapped.scene.element], peak)))
        groups.append(scene.scene_id)
    return [bootstrap_mean(own, groups, seed), bootstrap_mean(other, groups, seed)]


def motion_table(
    results: Sequence[PairResult], action_names: Sequence[str], seed: int = 0
) -> Table | None:
    """Whether the action was read from the motion and not from the kind of element.

    Returns:
        None where no pair has a scene, or model and dataset name other actions.
    """
    scenes = [result for result in results if result.pair.sample.scene is not None]
    if not scenes or not same_vocabulary(scenes[0].action_scores, action_names):
        return None
    kinds: dict[str, list[PairResult]] = {}
    for result in scenes:
        scene = result.pair.sample.scene
        assert scene is not None
        kinds.setdefault(str(scene.kinds[scene.element]), []).append(result)
    cells = {kind: _motion_cells(each, action_names, seed) for kind, each in sorted(kinds.items())}
    constants = [_best_constant(each) * len(each) for each in kinds.values()]
    cells['all'] = _motion_cells(scenes, action_names, seed)
    cells['all'][2] = sum(constants) / len(scenes)
    return Table(
        'Is the action read from the motion?',
        ('pairs', 'accuracy', 'best constant', 'accuracy, frames reversed'),
        cells,
        ('best constant: share of the most frequent action of each kind of element.',),
    )


def _motion_cells(
    results: Sequence[PairResult], action_names: Sequence[str], seed: int
) -> list[Cell]:
    groups = [result.rows[0].group for result in results]
    truth = [action_names[result.pair.sample.actions[0]] for result in results]
    forward = [best_action(result.action_scores) for result in results]
    backward = [result.reversed_action or '' for result in results]
    return [
        len(results),
        bootstrap_mean(list(map(same_action, forward, truth)), groups, seed),
        _best_constant(results),
        bootstrap_mean(list(map(same_action, backward, truth)), groups, seed),
    ]


def _best_constant(results: Sequence[PairResult]) -> float:
    counts = Counter(result.pair.sample.actions[0] for result in results)
    return counts.most_common(1)[0][1] / len(results)

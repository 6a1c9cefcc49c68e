# SPDX-License-Identifier: Apache-2.0
"""Whether a model uses the demonstration at all: where it points, and how it moves."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from afformer_core.data.sample import Sample
from afformer_core.evaluation.action_names import best_action, same_action, same_vocabulary
from afformer_core.evaluation.bootstrap import Estimate, bootstrap_class_mean, bootstrap_mean
from afformer_core.evaluation.elements import Point, contains
from afformer_core.evaluation.pair_result import PairResult
from afformer_core.evaluation.peak_measures import in_region
from afformer_core.evaluation.protocols import EvaluationProtocol, sample_group
from afformer_core.evaluation.tables import Cell, Table

KLD_RISE = 'rise in KLD'
BALANCED = 'all, balanced over the actions'
MOTION_COLUMNS = ('accuracy, frames reversed', 'accuracy, frozen at the contact')


def demonstration_table(
    results: Sequence[PairResult], protocol: EvaluationProtocol, seed: int = 0
) -> Table | None:
    """What becomes of a grounding when a demonstration of another place is swapped in.

    Args:
        results: of a model.
        protocol: the one they were made with.
        seed: of the bootstrap.

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
    names = _names(all(result.pair.sample.scene is not None for result in swaps))
    return Table(
        'Does the demonstration decide?',
        ('KLD', names.own_place, names.other_place),
        {
            'its own demonstration': [
                bootstrap_mean(own, groups, seed),
                *_follows(swaps, own_peaks, protocol, seed),
            ],
            names.other: [
                bootstrap_mean(other, groups, seed),
                *_follows(swaps, other_peaks, protocol, seed),
            ],
            KLD_RISE: [bootstrap_mean(other - own, groups, seed), None, None],
        },
        (
            f'{len(swaps)} pairs; KLD against the original ground truth. {names.follows} Peaks '
            'are of the action that the model finds best.',
        ),
    )


@dataclass(frozen=True)
class _Names:
    other: str
    own_place: str
    other_place: str
    follows: str


def _names(of_elements: bool) -> _Names:
    if of_elements:
        return _Names(
            "another element's demonstration",
            'peak inside its element',
            "peak inside the other's element",
            'With the other demonstration a model that follows it peaks inside the '
            "other's element.",
        )
    return _Names(
        'another demonstration of the image',
        'peak in its region',
        "peak in the other's region",
        'The other demonstration is of a place that lies a tenth of the diagonal away or more; a '
        "model that follows it peaks in the other's annotated region.",
    )


def _follows(
    swaps: Sequence[PairResult],
    peaks: Sequence[Point | None],
    protocol: EvaluationProtocol,
    seed: int,
) -> list[Estimate | None]:
    own, other, groups = [], [], []
    for result, peak in zip(swaps, peaks, strict=True):
        sample, swapped = result.pair.sample, result.pair.swapped
        if swapped is None or peak is None:
            continue
        own.append(float(_shows(sample, sample, peak, protocol)))
        other.append(float(_shows(sample, swapped, peak, protocol)))
        groups.append(sample_group(sample))
    return [bootstrap_mean(own, groups, seed), bootstrap_mean(other, groups, seed)]


def _shows(sample: Sample, shown: Sample, peak: Point, protocol: EvaluationProtocol) -> bool:
    """Whether a peak in a sample's image is where another sample's demonstration was annotated."""
    if sample.scene is not None and shown.scene is not None:
        return contains(sample.scene.polygons[shown.scene.element], peak)
    rows = protocol.rows([shown])
    # Both belong to one image, whose annotations may be of two sizes.
    place = (np.array([peak]) + 0.5) * np.divide(shown.image_size, sample.image_size) - 0.5
    return any(
        in_region(*each, place)[0] for each in zip(protocol.truths(rows), rows, strict=True)
    )


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
    cells[BALANCED] = _balanced_cells(scenes, action_names, seed)
    return Table(
        'Is the action read from the motion?',
        ('pairs', 'accuracy', 'best constant', *MOTION_COLUMNS),
        cells,
        (
            'best constant: share of the most frequent action of each kind of element. frozen: '
            'every frame is the one in the middle of the contact, or of the clip where that is '
            'not known.',
        ),
    )


def _motion_cells(
    results: Sequence[PairResult], action_names: Sequence[str], seed: int
) -> list[Cell]:
    groups = [result.rows[0].group for result in results]
    hits = _hits(results, action_names)
    own, *changed = (bootstrap_mean(each, groups, seed) for each in hits)
    return [len(results), own, _best_constant(results), *changed]


def _balanced_cells(
    results: Sequence[PairResult], action_names: Sequence[str], seed: int
) -> list[Cell]:
    groups = [result.rows[0].group for result in results]
    actions = [result.pair.sample.actions[0] for result in results]
    hits = _hits(results, action_names)
    own, *changed = (bootstrap_class_mean(each, groups, actions, seed) for each in hits)
    return [len(results), own, 1 / len(set(actions)), *changed]


def _hits(results: Sequence[PairResult], action_names: Sequence[str]) -> list[list[bool]]:
    """Whether each action is right: of the demonstration, of it backwards, and of it frozen."""
    truth = [action_names[result.pair.sample.actions[0]] for result in results]
    found = (
        [best_action(result.action_scores) for result in results],
        [result.reversed_action or '' for result in results],
        [result.frozen_action or '' for result in results],
    )
    return [list(map(same_action, each, truth)) for each in found]


def _best_constant(results: Sequence[PairResult]) -> float:
    counts = Counter(result.pair.sample.actions[0] for result in results)
    return counts.most_common(1)[0][1] / len(results)

# SPDX-License-Identifier: Apache-2.0
"""The influence of the demonstration on the heatmap: groundings with another demonstration."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from afformer_core.media.polygons import Point, contains
from afformer_core.offline.data.sample import Sample
from afformer_core.offline.evaluation.metrics.peak_measures import in_region
from afformer_core.offline.evaluation.pairs.pair_result import PairResult
from afformer_core.offline.evaluation.protocols.protocols import EvaluationProtocol
from afformer_core.offline.reports.bootstrap import Estimate, bootstrap_mean
from afformer_core.offline.reports.tables import Cell, Table


@dataclass(frozen=True)
class Pointing:
    """Best peaks of a model with one of two demonstrations of an image.

    Attributes:
        kld: KLD against the ground truth of the image's own demonstration.
        peak_in_own_region: share of best peaks at the contact of the image's own demonstration.
        peak_in_other_region: share of best peaks at the contact of the other demonstration.
    """

    kld: Estimate | None
    peak_in_own_region: Estimate | None
    peak_in_other_region: Estimate | None


@dataclass(frozen=True)
class DemonstrationUse:
    """Groundings with the image's own demonstration and with another one.

    Attributes:
        pairs: pairs that have another demonstration.
        of_elements: whether both have known elements, instead of regions a tenth of the diagonal
            apart.
        own: measures with the image's own demonstration.
        hard_negative: measures with the other one.
        kld_rise: increase of KLD with the other demonstration.
    """

    pairs: int
    of_elements: bool
    own: Pointing
    hard_negative: Pointing
    kld_rise: Estimate | None


def measure_demonstration_use(
    results: Sequence[PairResult], protocol: EvaluationProtocol, seed: int = 0
) -> DemonstrationUse | None:
    """Measure how groundings change with a negative demonstration.

    Args:
        results: results of a model.
        protocol: protocol of the results.
        seed: seed of the bootstrap.

    Returns: the measures; None if no pair has a negative demonstration.
    """
    swaps = [result for result in results if result.pair.hard_negative is not None]
    if not swaps:
        return None
    own = np.concatenate([result.scores.kld for result in swaps])
    other = np.concatenate(
        [result.hard_negative_kld for result in swaps if result.hard_negative_kld is not None]
    )
    own_peaks = [result.peak for result in swaps]
    other_peaks = [result.hard_negative_peak for result in swaps]
    groups = [row.group for result in swaps for row in result.rows]
    return DemonstrationUse(
        pairs=len(swaps),
        of_elements=all(result.pair.sample.scene is not None for result in swaps),
        own=_pointing(swaps, own, own_peaks, protocol, seed),
        hard_negative=_pointing(swaps, other, other_peaks, protocol, seed),
        kld_rise=bootstrap_mean(other - own, groups, seed),
    )


def demonstration_table(use: DemonstrationUse) -> Table:
    """Build the table of both demonstrations, with the increase of KLD."""
    headings = {
        'kld': 'KLD',
        'peak_in_own_region': 'peak in its region',
        'peak_in_other_region': 'peak in the other region',
    }
    rows: dict[str, dict[str, Cell]] = {
        'its own demonstration': vars(use.own),
        'another demonstration': vars(use.hard_negative),
        'rise in KLD': {'kld': use.kld_rise},
    }
    return Table.of(
        'Does the demonstration determine the answer?',
        headings,
        rows,
        (
            f'{use.pairs} pairs; KLD against the original ground truth. The other demonstration '
            'shows another element of the image or, if elements are not known, a point at a '
            'distance of at least a tenth of the diagonal; the peak of a model that follows it '
            'lies there. Peaks are those of the best action of the model.',
        ),
    )


def _pointing(
    swaps: Sequence[PairResult],
    kld: NDArray[np.float64],
    peaks: Sequence[Point | None],
    protocol: EvaluationProtocol,
    seed: int,
) -> Pointing:
    row_groups = [row.group for result in swaps for row in result.rows]
    own, other, groups = [], [], []
    for result, peak in zip(swaps, peaks, strict=True):
        sample, hard_negative = result.pair.sample, result.pair.hard_negative
        if hard_negative is None or peak is None:
            continue
        own.append(float(_shows(sample, sample, peak, protocol)))
        other.append(float(_shows(sample, hard_negative, peak, protocol)))
        groups.append(sample.group)
    return Pointing(
        kld=bootstrap_mean(kld, row_groups, seed),
        peak_in_own_region=bootstrap_mean(own, groups, seed),
        peak_in_other_region=bootstrap_mean(other, groups, seed),
    )


def _shows(sample: Sample, shown: Sample, peak: Point, protocol: EvaluationProtocol) -> bool:
    """Check whether a peak is where the demonstration of another sample was annotated."""
    if sample.scene is not None and shown.scene is not None:
        return contains(sample.scene.polygons[shown.scene.element], peak)
    rows = protocol.rows([shown])
    # Both belong to one image, whose annotations may have two sizes.
    position = (np.array([peak]) + 0.5) * np.divide(shown.image_size, sample.image_size) - 0.5
    return any(
        in_region(*target_and_row, position)[0]
        for target_and_row in zip(protocol.targets(rows), rows, strict=True)
    )

# SPDX-License-Identifier: Apache-2.0
"""The loss of accuracy caused by lower precision, on annotated pairs."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from tqdm import tqdm

from afformer_core.evaluation.metrics.metrics import kld
from afformer_core.evaluation.pairs.pair_evaluator import ModelRun
from afformer_core.evaluation.pairs.pairs import Pair
from afformer_core.evaluation.protocols.protocols import RowsProtocol
from afformer_core.models.configuration import AfformerConfiguration
from afformer_core.runtime import ArrayGrounder, Grounding
from afformer_core.runtime.networks import Networks
from afformer_core.runtime.session import Session


def precision_loss(
    pairs: Sequence[Pair], configuration: AfformerConfiguration, exact: Session, other: Session
) -> dict[str, float]:
    """Compare a session of a model with an exact one, both with the annotation.

    Returns: `pairs`, the number of pairs; `exact_kld` and `kld`, means over the pairs' rows; and
        `within_a_pixel`, the share of images in which the best peak moved by at most a pixel of
        the model's input.
    """
    protocol = RowsProtocol()
    runs = [
        ModelRun(ArrayGrounder(configuration, Networks(configuration, session)), protocol)
        for session in (exact, other)
    ]
    klds: tuple[list[float], list[float]] = ([], [])
    near = 0
    for pair in tqdm(pairs, desc='measuring', unit='pair'):
        rows = protocol.rows([pair.sample])
        targets = protocol.targets(rows)
        one, another = (run.ground(pair) for run in runs)
        for values, grounding in zip(klds, (one, another), strict=True):
            predicted = np.stack([protocol.prediction(grounding.heatmap)] * len(rows))
            values.extend(kld(predicted, targets).tolist())
        near += _distance(one, another, configuration.input_size) <= 1
    return {
        'pairs': len(pairs),
        'exact_kld': float(np.mean(klds[0])),
        'kld': float(np.mean(klds[1])),
        'within_a_pixel': near / len(pairs),
    }


def _distance(one: Grounding, other: Grounding, size: tuple[int, int]) -> float:
    """Measure the distance of the best peaks in pixels of the model's input."""
    height, width = one.heatmap.shape
    first, second = one.peaks[0], other.peaks[0]
    return float(
        np.hypot((first.u - second.u) * size[1] / width, (first.v - second.v) * size[0] / height)
    )

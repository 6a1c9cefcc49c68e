# SPDX-License-Identifier: Apache-2.0
"""The measures of a model and of baselines, on the same rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from afformer_core.media.polygons import inner_points
from afformer_core.offline.data.heatmaps import pad_points, target_heatmaps
from afformer_core.offline.evaluation.metrics.scoring import RowScores, concatenate, score
from afformer_core.offline.evaluation.pairs.pair_result import PairResult
from afformer_core.offline.evaluation.pairs.pooled_rows import PooledRows
from afformer_core.offline.evaluation.protocols.buttons_protocol import ButtonsProtocol
from afformer_core.offline.evaluation.protocols.protocols import (
    EvaluationProtocol,
    Heatmaps,
    Predictor,
    ProtocolRow,
)

MODEL = 'model'
SINGLE_DEMONSTRATION = 'single_demonstration'
EVERY_ELEMENT = 'every_element'
# Size in which a map of points is drawn before it is resampled to a coarse protocol's size.
_FINE = (256, 256)


@dataclass(frozen=True)
class Comparison:
    """Measures of several predictors.

    Attributes:
        protocol: name of the rows' protocol.
        rows: rows on which all predictors were measured, at least one.
        scores: scores of the rows, by the name of the predictor.
        of_buttons: whether the choice of buttons is also measured.
    """

    protocol: str
    rows: tuple[ProtocolRow, ...]
    scores: Mapping[str, RowScores]
    of_buttons: bool = False

    def __post_init__(self) -> None:
        for name, scores_of_model in self.scores.items():
            if len(scores_of_model.kld) != len(self.rows):
                raise ValueError(
                    f'{name} was measured on {len(scores_of_model.kld)} rows; there are '
                    f'{len(self.rows)}'
                )

    @property
    def chance(self) -> float | None:
        """Accuracy of a random element; None if the elements of a row are not known."""
        scenes = [row.scene for row in self.rows if row.scene is not None]
        if len(scenes) < len(self.rows):
            return None
        return float(np.mean([1 / len(scene.polygons) for scene in scenes]))


def compare(
    results: Sequence[PairResult],
    protocol: EvaluationProtocol,
    baselines: Mapping[str, Predictor],
    seed: int = 0,
    progress: bool = True,
) -> Comparison:
    """Measure the model, then the baselines, then a random element if elements are known.

    Args:
        results: results of the model, at least one.
        protocol: protocol of the results.
        baselines: predictors by name.
        seed: seed of the jitter in AUC-J.
        progress: show a progress bar on stderr.
    """
    rows = tuple(row for result in results for row in result.rows)
    predictors = dict(baselines)
    if all(row.scene is not None for row in rows):
        predictors[EVERY_ELEMENT] = _every_element(protocol)
    scores = score(protocol, rows, predictors, seed, progress=progress)
    model = concatenate([result.scores for result in results])
    of_buttons = isinstance(protocol, ButtonsProtocol)
    return Comparison(protocol.name, rows, {MODEL: model, **scores}, of_buttons)


def compare_pooled(
    pooled: PooledRows, baselines: Mapping[str, Predictor], seed: int = 0, progress: bool = True
) -> Comparison:
    """Measure the model, then its single demonstrations, then the baseline predictors.

    Args:
        pooled: rows of the model.
        baselines: predictors by name.
        seed: seed of the jitter in AUC-J.
        progress: show a progress bar on stderr.
    """
    scores = score(pooled.protocol, pooled.rows, baselines, seed, progress=progress)
    model = {MODEL: pooled.scores, SINGLE_DEMONSTRATION: pooled.single_scores}
    return Comparison(pooled.protocol.name, pooled.rows, {**model, **scores})


def _every_element(protocol: EvaluationProtocol) -> Predictor:
    size = _FINE if protocol.at_model_size else protocol.size

    def predict(index: int, row: ProtocolRow) -> Heatmaps:
        assert row.scene is not None
        scale = np.divide((size[1], size[0]), row.image_size)
        points: NDArray[np.float64] = np.concatenate(
            [inner_points(polygon) * scale for polygon in row.scene.polygons]
        )
        heatmap: Heatmaps = target_heatmaps(pad_points([points]), size)[0].numpy()
        return protocol.prediction(heatmap) if protocol.at_model_size else heatmap

    return predict

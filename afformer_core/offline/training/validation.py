# SPDX-License-Identifier: Apache-2.0
"""Validation by the evaluator, with scores gathered from all processes, each sample once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

import numpy as np
import torch
from torch import Tensor

from afformer_core.models.configuration import AfformerConfiguration
from afformer_core.offline.data.sample import Sample
from afformer_core.offline.evaluation.metrics import measure
from afformer_core.offline.evaluation.pairs.multi_window import mean_actions, mean_heatmaps
from afformer_core.offline.evaluation.protocols import RowsProtocol


@dataclass
class Validation:
    """The measures of one validation.

    Attributes:
        configuration: configuration of the model.
        protocol: protocol of the measures of heatmaps.
        scores: for each sample by its index the number of its actions, and means over them by
            name: `kld`, `sim`, `auc_j` and, for a model that scores actions, `top_1`, the share of
            the sample's actions among as many best ones, as in the released code.
    """

    configuration: AfformerConfiguration
    protocol: RowsProtocol = field(default_factory=RowsProtocol)
    scores: dict[int, tuple[int, dict[str, float]]] = field(default_factory=dict)

    def add(self, index: int, sample: Sample, heatmaps: Tensor, actions: Tensor | None) -> None:
        """Measure a sample.

        Args:
            index: index of the sample.
            sample: the sample.
            heatmaps: logits [W, heatmaps, H, W] of each window of its demonstration, whose
                probabilities are averaged, as are those of actions.
            actions: logits [W, A]; None if the sample's actions are not those of the model.
        """
        protocol = self.protocol
        rows = protocol.rows([sample])
        probabilities = mean_heatmaps(heatmaps)
        predicted = [
            protocol.prediction(
                probabilities[row.action if self.configuration.heatmap_per_action else 0]
            )
            for row in rows
        ]
        rng = np.random.default_rng((0, index))
        scores = measure(np.stack(predicted), protocol.targets(rows), rng, protocol.epsilon)
        means = {
            'kld': float(scores['kld'].mean()),
            'sim': float(scores['sim'].mean()),
            'auc_j': float(np.nanmean(scores['auc_j'])),
        }
        if actions is not None and self.configuration.action_names:
            expected = set(sample.actions)
            best = mean_actions(actions, self.configuration).topk(len(expected)).indices.tolist()
            means['top_1'] = len(expected.intersection(best)) / len(expected)
        self.scores[index] = len(rows), means


def weighted_means(scores: Mapping[int, tuple[int, dict[str, float]]]) -> dict[str, float]:
    """Average the scores of a validation over the rows of all samples.

    Args:
        scores: the scores of all samples (see `Validation`).
    """
    ordered = [scores[index] for index in sorted(scores)]
    weights = [rows for rows, _ in ordered]
    return {
        name: float(np.average([means[name] for _, means in ordered], weights=weights))
        for name in ordered[0][1]
    }


_Found = TypeVar('_Found')


def gathered(found: Mapping[int, _Found]) -> Mapping[int, _Found]:
    """Gather results by index of the sample from every process, each sample once."""
    distributed = torch.distributed
    if not (distributed.is_available() and distributed.is_initialized()):
        return found
    parts: list[Any] = [{} for _ in range(distributed.get_world_size())]
    distributed.all_gather_object(parts, found)
    return {index: result for part in parts for index, result in part.items()}

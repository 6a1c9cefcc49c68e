# SPDX-License-Identifier: Apache-2.0
"""Validation by the evaluator, with scores gathered from all processes, each sample once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from afformer_core.models.configuration import AfformerConfiguration
from afformer_core.offline.data.sample import Sample
from afformer_core.offline.evaluation.metrics import measure
from afformer_core.offline.evaluation.pairs.multi_window import mean_actions, mean_heatmaps
from afformer_core.offline.evaluation.protocols import RowsProtocol


@dataclass(frozen=True)
class SampleScores:
    """Measures of one sample, each a mean over its actions.

    Attributes:
        kld, sim, auc_j: measures of the heatmaps, by the protocol of the validation.
        top_1: share of the sample's actions among as many best ones, as in the released code; NaN
            for a model that scores no actions.
        rows: number of actions.
    """

    kld: float
    sim: float
    auc_j: float
    top_1: float
    rows: int


@dataclass
class Validation:
    """The measures of one validation.

    Attributes:
        configuration: configuration of the model.
        protocol: protocol of the measures.
        scores: scores by index of the sample.
    """

    configuration: AfformerConfiguration
    protocol: RowsProtocol = field(default_factory=RowsProtocol)
    scores: dict[int, SampleScores] = field(default_factory=dict)

    def add(
        self, index: int, sample: Sample, heatmaps: Tensor, actions: Tensor
    ) -> NDArray[np.float32]:
        """Measure a sample.

        Args:
            index: index of the sample.
            sample: the sample.
            heatmaps: logits [W, heatmaps, H, W] of each window of its demonstration, whose
                probabilities are averaged, as are those of actions.
            actions: logits [W, A].

        Returns:
            the mean probabilities [H, W] of the sample's first action.
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
        self.scores[index] = SampleScores(
            float(scores['kld'].mean()),
            float(scores['sim'].mean()),
            float(np.nanmean(scores['auc_j'])),
            self._top_1(sample, actions),
            len(rows),
        )
        return predicted[0]

    def _top_1(self, sample: Sample, actions: Tensor) -> float:
        if not self.configuration.action_names:
            return float('nan')
        expected = set(sample.actions)
        best = mean_actions(actions, self.configuration).topk(len(expected)).indices.tolist()
        return len(expected.intersection(best)) / len(expected)

    def means(self, parts: Sequence[Mapping[int, SampleScores]]) -> dict[str, float]:
        """Average over the rows of all samples, of which several processes may have some.

        Args:
            parts: the scores of each process.

        Returns:
            means by name; without `top_1` for a model that scores no actions.
        """
        merged = {index: scores for part in parts for index, scores in part.items()}
        ordered = [merged[index] for index in sorted(merged)]
        weights = [scores.rows for scores in ordered]
        return {
            name: float(np.average([getattr(scores, name) for scores in ordered], weights=weights))
            for name in self._measures
        }

    @property
    def _measures(self) -> tuple[str, ...]:
        heatmaps = ('kld', 'sim', 'auc_j')
        return (*heatmaps, 'top_1') if self.configuration.action_names else heatmaps


_Found = TypeVar('_Found')


def gathered(found: Mapping[int, _Found]) -> list[Mapping[int, _Found]]:
    """Gather results by index of the sample from every process."""
    distributed = torch.distributed
    if not (distributed.is_available() and distributed.is_initialized()):
        return [found]
    parts: list[Any] = [{} for _ in range(distributed.get_world_size())]
    distributed.all_gather_object(parts, found)
    return parts

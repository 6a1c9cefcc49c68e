# SPDX-License-Identifier: Apache-2.0
"""Measures of a validation that can be counted by hand."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from afformer_core.models import afformer_small
from afformer_core.models.configuration import AfformerConfiguration
from afformer_core.offline.data.sample import Sample
from afformer_core.offline.evaluation.protocols import CoarseRowsProtocol, RowsProtocol
from afformer_core.offline.training.architecture import Architecture
from afformer_core.offline.training.losses import GroundingLoss
from afformer_core.offline.training.module import GroundingTraining
from afformer_core.offline.training.validation import Validation, weighted_means

CONFIGURATION = replace(
    afformer_small(('press', 'hold', 'turn'), (64, 64)), heatmap_per_action=False
)
# The first action is told best, the second worst.
ACTIONS = torch.tensor([[3.0, -1.0, 2.0]])


def sample(*actions: int, points: tuple[tuple[float, float], ...] = ((20.0, 30.0),)) -> Sample:
    positions = tuple(np.array(points) for _ in actions)
    return Sample('a', Path('a.mp4'), Path('a.jpg'), (256, 256), actions, positions)


def target(one: Sample) -> torch.Tensor:
    """Logits [1, 1, 256, 256] of a perfect heatmap."""
    protocol = RowsProtocol()
    return torch.from_numpy(protocol.targets(protocol.rows([one])[:1])).log()[None]


def validated(
    one: Sample, heatmaps: torch.Tensor, configuration: AfformerConfiguration = CONFIGURATION
) -> tuple[int, dict[str, float]]:
    validation = Validation(configuration)
    validation.add(7, one, heatmaps, ACTIONS)
    return validation.scores[7]


@pytest.mark.parametrize(
    ('actions', 'top_1'),
    [((0,), 1.0), ((1,), 0.0), ((2,), 0.0), ((0, 1), 0.5), ((0, 2), 1.0), ((2, 2), 0.0)],
)
def test_as_many_best_actions_as_the_sample_has(actions: tuple[int, ...], top_1: float) -> None:
    found = validated(sample(*actions), torch.zeros(1, 1, 64, 64))
    assert found[1]['top_1'] == top_1
    assert found[0] == len(set(actions))
    silent = replace(CONFIGURATION, action_names=())
    found = validated(sample(*actions), torch.zeros(1, 1, 64, 64), silent)
    assert list(found[1]) == ['kld', 'sim', 'auc_j']


def test_a_perfect_heatmap() -> None:
    _, found = validated(sample(0), target(sample(0)))
    assert found['kld'] == pytest.approx(0, abs=1e-5)
    assert found['sim'] == pytest.approx(1, abs=1e-5)
    assert found['auc_j'] == pytest.approx(1, abs=1e-4)


def test_each_action_is_measured_on_its_own_heatmap() -> None:
    own = replace(CONFIGURATION, heatmap_per_action=True, action_pooling='mean')
    wrong = torch.zeros(1, 3, 256, 256)
    right = wrong.clone()
    right[:, 1] = target(sample(1))[0]
    assert validated(sample(1), right, own)[1]['kld'] == pytest.approx(0, abs=1e-5)
    assert validated(sample(0), right, own)[1]['kld'] > 1


def test_a_protocol_at_another_size() -> None:
    validation = Validation(CONFIGURATION, CoarseRowsProtocol())
    validation.add(7, sample(0), target(sample(0)), ACTIONS)
    # The prediction is blurred once more, by five pixels of 28.
    assert validation.scores[7][1]['kld'] == pytest.approx(0.1, abs=0.05)


def test_means_weigh_rows() -> None:
    first, second = (1, {'kld': 1.0, 'sim': 0.2}), (3, {'kld': 4.0, 'sim': 0.5})
    means = weighted_means({0: first, 1: second})
    assert means == pytest.approx({'kld': 3.25, 'sim': 0.425})


@pytest.mark.parametrize(('size', 'name'), [(None, 'rows256'), ((28, 28), 'rows28')])
def test_weights_are_chosen_at_the_size_that_is_trained_at(
    size: tuple[int, int] | None, name: str
) -> None:
    architecture = Architecture('afformer_small', (64, 64))
    training = GroundingTraining(architecture, ('press',), GroundingLoss(heatmap_size=size))
    assert training._validation.protocol.name == name

# SPDX-License-Identifier: Apache-2.0
"""Predictions for a sample that is not looked at."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from afformer_core.errors import DatasetError
from afformer_core.offline.data.sample import Sample
from afformer_core.offline.evaluation.baseline_prior import (
    most_frequent,
    prior_from_folds,
    prior_from_training,
)
from afformer_core.offline.evaluation.protocols.protocols import RowsProtocol

PROTOCOL = RowsProtocol((32, 32))


class Annotations(list[Sample]):
    """Samples with the names of their actions."""

    action_names = ('press', 'hold', 'turn')


def sample(image: str, action: int, x: float) -> Sample:
    points = (np.array([[x, 8.0]]),)
    return Sample(f'{image} {x}', Path('a.mp4'), Path(image), (32, 32), (action,), points)


SAMPLES: Any = Annotations(
    [sample('a.jpg', 1, 4), sample('a.jpg', 2, 9), sample('b.jpg', 1, 20), sample('c.jpg', 0, 28)]
)
ROWS = PROTOCOL.rows(SAMPLES)


def test_folds_predict_an_image_by_the_others() -> None:
    prior = prior_from_folds(PROTOCOL, ROWS)
    assert prior.label == "same action's mean map (5 folds)"
    assert prior.constant_action == 1
    assert prior.mean_maps is not None
    other = PROTOCOL.targets(ROWS[2:3])[0]
    assert prior.mean_maps(0, ROWS[0]) == pytest.approx(other, abs=1e-7)


def test_one_image_has_no_mean_map_of_others() -> None:
    prior = prior_from_folds(PROTOCOL, ROWS[:2])
    assert prior.mean_maps is None
    assert prior.constant_action == 1


def test_other_annotations_give_the_mean_of_an_action() -> None:
    prior = prior_from_training(PROTOCOL, SAMPLES, SAMPLES)
    assert prior.label == "same action's mean map (prior annotations)"
    assert prior.constant_action == 1
    assert prior.mean_maps is not None
    mean = PROTOCOL.targets([ROWS[0], ROWS[2]]).mean(0)
    assert prior.mean_maps(0, ROWS[0]) == pytest.approx(mean, abs=1e-7)


def test_other_actions_are_refused() -> None:
    other: Any = SimpleNamespace(action_names=('press', 'hold'))
    with pytest.raises(DatasetError, match=r"name the actions \['press', 'hold'\], the dataset"):
        prior_from_training(PROTOCOL, other, SAMPLES)


def test_the_most_frequent_action() -> None:
    assert most_frequent(ROWS) == 1
    assert most_frequent(ROWS[1:2]) == 2

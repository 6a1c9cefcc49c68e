# SPDX-License-Identifier: Apache-2.0
"""Predictors that ignore the sample, and the prior of a dataset."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from afformer_core.errors import DatasetError
from afformer_core.offline.data.annotations import open_annotations
from afformer_core.offline.data.sample import Sample
from afformer_core.offline.evaluation.baselines import (
    center_bias,
    centred_gaussian,
    cross_validated_mean_maps,
    mean_maps,
    prior_from_folds,
    prior_from_training,
    uniform,
)
from afformer_core.offline.evaluation.metrics import score
from afformer_core.offline.evaluation.protocols import (
    PROTOCOLS,
    Predictor,
    ProtocolRow,
    RowsProtocol,
)

PROTOCOL = RowsProtocol((32, 32))


def row(action, group, x, y):
    return ProtocolRow(action, group, np.array([[x, y]], float), (32, 32))


def test_gaussian_is_centred_and_its_spread_follows_each_side():
    heatmap = centred_gaussian((40, 80))(0, row(0, 'a', 1, 1))
    assert heatmap.sum() == pytest.approx(1, abs=1e-5)
    assert np.allclose(heatmap, heatmap[::-1, ::-1])
    one_sigma_right = heatmap[20, 40 + 24] / heatmap[20, 40]
    one_sigma_down = heatmap[20 + 12, 40] / heatmap[20, 40]
    assert one_sigma_right == pytest.approx(np.exp(-0.5), abs=0.03)
    assert one_sigma_down == pytest.approx(np.exp(-0.5), abs=0.03)


def test_center_bias_is_cut_off_to_the_central_half():
    heatmap = center_bias(RowsProtocol((224, 224)))(0, row(0, 'a', 1, 1))
    assert heatmap.sum() == pytest.approx(1, abs=1e-5)
    occupied = np.flatnonzero(heatmap.sum(0) > 0)
    assert (occupied[0], occupied[-1]) == (56, 167)
    assert np.array_equal(np.flatnonzero(heatmap.sum(1) > 0), occupied)
    # Of pixel 111 a quarter of the side from edge to edge of its upper half.
    assert heatmap[111, 111 + 28] / heatmap[111, 111] == pytest.approx(0.5)
    assert heatmap[111 - 28, 111] / heatmap[111, 111] == pytest.approx(0.5)


def test_groups_are_dealt_to_the_folds_in_turn():
    """Of three groups in two folds the first and the third are in one."""
    rows = [row(0, 'c', 4, 5), row(0, 'a', 12, 5), row(0, 'b', 20, 20)]
    maps = cross_validated_mean_maps(PROTOCOL, rows, folds=2)
    alone, others = PROTOCOL.targets(rows[2:])[0], PROTOCOL.targets(rows[:2]).mean(0)
    for number, expected in enumerate((alone, alone, others)):
        assert np.allclose(maps(number, rows[number]), expected, atol=1e-8)


def test_more_rows_than_are_averaged_at_once():
    rows = [row(0, str(number), number % 30, 5) for number in range(130)]
    maps = mean_maps(PROTOCOL, rows)
    assert np.allclose(maps(0, rows[0]), PROTOCOL.targets(rows).mean(0), atol=1e-7)


def test_mean_map_of_an_unseen_action_is_that_of_all():
    rows = [row(0, 'a', 4, 5), row(1, 'a', 20, 20)]
    maps = mean_maps(PROTOCOL, rows)
    assert np.allclose(maps(0, row(3, 'c', 0, 0)), PROTOCOL.targets(rows).mean(0), atol=1e-8)


def test_mean_maps_need_a_row():
    with pytest.raises(ValueError, match='at least one annotation'):
        mean_maps(PROTOCOL, [])


def test_an_action_that_other_folds_lack_gets_the_mean_of_all_others():
    rows = [row(0, 'a', 4, 5), row(1, 'b', 20, 20)]
    maps = cross_validated_mean_maps(PROTOCOL, rows)
    assert np.allclose(maps(0, rows[0]), PROTOCOL.targets(rows[1:])[0], atol=1e-8)


@pytest.mark.parametrize(('groups', 'folds'), [('a', 5), ('ab', 1)])
def test_cross_validation_needs_two_images_and_two_folds(groups, folds):
    with pytest.raises(ValueError, match=f'got {len(groups)} images and {folds} folds'):
        cross_validated_mean_maps(PROTOCOL, [row(0, group, 4, 5) for group in groups], folds)


class Annotations(list[Sample]):
    """Samples with the names of their actions."""

    action_names = ('press', 'hold', 'turn')


def prior_sample(image: str, action: int, x: float) -> Sample:
    points = (np.array([[x, 8.0]]),)
    return Sample(f'{image} {x}', Path('a.mp4'), Path(image), (32, 32), (action,), points)


SAMPLES: Any = Annotations(
    [
        prior_sample('a.jpg', 1, 4),
        prior_sample('a.jpg', 2, 9),
        prior_sample('b.jpg', 1, 20),
        prior_sample('c.jpg', 0, 28),
    ]
)
PRIOR_ROWS = PROTOCOL.rows(SAMPLES)


def test_folds_predict_an_image_by_the_others() -> None:
    prior = prior_from_folds(PROTOCOL, PRIOR_ROWS)
    assert prior.label == "same action's mean map (5 folds)"
    assert prior.constant_action == 1
    assert prior.mean_maps is not None
    other = PROTOCOL.targets(PRIOR_ROWS[2:3])[0]
    assert prior.mean_maps(0, PRIOR_ROWS[0]) == pytest.approx(other, abs=1e-7)


def test_other_annotations_give_the_mean_of_an_action() -> None:
    prior = prior_from_training(PROTOCOL, SAMPLES, SAMPLES)
    assert prior.label == "same action's mean map (prior annotations)"
    assert prior.constant_action == 1
    assert prior.mean_maps is not None
    mean = PROTOCOL.targets([PRIOR_ROWS[0], PRIOR_ROWS[2]]).mean(0)
    assert prior.mean_maps(0, PRIOR_ROWS[0]) == pytest.approx(mean, abs=1e-7)


def test_other_actions_are_refused() -> None:
    other: Any = SimpleNamespace(action_names=('press', 'hold'))
    with pytest.raises(DatasetError, match=r"name the actions \['press', 'hold'\], the dataset"):
        prior_from_training(PROTOCOL, other, SAMPLES)


PREDICTORS: dict[str, Callable[[RowsProtocol, Sequence[ProtocolRow]], Predictor]] = {
    'uniform': lambda protocol, rows: uniform(protocol.size),
    'gaussian': lambda protocol, rows: centred_gaussian(protocol.size),
    'action mean map': cross_validated_mean_maps,
    'center bias': lambda protocol, rows: center_bias(protocol),
}


@pytest.mark.parametrize(
    ('protocol', 'count', 'predictor', 'expected'),
    [
        ('pooled28', 921, 'uniform', (2.150, 0.194, 0.53)),
        ('pooled28', 921, 'gaussian', (2.039, 0.226, 0.647)),
        ('pooled28', 921, 'action mean map', (1.888, 0.256, 0.745)),
        ('pooled28', 921, 'center bias', (11.0195, 0.189, 0.617)),
        pytest.param(
            'rows28', 3785, 'center bias', (11.1295, 0.143, 0.635), marks=pytest.mark.slow
        ),
        pytest.param(
            'rows256', 3785, 'action mean map', (2.334, 0.171, 0.736), marks=pytest.mark.slow
        ),
    ],
)
def test_baselines(
    test_data: Path,
    protocol: str,
    count: int,
    predictor: str,
    expected: tuple[float, float, float],
) -> None:
    measured = PROTOCOLS[protocol]()
    rows = measured.rows(open_annotations(test_data / 'opra' / 'test.json'))
    predictors = {predictor: PREDICTORS[predictor](measured, rows)}
    scores = score(measured, rows, predictors)[predictor]
    assert len(rows) == count
    found = [scores[name].mean() for name in ('kld', 'sim', 'auc_j')]
    assert found == pytest.approx(expected, abs=6e-4)

# SPDX-License-Identifier: Apache-2.0
"""PCK, and the area under the curve of risk over coverage."""

from __future__ import annotations

import pytest

from afformer_core.evaluation.parts.part_scores import score_points
from afformer_core.evaluation.parts.predictors import PointPrediction
from afformer_core.reports.bootstrap import bootstrap_risk


@pytest.mark.parametrize(('x', 'within'), [(44.5, (1, 1)), (46, (0, 1)), (51, (0, 0))])
def test_pck_is_relative_to_the_longer_side(make_pair, x: float, within: tuple[int, int]) -> None:
    # the part ends at 40, and the target is 100 wide
    score = score_points(make_pair(), PointPrediction((((x + 0.5) / 100, 0.41),)))
    assert (score.pck_5, score.pck_10) == within


def test_risk_is_the_mean_share_of_wrong_points_among_the_surest() -> None:
    # shares of wrong: 0/1, 1/2, 1/3, 2/4
    area = bootstrap_risk([0.9, 0.8, 0.7, 0.6], [True, False, True, False], list('abcd'))
    assert area.value == pytest.approx((0 + 1 / 2 + 1 / 3 + 1 / 2) / 4)


def test_equal_scores_are_answered_together() -> None:
    area = bootstrap_risk([0.8, 0.8, 0.3], [True, False, False], list('abc'))
    assert area.value == pytest.approx((1 / 2 + 1 / 2 + 2 / 3) / 3)

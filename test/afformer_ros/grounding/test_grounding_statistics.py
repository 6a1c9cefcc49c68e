# SPDX-License-Identifier: Apache-2.0
"""Values on /diagnostics of the last result."""

from __future__ import annotations

from dataclasses import fields

import numpy as np

from afformer_core.outputs.results import SpatialView, StreamedGrounding
from afformer_core.runtime import Grounding
from afformer_ros.grounding.grounding_statistics import GroundingStatistics, StageTimes


def told(**fields_: float) -> dict[str, str]:
    heatmap = np.full((12, 16), 1 / 192, np.float32)
    grounding = Grounding(heatmap, (12, 16), {'pull': 0.75}, (), 0.31, 0.8, **fields_)
    view = SpatialView(None, None, 'no depth is received')
    result = StreamedGrounding(
        demonstration='pull',
        grounding=grounding,
        found=True,
        confidence=0.31,
        feature_similarity=0.8,
        continuity=1.0,
        age=0.0,
        surfaces=(),
        view=view,
        restart='',
        stamp=0,
        presence=0.91,
        presence_threshold=0.37,
    )
    statistics = GroundingStatistics(10.0)
    statistics.grounding_published(
        result, StageTimes(**{field.name: 0.01 for field in fields(StageTimes)})
    )
    return statistics.values()


def test_presence_and_certainty_with_their_thresholds() -> None:
    values = told(certainty=0.4137, certainty_threshold=0.63)
    assert (values['presence'], values['presence threshold']) == ('0.910', '0.370')
    assert (values['certainty'], values['certainty threshold']) == ('0.414', '0.630')


def test_a_certainty_that_is_not_known_is_not_told() -> None:
    assert not {'certainty', 'certainty threshold'} & set(told(certainty_threshold=0.63))

# SPDX-License-Identifier: Apache-2.0
"""Values in the diagnostics of a node: found by names, of the last result, and of latencies."""

from __future__ import annotations

from dataclasses import fields
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus

from afformer_core.outputs.results import SpatialView, StreamedGrounding
from afformer_core.runtime import Grounding
from afformer_ros.grounding.grounding_diagnostics import (
    ComponentStatus,
    GroundingStatistics,
    LatencyWindow,
    StageTimes,
    status_of,
    topic_status,
)


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


@pytest.mark.parametrize(
    ('end_to_end', 'limit', 'told'),
    [
        (0.4, 0.5, ''),
        (0.6, 0.5, 'results come 0.60 s after their images, more than 0.50 s'),
        (0.6, 0.0, ''),
        (-0.6, 0.5, ''),
        (95881112.92, 0.5, 'the stamps of the images are 95881113 s away from'),
        (-500.0, 0.5, 'the stamps of the images are 500 s away from'),
    ],
)
def test_results_that_are_too_old(end_to_end, limit, told):
    window = LatencyWindow(10.0)
    window.add(
        StageTimes(
            age_at_arrival=0.0,
            wait=0.0,
            preprocess=0.0,
            ground=0.0,
            postprocess=0.0,
            publish=0.0,
            overhead=0.0,
            end_to_end=end_to_end,
        )
    )
    problem = window.problem(limit)
    assert problem.startswith(told)
    assert bool(problem) == bool(told)
    assert ('set use_sim_time' in problem) == (abs(end_to_end) > 100)


def test_without_results_nothing_is_too_old():
    assert LatencyWindow(10.0).problem(0.5) == ''


def node(name: str) -> Any:
    return SimpleNamespace(
        get_fully_qualified_name=lambda: name, get_name=lambda: name.rpartition('/')[2]
    )


@pytest.fixture
def diagnostics() -> DiagnosticArray:
    components = [
        ComponentStatus('latency', '', '', 'in time', {'ground p50 (ms)': '12'}),
        ComponentStatus('gpu', '', 'the GPU was lost', 'cuda computes', {}),
    ]
    statuses = [one.status(node(name)) for name in ('/left/grounding', '/grounding')
                for one in components]  # fmt: skip
    statuses[0].values[0].value = '99'
    return DiagnosticArray(status=statuses)


def test_the_status_of_one_node_among_several(diagnostics: DiagnosticArray) -> None:
    status = status_of(diagnostics, '/grounding', 'latency')

    assert [(one.key, one.value) for one in status.values] == [('ground p50 (ms)', '12')]


def test_a_warning_is_told_instead_of_the_usual_message(diagnostics: DiagnosticArray) -> None:
    status = status_of(diagnostics, '/grounding', 'gpu')

    assert (status.level, status.message) == (DiagnosticStatus.WARN, 'the GPU was lost')


def test_what_is_not_told(diagnostics: DiagnosticArray) -> None:
    assert status_of(diagnostics, '/grounding', 'depth') is None
    assert status_of(diagnostics, '/right/grounding', 'gpu') is None


@pytest.mark.parametrize(
    ('publishers', 'message', 'warning'),
    [(0, 'not used: depth is 8UC1', ''), (1, 'arriving', 'depth is 8UC1')],
)
def test_a_topic_that_nobody_needs_is_warned_of_only_if_it_is_published(
    publishers: int, message: str, warning: str
) -> None:
    watch: Any = SimpleNamespace(
        problem=lambda: 'depth is 8UC1', publishers=publishers, values=dict, loss=str
    )
    status = topic_status('depth', watch, needed=False, deaf='')
    assert (status.message, status.warning) == (message, warning)

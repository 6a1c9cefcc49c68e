# SPDX-License-Identifier: Apache-2.0
"""The Foxglove layout shows only what the node publishes and receives."""

import json
import re
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from afformer_core.messages.rosbags_messages import affordance_typestore
from afformer_ros.grounding.grounding_diagnostics import LatencyWindow, StageTimes

TOPICS = {
    '/image',
    '/camera_info',
    '/overlay',
    '/mask',
    '/affordance',
    '/affordance_cloud',
    '/grasp_candidates',
    '/markers',
    '/demonstration_status',
    '/diagnostics',
    # Of the robot's driver.
    '/robot_description',
}


@pytest.fixture(scope='module')
def layout(root: Path) -> dict[str, Any]:
    return json.loads((root / 'foxglove' / 'ground.json').read_text())


@pytest.fixture(scope='module')
def panels(layout) -> dict[str, Any]:
    return layout['configById']


def _strings(value):
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        return [text for item in value.items() for part in item for text in _strings(part)]
    if isinstance(value, list):
        return [text for item in value for text in _strings(item)]
    return []


def _series(panels):
    plots = [panel for name, panel in panels.items() if name.startswith('Plot!')]
    return [path['value'] for plot in plots for path in plot['paths']]


def test_it_names_the_topics_of_the_node_only(panels):
    named = {re.match(r'/\w+', text).group() for text in _strings(panels) if text.startswith('/')}
    assert named == TOPICS


def test_plots_of_the_affordance_are_of_fields_that_it_has(panels):
    fields_of = affordance_typestore().fielddefs['afformer_ros/msg/Affordance'][1]
    plotted = {text.split('.')[1] for text in _series(panels) if text.startswith('/affordance.')}
    assert plotted == {
        'presence',
        'presence_threshold',
        'confidence',
        'feature_similarity',
        'continuity',
        'age',
    }
    assert plotted <= {name for name, _ in fields_of}


def test_plots_of_the_latency_are_of_diagnostics_that_exist(panels):
    window = LatencyWindow(10.0)
    window.add(StageTimes(**{field.name: 0.0 for field in fields(StageTimes)}))
    keys = {
        match.group(1)
        for text in _series(panels)
        if (match := re.fullmatch(r'/diagnostics\..*\{key=="(.*)"\}\.value', text))
    }
    assert keys == {'end to end p50 (ms)', 'end to end p95 (ms)', 'ground p50 (ms)'}
    assert keys <= set(window.values())

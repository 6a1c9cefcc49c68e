# SPDX-License-Identifier: Apache-2.0
"""The Foxglove layout shows only what the node publishes and receives."""

import json
import re
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from afformer_core.messages.rosbags_messages import affordance_typestore
from afformer_core.outputs.outputs import OUTPUT_TYPES
from afformer_ros.grounding.grounding_diagnostics import LatencyWindow, StageTimes

# The last one is of the robot's driver.
OTHERS = {'image', 'camera_info', 'demonstration_status', 'diagnostics', 'robot_description'}


@pytest.fixture(scope='module')
def panels(root: Path) -> dict[str, Any]:
    return json.loads((root / 'foxglove' / 'ground.json').read_text())['configById']


def _strings(value):
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        return [text for item in value.items() for part in item for text in _strings(part)]
    if isinstance(value, list):
        return [text for item in value for text in _strings(item)]
    return []


def _plotted(panels, pattern):
    """What a pattern finds in the series of all plots."""
    plots = [panel for name, panel in panels.items() if name.startswith('Plot!')]
    series = (path['value'] for plot in plots for path in plot['paths'])
    return {match.group(1) for text in series if (match := re.fullmatch(pattern, text))}


def test_it_names_the_topics_of_the_node_only(panels):
    texts = (text for text in _strings(panels) if text.startswith('/'))
    named = {re.match(r'/(\w+)', text).group(1) for text in texts}
    assert OTHERS <= named <= OTHERS | OUTPUT_TYPES.keys()


def test_plots_are_of_fields_and_diagnostics_that_exist(panels):
    fields_of = affordance_typestore().fielddefs['afformer_ros/msg/Affordance'][1]
    plotted = _plotted(panels, r'/affordance\.(\w+).*')
    assert len(plotted) == 6
    assert plotted <= {name for name, _ in fields_of}

    window = LatencyWindow(10.0)
    window.add(StageTimes(**{field.name: 0.0 for field in fields(StageTimes)}))
    keys = _plotted(panels, r'/diagnostics\..*\{key=="(.*)"\}\.value')
    assert len(keys) == 3
    assert keys <= set(window.values())

# SPDX-License-Identifier: Apache-2.0
"""The RViz configuration shows only what the node publishes and receives."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from afformer_core.outputs.outputs import OUTPUT_TYPES

TYPES = {**OUTPUT_TYPES, 'image': 'sensor_msgs/msg/Image'}


@pytest.fixture(scope='module')
def displays(root: Path) -> list[dict[str, Any]]:
    """All that show what the node receives and publishes."""
    content = yaml.safe_load((root / 'rviz' / 'ground.rviz').read_text())
    listed = content['Visualization Manager']['Displays']
    return [one for one in listed if not one['Class'].endswith('/RobotModel')]


def test_every_display_takes_what_its_topic_sends_from_any_publisher(displays):
    assert len(displays) == 7
    for display in displays:
        topic = display['Topic']
        # A display is named after the message type that it takes.
        kind = TYPES[topic['Value'].removeprefix('/')].rpartition('/')[2]
        assert display['Class'] == f'rviz_default_plugins/{kind}'
        received = topic['Reliability Policy'], topic['Durability Policy']
        assert received == ('Best Effort', 'Volatile')

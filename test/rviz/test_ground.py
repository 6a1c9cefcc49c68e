# SPDX-License-Identifier: Apache-2.0
"""The RViz configuration shows only what the node publishes and receives."""

from pathlib import Path
from typing import Any

import pytest
import yaml

# Message type that each kind of display takes, and each topic has.
DISPLAYS = {
    'rviz_default_plugins/Image': 'Image',
    'rviz_default_plugins/PointCloud2': 'PointCloud2',
    'rviz_default_plugins/PoseArray': 'PoseArray',
    'rviz_default_plugins/MarkerArray': 'MarkerArray',
}
TOPICS = {
    '/image': 'Image',
    '/heatmap': 'Image',
    '/mask': 'Image',
    '/overlay': 'Image',
    '/affordance_cloud': 'PointCloud2',
    '/grasp_candidates': 'PoseArray',
    '/markers': 'MarkerArray',
}


@pytest.fixture(scope='module')
def manager(root: Path) -> dict[str, Any]:
    content = yaml.safe_load((root / 'rviz' / 'ground.rviz').read_text())
    return content['Visualization Manager']


@pytest.fixture(scope='module')
def displays(manager: dict[str, Any]) -> list[dict[str, Any]]:
    """All that show what the node receives and publishes."""
    return [one for one in manager['Displays'] if not one['Class'].endswith('/RobotModel')]


def test_every_display_takes_what_its_topic_sends(displays):
    shown = {display['Topic']['Value'] for display in displays}
    assert shown == set(TOPICS)
    for display in displays:
        assert DISPLAYS[display['Class']] == TOPICS[display['Topic']['Value']]


def test_every_display_receives_from_any_publisher(displays):
    for display in displays:
        topic = display['Topic']
        assert (topic['Reliability Policy'], topic['Durability Policy']) == (
            'Best Effort',
            'Volatile',
        )

# SPDX-License-Identifier: Apache-2.0
"""The same bag through the running node and through the replay gives the same peaks.

The node leaves images out when it must. Where the model wavers between two points, which of them
the smoothed heatmap prefers then depends on the images that were taken; so the bag is played at a
pace at which all are.
"""

import csv
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from afformer_core.cli.main import main

SECONDS = 3
RATE = 0.3
SEED = 29


@pytest.fixture
def bag(tmp_path):
    """A simulated RGB-D bag of 320 x 240: demonstration, image, depth and camera_info."""
    folder = tmp_path / 'recording'
    arguments = ['--rgbd-bag', '--seed', str(SEED), '--seconds', str(SECONDS), '--size', '320x240']
    assert main(['simulate', str(folder), *arguments]) == 0
    return folder / 'bag'


def _play(bag, rate, *topics):
    player = Path(__file__).with_name('bag_player.py')
    command = [sys.executable, str(player), str(bag), str(rate), *topics]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


def _live(nodes, bag, model):
    """Best point by stamp, as the node publishes it."""
    nodes.grounding(
        model=model,
        backend='auto',
        demonstration_qos='DEFAULT',
        demonstration_qos_depth=100,
        recording_queue=1000,
        minimum_presence=-1.0,
        minimum_confidence=0.2,
        minimum_feature_similarity=0.7,
        minimum_continuity=0.75,
        trim_demonstrations=True,
    )
    client = nodes.client()
    client.bring_up()
    assert client.start('recorded').success
    player = _play(bag, 1, '/demonstration=/test/demonstration')
    client.wait(lambda: player.poll() is not None, 'the end of the demonstration')
    answer = client.finish()
    assert answer.success, answer.message
    topics = ('image', 'depth', 'camera_info')
    player = _play(bag, RATE, *(f'/camera/{topic}=/test/{topic}' for topic in topics))
    client.wait(lambda: player.poll() is not None, 'the end of the bag')
    client.spin(0.5)
    return {
        one.header.stamp.sec * 10**9 + one.header.stamp.nanosec: one.points[0]
        for one in client.affordances
        if one.found and one.age == 0
    }


def _offline(bag, folder, model):
    """Best point by stamp, as the replay writes it."""
    assert main(['replay', str(bag), '--model', str(model), '--output', str(folder)]) == 0
    with open(folder / 'groundings.csv', newline='') as file:
        return {int(row['stamp']): row for row in csv.DictReader(file) if row['state'] == 'found'}


@pytest.mark.slow
def test_live_equals_offline(nodes, bag, tmp_path, shipped_model):
    offline = _offline(bag, tmp_path / 'replayed', shipped_model)
    live = _live(nodes, bag, shipped_model)
    both = sorted(live.keys() & offline.keys())
    assert len(both) > 10 * SECONDS
    assert len(both) > 0.95 * max(len(live), len(offline))
    distances = [
        np.hypot(live[one].u - float(offline[one]['u']), live[one].v - float(offline[one]['v']))
        for one in both
    ]
    print(f'{len(both)} images, peaks at most {max(distances):.3f} pixels apart')
    assert max(distances) < 1
    located = [
        abs(live[one].position.z - float(offline[one]['z']))
        for one in both
        if live[one].position_valid and offline[one]['z']
    ]
    assert len(located) > len(both) / 3
    assert max(located) < 0.005

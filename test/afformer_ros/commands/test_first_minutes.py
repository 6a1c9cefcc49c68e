# SPDX-License-Identifier: Apache-2.0
"""The first five minutes of README without `ros2`: start the node, record, ground."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any


def _call(*words: str) -> tuple[int, str]:
    command = [
        sys.executable,
        '-m',
        'afformer_ros',
        'call',
        *words,
        '--node',
        '/minutes/grounding',
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    return done.returncode, done.stdout + done.stderr


def test_a_demonstration_is_recorded_by_commands_and_grounded(
    nodes: Any, exported_model: Path, tmp_path: Path
) -> None:
    node = nodes.process(
        'afformer_ros',
        [
            'ground',
            'namespace:=minutes',
            'image_topic:=image',
            f'model:={exported_model}',
            f'store_folder:={tmp_path / "store"}',
            'threads:=1',
            'minimum_presence:=0.0',
            'trim_demonstrations:=false',
            'lazy:=false',
        ],
    )
    client = nodes.client('/minutes')
    client.connect()
    status, text = _call('start_demonstration', '{name: espresso}')
    assert (status, 'success: True' in text) == (0, True), text
    client.send_frames(3)
    status, text = _call('finish_demonstration')
    assert (status, 'name: espresso' in text, 'frames: 3' in text) == (0, True, True), text
    assert client.ground(client.image_message(7)).demonstration == 'espresso'
    status, text = _call('delete_demonstration', '{name: latte}')
    assert (status, "no demonstration 'latte'" in text) == (1, True), text
    assert node.stop() == 0


def test_a_node_that_cannot_be_configured_ends_with_the_reason(nodes: Any, tmp_path: Path) -> None:
    node = nodes.process('afformer_ros', ['ground', f'model:={tmp_path / "nowhere"}'])
    assert node.popen.wait(40) == 1
    assert 'the node cannot be configured: ' in node.output
    assert 'the node could not be configured; its message above says why' in node.output

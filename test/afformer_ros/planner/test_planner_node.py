# SPDX-License-Identifier: Apache-2.0
"""The planner beside a grounding node and a bag, and without what it needs."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import rclpy
from afformer_ros.action import OperateElement
from rclpy.action import ActionClient

from afformer_core.cli.main import main

PLANNER = 'afformer_ros.executables.planner'
PLAYER = Path(__file__).parents[1] / 'bag_player.py'


@pytest.fixture
def bag(tmp_path):
    """A simulated RGB-D bag of 320 x 240: a demonstration, then two seconds of a camera."""
    folder = tmp_path / 'recording'
    arguments = ['--rgbd-bag', '--seed', '29', '--seconds', '2', '--size', '320x240']
    assert main(['simulate', str(folder), *arguments]) == 0
    return folder / 'bag'


def start_planner(*parameters: str) -> subprocess.Popen[str]:
    command = [sys.executable, '-m', PLANNER, '--ros-args', '-r', '__ns:=/test']
    for one in parameters:
        command += ['-p', one]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


@pytest.mark.slow
def test_a_dry_run_on_a_bag_says_what_the_arm_would_do(nodes, bag):
    nodes.grounding(demonstration_folders=f'[{bag.parent}]', minimum_candidate_score=0.0)
    client = nodes.client()
    client.bring_up()
    planner = start_planner(
        'dry_run:=true',
        f'video:="{bag}#/demonstration"',
        'base_frame:=camera_optical_frame',
        'agreeing_images:=1',
        # The model is not calibrated.
        'presence_margin:=0.0',
        'minimum_score:=0.0',
    )
    client.wait(lambda: client.list().selected == 'bag', 'the demonstration')
    topics = (f'/camera/{topic}=/test/{topic}' for topic in ('image', 'depth', 'camera_info'))
    with subprocess.Popen([sys.executable, str(PLAYER), str(bag), '0.5', *topics]):
        said, complaints = planner.communicate(timeout=60)
    assert planner.returncode == 0, complaints
    number = r'-?\d+\.\d{3}'
    assert re.fullmatch(
        rf'would (hold|touch|rotate|push|pull|pick up|put down) '
        rf'at \({number}, {number}, {number}\) m in camera_optical_frame\n',
        said,
    )


def test_what_the_grounding_node_says_is_the_reason(nodes):
    nodes.grounding()
    nodes.client().bring_up()
    planner = start_planner('dry_run:=true', 'demonstrations:=nothing')
    _, complaints = planner.communicate(timeout=60)
    assert planner.returncode == 1
    assert "afformer: error: there is no demonstration 'nothing'" in complaints


def test_a_planner_that_serves_runs_until_it_is_interrupted():
    context = rclpy.Context()
    rclpy.init(context=context)
    node = rclpy.create_node('user', namespace='/test', context=context)
    client = ActionClient(node, OperateElement, 'planner/operate_element')
    planner = start_planner('serve:=true')
    try:
        assert client.wait_for_server(timeout_sec=60)
        assert planner.poll() is None
    finally:
        planner.send_signal(signal.SIGINT)
        said, complaints = planner.communicate(timeout=60)
        client.destroy()
        node.destroy_node()
        rclpy.shutdown(context=context)
    assert planner.returncode == 0, complaints
    assert said == ''


@pytest.mark.parametrize(
    ('parameters', 'reason'),
    [
        (('serve:=true', 'demonstrations:=press'), 'Give the demonstrations in the goals'),
        (('demonstrations:=press', 'video:=pull.mp4'), 'expected one of them'),
    ],
)
def test_parameters_that_contradict_each_other_are_refused(parameters, reason):
    planner = start_planner(*parameters)
    _, complaints = planner.communicate(timeout=60)
    assert planner.returncode == 1
    assert reason in complaints

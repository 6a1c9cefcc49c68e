# SPDX-License-Identifier: Apache-2.0
"""The planner beside a grounding node and a bag, and without what it needs."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest
import rclpy
from afformer_ros.action import OperateElement
from rclpy.action import ActionClient

from test.waiting import PATIENCE

PLANNER = 'afformer_ros.executables.planner'


def start_planner(*parameters: str) -> subprocess.Popen[str]:
    command = [sys.executable, '-m', PLANNER, '--ros-args', '-r', '__ns:=/test']
    for one in parameters:
        command += ['-p', one]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_what_the_grounding_node_says_is_the_reason(nodes):
    nodes.grounding()
    nodes.client().bring_up()
    planner = start_planner('dry_run:=true', 'demonstrations:=nothing')
    _, complaints = planner.communicate(timeout=PATIENCE)
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
        said, complaints = planner.communicate(timeout=PATIENCE)
        client.destroy()
        node.destroy_node()
        rclpy.shutdown(context=context)
    assert planner.returncode == 0, complaints
    assert said == ''


@pytest.mark.parametrize(
    ('parameters', 'reason'),
    [
        (('serve:=true', 'demonstrations:=press'), 'Give the demonstrations in the goals'),
        (('serve:=true', 'arm_model:=no.xml'), 'no.xml'),
        (('demonstrations:=press', 'video:=pull.mp4'), 'expected one of them'),
    ],
)
def test_parameters_that_contradict_each_other_are_refused(parameters, reason):
    planner = start_planner(*parameters)
    _, complaints = planner.communicate(timeout=PATIENCE)
    assert planner.returncode == 1
    assert reason in complaints

# SPDX-License-Identifier: Apache-2.0
"""Arguments of the executables, and the end of their nodes."""

import subprocess
import sys

import pytest

from afformer_ros.executables import grounding, player, sim_robot
from test.waiting import PATIENCE

MAINS = {'grounding': grounding.main, 'player': player.main, 'sim_robot': sim_robot.main}


@pytest.mark.parametrize('name', MAINS)
def test_help_is_printed_and_no_node_is_started(name, capsys):
    with pytest.raises(SystemExit) as ended:
        MAINS[name](['--help'])
    assert ended.value.code == 0
    text = capsys.readouterr().out
    assert text.startswith(f'usage: ros2 run afformer_ros {name} [-h] [--ros-args ...]\n')
    assert f'example: ros2 run afformer_ros {name} --ros-args -' in text


@pytest.mark.parametrize('name', MAINS)
def test_an_argument_that_is_not_of_ros_is_refused(name, capsys):
    with pytest.raises(SystemExit) as ended:
        MAINS[name](['--modle', 'mine', '--ros-args', '-p', 'path:=here'])
    assert ended.value.code == 2
    assert 'unrecognized arguments: --modle mine\n' in capsys.readouterr().err


CLOSING = """
import sys, time
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from afformer_ros.process import run_node

class Ticking(Node):
    def __init__(self, finished):
        super().__init__('ticking')
        self.ticks = 0
        self.finished = finished
        self.create_timer(0.02, self.tick)

    def tick(self):
        self.ticks += 1
        self.finished.set()

    def close(self):
        before, end = self.ticks, time.monotonic() + 20
        while self.ticks < before + 3 and time.monotonic() < end:
            time.sleep(0.01)
        print(self.ticks >= before + 3)
        return True

sys.exit(run_node([], Ticking, SingleThreadedExecutor))
"""


def test_callbacks_run_while_a_node_closes() -> None:
    command = [sys.executable, '-c', CLOSING]
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE)
    assert (done.returncode, done.stdout) == (0, 'True\n'), done.stderr

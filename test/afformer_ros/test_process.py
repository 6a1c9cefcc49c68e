# SPDX-License-Identifier: Apache-2.0
"""Answers of the executables to --help and to arguments that they do not know."""

import pytest

from afformer_ros.executables import grounding, player, sim_robot

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

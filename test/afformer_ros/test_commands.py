# SPDX-License-Identifier: Apache-2.0
"""Commands: arguments of the launch file, requests in YAML, and the first minutes of README."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from afformer_ros.srv import GetDemonstrationFrame, ListDemonstrations, MarkContact

from afformer_ros.commands import (
    ArgumentError,
    executable_arguments,
    filled_request,
    main,
    message_lines,
)
from test.waiting import PATIENCE


@pytest.mark.parametrize(
    ('word', 'expected'),
    [
        ('image_topic:=/camera/image_raw', ['-r', 'image:=/camera/image_raw']),
        ('namespace:=left', ['-r', '__ns:=/left']),
        ('namespace:=/left', ['-r', '__ns:=/left']),
        ('params_file:=my.yaml', ['--params-file', 'my.yaml']),
        ('log_level:=debug', ['--log-level', 'debug']),
        ('use_sim_time:=true', ['-p', 'use_sim_time:=true']),
        ('lazy:=False', ['-p', 'lazy:=false']),
        ('threads:=3', ['-p', 'threads:=3']),
        ('minimum_presence:=1', ['-p', 'minimum_presence:=1.0']),
        ('image_qos:=DEFAULT', ['-p', 'image_qos:="DEFAULT"']),
        # A name that YAML would read as a number.
        ('selected_demonstration:=017', ['-p', 'selected_demonstration:="017"']),
        ('selected_demonstration:=a:=b', ['-p', 'selected_demonstration:="a:=b"']),
        (
            'demonstration_folders:=/data:/my media',
            ['-p', 'demonstration_folders:=["/data", "/my media"]'],
        ),
    ],
)
def test_an_argument_is_translated(word: str, expected: list[str]) -> None:
    assert executable_arguments([word]) == ['--ros-args', *expected]


@pytest.mark.parametrize(
    ('word', 'complaint'),
    [
        ('image_topic', "an argument is 'image_topic'; expected NAME:=VALUE"),
        ('rviz:=true', "an argument is 'rviz'; expected image_topic, "),
        ('threads:=two', "threads is 'two'; expected a whole number"),
        ('lazy:=1', "lazy is '1'; expected true or false"),
        ('minimum_presence:=high', "minimum_presence is 'high'; expected a number"),
    ],
)
def test_another_argument_is_refused(word: str, complaint: str) -> None:
    with pytest.raises(ArgumentError, match=complaint):
        executable_arguments([word])


def test_every_argument_of_the_launch_file_is_known_except_those_of_launch(
    launch_arguments,
) -> None:
    of_launch = {'autostart', 'respawn', 'rviz', 'rviz_config', 'rviz_frame'}
    values = {'threads': '2', 'maximum_stages': '2', 'minimum_presence': '0.3'}
    for name, choices in launch_arguments('ground.launch.py').items():
        if name not in of_launch:
            value = values.get(name, choices[-1] if choices else 'text')
            assert executable_arguments([f'{name}:={value}'])[1:]


def test_a_request_is_filled_in_the_types_of_its_fields() -> None:
    request = filled_request(MarkContact, '{name: espresso, x: 292, y: 48.5}')
    assert request == MarkContact.Request(name='espresso', x=292.0, y=48.5)
    assert filled_request(ListDemonstrations, '{}') == ListDemonstrations.Request()


@pytest.mark.parametrize(
    ('text', 'complaint'),
    [
        ('espresso', "the request is 'espresso'; expected fields"),
        ('{name: [', 'is not valid YAML'),
        ('{title: espresso}', "has the field 'title'; expected name, x, y, candidate, remove"),
        ('{name: 3}', 'name is 3; expected a value of type string'),
        ('{x: left}', "x is 'left'; expected a value of type double"),
        ('{remove: 1}', 'remove is 1; expected a value of type boolean'),
    ],
)
def test_a_wrong_request(text: str, complaint: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(['call', 'mark_contact', text]) == 1
    assert re.fullmatch(f'afformer: error: .*{complaint}.*\n', capsys.readouterr().err)


def test_an_answer_is_printed_without_its_image() -> None:
    answer = GetDemonstrationFrame.Response(success=True, name='espresso', x=292.5)
    answer.frame.format = 'jpeg'
    answer.frame.data = bytes(4711)
    lines = list(message_lines(answer))
    assert {'success: True', 'name: espresso', 'x: 292.5'} <= set(lines)
    begin = lines.index('frame:')
    assert '  format: jpeg' in lines[begin:]
    assert '  data: 4711 elements' in lines[begin:]
    names = ListDemonstrations.Response(names=['a', 'b'])
    assert list(message_lines(names)) == ['names: [a, b]', 'selected: ']


def test_without_the_node_it_says_what_to_do(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr('afformer_ros.commands._PATIENCE', 0.1)
    assert main(['call', 'list_demonstrations', '--node', '/nowhere']) == 1
    told = capsys.readouterr().err
    assert 'there is no grounding node /nowhere that offers its actions: 0.1 s have passed' in told
    assert 'Start and configure it. Is --node /nowhere its name?' in told


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
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE)
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
    assert node.wait() == 1
    assert 'the node cannot be configured: ' in node.output
    assert 'the node could not be configured; its message above says why' in node.output

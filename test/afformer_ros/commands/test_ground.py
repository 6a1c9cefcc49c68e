# SPDX-License-Identifier: Apache-2.0
"""Arguments of the launch file reach the executable with their types."""

from __future__ import annotations

import pytest

from afformer_ros.commands.ground import ArgumentError, executable_arguments


@pytest.mark.parametrize(
    ('word', 'expected'),
    [
        ('image_topic:=/camera/image_raw', ['-r', 'image:=/camera/image_raw']),
        ('demonstration_topic:=hands', ['-r', 'demonstration:=hands']),
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
        ('overlay_topic:=o', "an argument is 'overlay_topic'"),
        ('threads:=two', "threads is 'two'; expected a whole number"),
        ('threads:=1.5', "threads is '1.5'; expected a whole number"),
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

# SPDX-License-Identifier: Apache-2.0
"""Launch arguments are described in sentences, and those that pages give are declared."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from afformer_ros.launch_arguments import launch_arguments as launch_arguments_of

FILES = ('ground', 'operate', 'robot_demo')
LaunchArguments = Callable[[str], Mapping[str, list[str] | None]]


def test_every_argument_in_a_sentence_is_declared_for_the_node(
    root: Path, launch_arguments: LaunchArguments
) -> None:
    pages = [root / 'README.md', *(root / 'docs').rglob('*.md')]
    given = [one for page in pages for one in re.findall(r'`(\w+):=([\w-]+)`', page.read_text())]
    assert ('rviz', 'true') in given
    arguments = {name: kinds for file in FILES for name, kinds in launch_arguments(file).items()}
    for name, value in given:
        choices = arguments[name]
        assert choices is None or value in choices


@pytest.mark.parametrize('file', FILES)
def test_every_argument_is_described_in_sentences(root: Path, file: str) -> None:
    assert (root / 'launch' / f'{file}.launch.py').is_file()
    arguments = launch_arguments_of(file)
    assert len(arguments) >= 10
    for name, argument in arguments.items():
        assert re.fullmatch(r'[A-Z].{15,}\.', argument.description), name
        assert not argument.choices or argument.default in argument.choices, name

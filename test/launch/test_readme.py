# SPDX-License-Identifier: Apache-2.0
"""`ros2 launch` takes an argument that no file declares without a word: README names none."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from afformer_core.runtime.backends import BACKENDS, PRECISIONS

COMMAND = re.compile(r'^ros2 launch afformer_ros (\w+)\.launch\.py((?:.*\\\n)*.*)$', re.MULTILINE)
ARGUMENT = re.compile(r'(\w+):=(\S*)')


def declared(root: Path, name: str) -> dict[str, list[str] | None]:
    """Arguments of a launch file by name, with their choices; of those with a literal name."""
    tree = ast.parse((root / 'launch' / f'{name}.launch.py').read_text())
    calls = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and ast.unparse(node.func) == 'DeclareLaunchArgument'
    ]
    return {
        call.args[0].value: next(
            (ast.literal_eval(one.value) for one in call.keywords if one.arg == 'choices'), None
        )
        for call in calls
        if isinstance(call.args[0], ast.Constant)
    }


def test_every_argument_in_a_command_is_declared(root: Path) -> None:
    commands = COMMAND.findall((root / 'README.md').read_text())
    given = [(file, *pair) for file, text in commands for pair in ARGUMENT.findall(text)]
    assert ('ground', 'precision', 'int8') in given
    assert ('replay', 'record', 'kitchen_grounded') in given
    for file, name, value in given:
        arguments = declared(root, file)
        assert name in arguments, f'{file}.launch.py declares no {name}'
        choices = arguments[name]
        assert choices is None or value in choices, f'{file}.launch.py refuses {name}:={value}'


def test_every_argument_in_a_sentence_is_declared_for_the_node(root: Path) -> None:
    given = re.findall(r'`(\w+):=(\w+)`', (root / 'README.md').read_text())
    assert ('backend', 'cuda') in given
    arguments = declared(root, 'ground')
    for name, value in given:
        choices = arguments[name]
        assert choices is None or value in choices


@pytest.mark.parametrize(('name', 'choices'), [('backend', BACKENDS), ('precision', PRECISIONS)])
def test_what_the_node_takes_is_a_choice(root: Path, name: str, choices: tuple[str, ...]) -> None:
    assert declared(root, 'ground')[name] == ['', *choices]

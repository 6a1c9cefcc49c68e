# SPDX-License-Identifier: Apache-2.0
"""What README says of launch arguments in a sentence is declared, and so are all choices."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from afformer_core.runtime.backends import BACKENDS, PRECISIONS

LaunchArguments = Callable[[str], Mapping[str, list[str] | None]]


def test_every_argument_in_a_sentence_is_declared_for_the_node(
    root: Path, launch_arguments: LaunchArguments
) -> None:
    given = re.findall(r'`(\w+):=(\w+)`', (root / 'README.md').read_text())
    assert ('backend', 'cuda') in given
    arguments = launch_arguments('ground.launch.py')
    for name, value in given:
        choices = arguments[name]
        assert choices is None or value in choices


@pytest.mark.parametrize(('name', 'choices'), [('backend', BACKENDS), ('precision', PRECISIONS)])
def test_what_the_node_takes_is_a_choice(
    launch_arguments: LaunchArguments, name: str, choices: tuple[str, ...]
) -> None:
    assert launch_arguments('ground.launch.py')[name] == ['', *choices]

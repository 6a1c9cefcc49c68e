# SPDX-License-Identifier: Apache-2.0
"""Launch arguments in sentences of the documentation are declared, and so are all choices."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from afformer_core.runtime.backends import BACKENDS, PRECISIONS
from afformer_ros.grounding.parameters import GroundingParameters
from afformer_ros.parameter_fields import defaults_of

LaunchArguments = Callable[[str], Mapping[str, list[str] | None]]


def test_the_file_that_is_loaded_lies_below_a_folder_that_may_be_read(root: Path) -> None:
    text = (root / 'docs' / 'robot' / 'record.md').read_text()
    (folder,) = re.findall(r'^ros2 launch .*demonstration_folders:=(\S+)', text, re.MULTILINE)
    (path,) = re.findall(r'LoadDemonstration.*\n +"\{path: (\S+),', text)
    assert Path(folder) in Path(path).parents


@pytest.mark.parametrize('table', ['OVERRULING', 'LISTS'])
def test_what_overrules_the_parameter_file_is_an_argument_and_a_parameter(
    root: Path, launch_arguments: LaunchArguments, table: str
) -> None:
    tree = ast.parse((root / 'launch' / 'ground.launch.py').read_text())
    (value,) = (
        one.value
        for one in tree.body
        if isinstance(one, ast.Assign) and ast.unparse(one.targets[0]) == table
    )
    names = [ast.literal_eval(one) for one in getattr(value, 'keys', None) or value.elts]
    assert set(names) <= launch_arguments('ground.launch.py').keys()
    defaults = defaults_of(GroundingParameters)
    assert set(names) <= defaults.keys()
    if table == 'OVERRULING':
        kinds = [ast.unparse(one) for one in value.values]
        assert kinds == [type(defaults[name]).__name__ for name in names]


def test_every_argument_in_a_sentence_is_declared_for_the_node(
    root: Path, launch_arguments: LaunchArguments
) -> None:
    pages = [root / 'README.md', *(root / 'docs').rglob('*.md')]
    given = [one for page in pages for one in re.findall(r'`(\w+):=([\w-]+)`', page.read_text())]
    assert ('backend', 'torch-cuda') in given
    files = ('robot_demo.launch.py', 'ground.launch.py')
    arguments = {name: kinds for file in files for name, kinds in launch_arguments(file).items()}
    for name, value in given:
        choices = arguments[name]
        assert choices is None or value in choices


@pytest.mark.parametrize(('name', 'choices'), [('backend', BACKENDS), ('precision', PRECISIONS)])
def test_what_the_node_takes_is_a_choice(
    launch_arguments: LaunchArguments, name: str, choices: tuple[str, ...]
) -> None:
    assert launch_arguments('ground.launch.py')[name] == ['', *choices]

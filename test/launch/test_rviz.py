# SPDX-License-Identifier: Apache-2.0
"""RViz shows the frame of the images unless another is asked for."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest


def _calls(root: Path, name: str, function: str) -> list[dict[str, str]]:
    """Arguments of every call of a function in a launch file, as they are written."""
    tree = ast.parse((root / 'launch' / f'{name}.launch.py').read_text())
    calls = [one for one in ast.walk(tree) if isinstance(one, ast.Call)]
    return [
        {
            **{str(number): ast.unparse(one) for number, one in enumerate(call.args)},
            **{one.arg: ast.unparse(one.value) for one in call.keywords if one.arg},
        }
        for call in calls
        if ast.unparse(call.func) == function
    ]


@pytest.mark.parametrize('name', ['ground', 'replay', 'two_cameras'])
def test_the_fixed_frame_is_that_of_the_images_by_default(root: Path, name: str) -> None:
    arguments = _calls(root, name, 'DeclareLaunchArgument')
    (frame,) = (one for one in arguments if one['0'] == "'rviz_frame'")
    assert frame['default_value'] == "'auto'"


def test_rviz_is_started_by_what_waits_for_that_frame(root: Path) -> None:
    (rviz,) = (one for one in _calls(root, 'ground', 'Node') if one['executable'] == "'rviz'")
    assert rviz['package'] == "'afformer_ros'"
    assert "'--fixed-frame', LaunchConfiguration('rviz_frame')" in rviz['arguments']
    assert "f'/{name}', LaunchConfiguration(f'{name}_topic')" in rviz['remappings']

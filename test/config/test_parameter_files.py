# SPDX-License-Identifier: Apache-2.0
"""Parameter files list what their nodes declare, with defaults, descriptions and ranges."""

from __future__ import annotations

from pathlib import Path
from textwrap import fill, indent
from typing import Any

import pytest
import yaml

from afformer_ros.grounding.parameters import GroundingParameters, QosParameters
from afformer_ros.parameter_fields import constraints_of, defaults_of
from afformer_ros.planner.parameters import PlannerParameters
from afformer_ros.sim_robot.parameters import SimRobotParameters

PLANNER = """\
# SPDX-License-Identifier: Apache-2.0
# Every parameter of the planner with its default. Copy this file, change the copy, and:
# ros2 launch afformer_ros operate.launch.py params_file:=/path/of/the/copy.yaml
"""
SIM_ROBOT = """\
# SPDX-License-Identifier: Apache-2.0
# Every parameter of the simulated arm with its default. Copy this file, change the copy, and:
# ros2 run afformer_ros sim_robot --ros-args --params-file /path/of/the/copy.yaml
"""


def parameter_file(opening: str, kind: type[Any]) -> str:
    """The text of a parameter file after its opening comment."""
    text = f'{opening}/**:\n  ros__parameters:\n'
    for name, default in defaults_of(kind).items():
        constraint = constraints_of(kind)[name]
        description = f'{constraint.description}.'
        if constraint.choices:
            description += f' One of {", ".join(constraint.choices)}.'
        if constraint.limits is not None:
            description += ' Range: {} to {}.'.format(*constraint.limits)
        comment = fill(description, 93, break_long_words=False, break_on_hyphens=False)
        style = None if isinstance(default, list) else False
        value = yaml.safe_dump({name: default}, default_flow_style=style)
        text += indent(comment, '    # ') + '\n' + indent(value, '    ') + '\n'
    return text.removesuffix('\n')


@pytest.mark.parametrize(
    ('name', 'opening', 'kind'),
    [
        ('planner.yaml', PLANNER, PlannerParameters),
        ('sim_robot.yaml', SIM_ROBOT, SimRobotParameters),
    ],
)
def test_a_parameter_file_is_what_the_node_declares(
    root: Path, name: str, opening: str, kind: type[Any]
) -> None:
    expected = parameter_file(opening, kind)
    written = (root / 'config' / name).read_text()
    assert written == expected, f'config/{name} differs; expected this text:\n\n{expected}'
    assert values_and_types(yaml.safe_load(written)) == values_and_types(defaults_of(kind))


def test_the_parameter_file_of_the_node_holds_every_parameter_with_its_default(root: Path) -> None:
    """Its comments are in groups, and written by hand."""
    listed = yaml.safe_load((root / 'config' / 'ground.yaml').read_text())
    declared = {**defaults_of(GroundingParameters), **defaults_of(QosParameters)}
    assert values_and_types(listed) == values_and_types(declared)


def values_and_types(given: dict[str, Any]) -> dict[str, tuple[Any, type[Any]]]:
    """Of parameters by name, or of the content of a file with them; 1 and 1.0 differ."""
    parameters = given['/**']['ros__parameters'] if '/**' in given else given
    return {name: (value, type(value)) for name, value in parameters.items()}

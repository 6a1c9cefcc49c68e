# SPDX-License-Identifier: Apache-2.0
"""The example for BehaviorTree.CPP: its tree and its code against each other and the action."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree

import pytest
from afformer_ros.action import OperateElement

# A port that BT::RosActionNode has of its own.
BASIC_PORTS = {'action_name': 'input'}


@pytest.fixture(scope='module')
def folder(root: Path) -> Path:
    return root / 'examples' / 'behaviour_tree_cpp'


@pytest.fixture(scope='module')
def code(folder: Path) -> str:
    return (folder / 'src' / 'operate_element.cpp').read_text()


@pytest.fixture(scope='module')
def tree(folder: Path) -> ElementTree.Element:
    return ElementTree.parse(folder / 'trees' / 'operate_element.xml').getroot()


def declared_ports(code: str) -> dict[str, str]:
    """Name of each port that the code declares, and its direction."""
    found = re.findall(r'BT::(In|Out)putPort<.*?>\(\s*"(\w+)"', code)
    return {name: f'{direction.lower()}put' for direction, name in found}


def test_the_tree_uses_the_node_and_the_ports_that_the_code_registers(
    code: str, tree: ElementTree.Element
) -> None:
    (registered,) = re.findall(r'CreateRosNodePlugin\(\w+, "(\w+)"\);', code)
    ports = declared_ports(code)
    assert len(ports) == 9
    nodes = list(tree.iterfind(f'.//BehaviorTree//{registered}'))
    assert len(nodes) == 2
    for node in nodes:
        assert node.attrib.keys() - {'name'} == ports.keys() | BASIC_PORTS.keys()
    (model,) = tree.iterfind(f'TreeNodesModel/Action[@ID="{registered}"]')
    modelled = {port.get('name'): port.tag.removesuffix('_port') for port in model}
    assert modelled == ports | BASIC_PORTS


def test_the_goal_has_each_input_and_the_result_each_output(code: str) -> None:
    fields = {
        'input': OperateElement.Goal.get_fields_and_field_types(),
        'output': OperateElement.Result.get_fields_and_field_types(),
    }
    for name, direction in declared_ports(code).items():
        assert name in fields[direction]
    # A tree has decorators for the time; the gripper is the same in every goal.
    given = set(fields['input']) - {'time_limit', 'gripper_range'}
    assert set(re.findall(r'getInput\("(\w+)", goal\.\1\)', code)) == given


def test_the_outcomes_of_the_example_exist(code: str, tree: ElementTree.Element) -> None:
    names = re.findall(r'OperateElement::Result::(\w+)', code)
    assert sorted(names) == ['NO_ANSWER']
    assert all(hasattr(OperateElement.Result, name) for name in names)
    (condition,) = tree.iterfind('.//ScriptCondition')
    assert condition.get('code') == f'outcome == {OperateElement.Result.UNSURE}'

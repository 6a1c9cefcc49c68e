# SPDX-License-Identifier: Apache-2.0
"""The contract for LeRobot and its decoder, against our messages."""

from __future__ import annotations

import importlib
import math
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml
from afformer_ros.msg import Affordance, AffordancePoint
from geometry_msgs.msg import Point, Vector3

from afformer_core.outputs.outputs import OUTPUT_TYPES


@pytest.fixture(scope='module')
def folder(root: Path) -> Iterator[Path]:
    """The folder of the example, from which modules are imported."""
    sys.path.insert(0, str(root / 'examples' / 'lerobot'))
    yield root / 'examples' / 'lerobot'
    sys.path.pop(0)


@pytest.fixture(scope='module')
def contract(folder: Path) -> dict[str, Any]:
    return yaml.safe_load((folder / 'contract.yaml').read_text())


@pytest.fixture(scope='module')
def source(contract: dict[str, Any]) -> dict[str, Any]:
    """The source of the state that is ours."""
    sources = contract['observations']['observation.state']
    (ours,) = [one for one in sources if one['channel']['type'].startswith('afformer_ros/')]
    return ours


def decoded(source: dict[str, Any], message: Affordance) -> list[float]:
    """What the decoder that the contract names makes of a message."""
    module, _, function = source['channel']['decoder'].partition(':')
    decode = getattr(importlib.import_module(module), function)
    return decode(message, SimpleNamespace(names=source['select'])).tolist()


def test_a_policy_observes_the_best_point(source: dict[str, Any]) -> None:
    best = AffordancePoint(
        position_valid=True,
        position=Point(x=0.52, y=-0.17, z=0.43),
        motion_valid=True,
        motion=Vector3(x=-0.6, y=0.0, z=0.8),
    )
    message = Affordance(found=True, age=0.25, presence=0.75, points=[best, AffordancePoint()])
    assert decoded(source, message) == [1, 0.25, 0.75, 1, 0.52, -0.17, 0.43, 1, -0.6, 0, 0.8]


def test_a_policy_never_observes_nan(source: dict[str, Any]) -> None:
    unknown = Point(x=math.nan, y=math.nan, z=math.nan)
    point = AffordancePoint(position=unknown, motion=Vector3(x=math.nan, y=0.0, z=math.inf))
    message = Affordance(found=True, presence=math.nan, points=[point])
    assert decoded(source, message) == [1] + [0] * 10
    assert decoded(source, Affordance(presence=0.125)) == [0, 0, 0.125] + [0] * 8


def test_the_contract_names_a_topic_and_its_type(source: dict[str, Any]) -> None:
    topic = source['channel']['topic'].lstrip('/')
    assert OUTPUT_TYPES[topic] == source['channel']['type']

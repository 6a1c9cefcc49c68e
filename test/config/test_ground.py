# SPDX-License-Identifier: Apache-2.0
"""The parameter file lists what the node declares, with the node's defaults."""

from __future__ import annotations

from pathlib import Path

import yaml

from afformer_ros.grounding.parameters import GroundingParameters, QosParameters
from afformer_ros.parameter_fields import defaults_of


def test_the_parameter_file_holds_every_parameter_with_its_default(root: Path) -> None:
    content = yaml.safe_load((root / 'config' / 'ground.yaml').read_text())
    listed = content['/**']['ros__parameters']
    declared = {**defaults_of(GroundingParameters), **defaults_of(QosParameters)}
    assert listed == declared
    assert {name: type(value) for name, value in listed.items()} == {
        name: type(value) for name, value in declared.items()
    }


def test_every_parameter_in_the_file_is_explained(root: Path) -> None:
    lines = (root / 'config' / 'ground.yaml').read_text().splitlines()
    start = lines.index('  ros__parameters:')
    for before, line in zip(lines[start:], lines[start + 1 :], strict=False):
        if line.strip() and not line.lstrip().startswith('#'):
            assert before.lstrip().startswith('#'), f'no comment above {line.strip()!r}'

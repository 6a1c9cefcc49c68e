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

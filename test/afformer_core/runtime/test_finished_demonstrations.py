# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import numpy as np
import pytest

from afformer_core.errors import DemonstrationError
from afformer_core.runtime.grounding import Demonstration, FinishedDemonstrations
from afformer_core.runtime.presence import DemonstrationFeatures
from afformer_core.runtime.session import Memory


def demonstration(name: str, value: float) -> Demonstration:
    memory = Memory((np.full((1, 2, 3), value),), (np.full((1, 3, 2), value),))
    features = np.zeros((1, 2, 1, 1), np.float32)
    return Demonstration(
        name, np.zeros((1, 8, 8, 3), np.uint8), 1, memory, DemonstrationFeatures(features)
    )


@pytest.fixture
def finished() -> FinishedDemonstrations:
    found = FinishedDemonstrations()
    found.add(demonstration('button', 1))
    found.add(demonstration('knob', 2))
    return found


def test_one_of_a_known_name_becomes_the_newest(finished: FinishedDemonstrations) -> None:
    finished.add(demonstration('button', 3))

    assert finished.names == ('knob', 'button')
    assert finished['button'].memory.keys[0][0, 0, 0] == 3


def test_removed(finished: FinishedDemonstrations) -> None:
    finished.remove('button')

    assert finished.names == ('knob',)
    with pytest.raises(DemonstrationError, match="no demonstration 'button'; there are: knob"):
        finished['button']

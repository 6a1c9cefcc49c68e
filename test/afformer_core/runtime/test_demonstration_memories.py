# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import numpy as np
import pytest

from afformer_core.errors import DemonstrationError
from afformer_core.runtime.appearance import Appearance
from afformer_core.runtime.demonstration_memories import DemonstrationMemories
from afformer_core.runtime.grounding import Demonstration
from afformer_core.runtime.session import Memory


def demonstration(name: str, value: float) -> Demonstration:
    memory = Memory((np.full((1, 2, 3), value),), (np.full((1, 3, 2), value),))
    features = np.zeros((1, 2, 1, 1), np.float32)
    return Demonstration(name, np.zeros((1, 8, 8, 3), np.uint8), 1, memory, Appearance(features))


@pytest.fixture
def memories() -> DemonstrationMemories:
    found = DemonstrationMemories()
    found.add(demonstration('button', 1))
    found.add(demonstration('knob', 2))
    return found


def test_one_of_a_known_name_becomes_the_newest(memories: DemonstrationMemories) -> None:
    memories.add(demonstration('button', 3))

    assert memories.names == ('knob', 'button')
    assert memories.memory(('button',)).keys[0][0, 0, 0] == 3


def test_joined_in_the_order_that_is_asked_for(memories: DemonstrationMemories) -> None:
    joined = memories.memory(('knob', 'button'))

    assert joined.keys[0][0, 0].tolist() == [2, 2, 2, 1, 1, 1]
    assert joined.values[0].shape == (1, 6, 2)


def test_joined_once(memories: DemonstrationMemories) -> None:
    first = memories.memory(('knob', 'button'))

    assert memories.memory(('knob', 'button')) is first


def test_joined_anew_after_one_was_replaced(memories: DemonstrationMemories) -> None:
    memories.memory(('knob', 'button'))
    memories.add(demonstration('button', 3))

    assert memories.memory(('knob', 'button')).keys[0][0, 0].tolist() == [2, 2, 2, 3, 3, 3]


def test_removed(memories: DemonstrationMemories) -> None:
    memories.remove('button')

    assert memories.names == ('knob',)
    with pytest.raises(DemonstrationError, match="no demonstration 'button'; there are: knob"):
        memories.memory(('knob', 'button'))


def test_of_no_name(memories: DemonstrationMemories) -> None:
    with pytest.raises(DemonstrationError, match='name at least one'):
        memories.memory(())

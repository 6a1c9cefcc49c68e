# SPDX-License-Identifier: Apache-2.0
import pytest

from afformer_core.runtime.grounding import Sense, ShownRotation

CLOCKWISE = ShownRotation(Sense.CLOCKWISE, '')
COUNTERCLOCKWISE = ShownRotation(Sense.COUNTERCLOCKWISE, '')
UNCLEAR = ShownRotation.unknown('nothing turns')


def test_of_several_demonstrations_those_count_whose_sense_is_known():
    assert ShownRotation.together([UNCLEAR, CLOCKWISE, CLOCKWISE]) == CLOCKWISE
    assert ShownRotation.together([UNCLEAR]) == UNCLEAR


def test_demonstrations_of_different_senses_have_none():
    together = ShownRotation.together([CLOCKWISE, COUNTERCLOCKWISE])
    assert together.sense is None
    assert together.problem == 'the demonstrations turn it in different directions'


@pytest.mark.parametrize('fields', [(None, ''), (Sense.CLOCKWISE, 'nothing turns')])
def test_there_is_a_sense_or_a_problem(fields):
    with pytest.raises(ValueError, match='expected one of both'):
        ShownRotation(*fields)

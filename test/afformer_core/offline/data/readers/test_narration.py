# SPDX-License-Identifier: Apache-2.0
"""Steps and the lines of a narration that tell of them."""

import pytest

from afformer_core.offline.data.readers.narration import Narration, best_claims

LINES = [
    'How to bake a cake? Turn the temperature knob anticlockwise to 120 degrees.',
    'Turn the time knob clockwise to 10 minutes.',
    '',
    'Press start. Press start, and wait.',
]


@pytest.mark.parametrize(
    ('step', 'line'),
    [
        ('Turn   to 120 degrees', 0),
        ('Turn   clockwise to 15 minutes', 1),
        ('PRESS   TO START', 3),
    ],
)
def test_finds_the_line_that_shares_most(step: str, line: int) -> None:
    found = Narration(LINES).find(step)
    assert found is not None
    assert found[0] == line
    assert found[1] > 0


@pytest.mark.parametrize(
    'step',
    [
        pytest.param('Turn', id='two lines share as much'),
        pytest.param('Unplug and clean', id='no line shares a word'),
        pytest.param('Turn clockwise until children sleep soundly', id='less than half'),
        pytest.param('to the', id='no word of weight'),
        pytest.param('', id='no word'),
    ],
)
def test_finds_none_where_it_is_unsure(step: str) -> None:
    assert Narration(LINES).find(step) is None


def test_a_rare_word_scores_more_than_a_common_one() -> None:
    narration = Narration(['press start', 'press stop', 'press menu', 'menu of lamps'])
    start, menu = narration.find('start'), narration.find('press menu')
    assert start is not None
    assert menu is not None
    assert menu[0] == 2
    assert start[1] > menu[1] / 2


def test_the_element_of_the_highest_score_is_taken_and_none_of_two_alike() -> None:
    claims = [
        ((0, 0), 4, 2.0),
        ((0, 0), 5, 1.0),
        ((0, 0), 5, 1.5),
        ((0, 1), 5, 0.5),
        ((1, 0), 4, 2.0),
        ((1, 0), 5, 2.0),
    ]
    assert best_claims(claims) == {(0, 0): 4, (0, 1): 5}

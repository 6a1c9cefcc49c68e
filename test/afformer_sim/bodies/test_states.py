# SPDX-License-Identifier: Apache-2.0
"""The state that elements are left in: only what lasts, drawers open."""

import numpy as np
import pytest

from afformer_sim.bodies.element import Element, Front, Joint, Use
from afformer_sim.bodies.fixture import Fixture
from afformer_sim.bodies.grip import Hook
from afformer_sim.bodies.pose import Pose, at
from afformer_sim.bodies.solid import Solid, SolidShape
from afformer_sim.bodies.states import sample_states

BAR = (Hook(0.04, 0.004, 0.02, vertical=False),)
OUT = Joint((0.0, 0.0, 1.0))
UP = Joint((0.0, 1.0, 0.0))
BLOCK = Solid(SolidShape.BOX, (0.02, 0.02, 0.01), (0.5, 0.5, 0.5))


def element(kind: str, x: float, *uses: Use) -> Element:
    front = Front((0, 0, 0.01), 0.02, 0.02)
    return Element(kind, at(x, 0, 0), (BLOCK,), BLOCK.corners(), front, uses)


DRAWER = element(
    'drawer',
    0.0,
    Use('pull', BAR, OUT, (0.0, 0.0), (0.03, 0.04)),
    Use('hold', BAR),
)
BUTTON = element('button', 0.1, Use('touch', BAR, OUT, after=(-0.006, -0.004)))
MUG = element('mug', 0.2, Use('pick up', BAR, UP, after=(0.06, 0.1)), Use('hold', BAR))
SIGN = element('sign', 0.3, Use('push', BAR))


@pytest.fixture(scope='module')
def left() -> list[dict[int, Pose]]:
    """How a drawer, a button, a mug and what does not move are left, 200 times."""
    fixture = Fixture('bench', (DRAWER, BUTTON, MUG, SIGN), (), -0.1, -0.1)
    rng = np.random.default_rng(5)
    return [sample_states(fixture, rng) for _ in range(200)]


def test_only_what_lasts_is_left_moved(left: list[dict[int, Pose]]) -> None:
    assert set().union(*left) == {0}
    assert [any(number in states for states in left) for number in range(4)] == [
        True, False, False, False,
    ]  # fmt: skip


def test_drawers_are_left_open_now_and_then(left: list[dict[int, Pose]]) -> None:
    opened = [states[0].position for states in left if states]
    assert 0.1 < len(opened) / len(left) < 0.35
    for position in opened:
        np.testing.assert_array_equal(position[:2], 0)
        assert 0.03 <= position[2] <= 0.04


def test_the_same_draw_leaves_the_same() -> None:
    fixture = Fixture('bench', (DRAWER,), (), -0.1, -0.1)
    first, second = (
        [sample_states(fixture, rng) for _ in range(20)]
        for rng in (np.random.default_rng(2), np.random.default_rng(2))
    )
    assert [list(states) for states in first] == [list(states) for states in second]
    for one, other in zip(first, second, strict=True):
        for index in one:
            np.testing.assert_array_equal(one[index].position, other[index].position)

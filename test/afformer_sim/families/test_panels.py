# SPDX-License-Identifier: Apache-2.0
"""Random panels: what they hold, that they differ only by their seed, and how they are used."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable
from itertools import combinations

import numpy as np
import pytest

from afformer_sim.bodies.element import Element
from afformer_sim.bodies.fixture import Fixture
from afformer_sim.bodies.grip import Fingertip, Hook, Pinch
from afformer_sim.bodies.seeds import Stream, make_rng, scene_seed
from afformer_sim.families import generate
from afformer_sim.families.parts.panel_elements import ElementFinish, bezel, button, handle, knob
from afformer_sim.families.parts.panel_layout import lay_out

WHITE = (1.0, 1.0, 1.0)
PANELS = ('control_panel', 'keypad', 'dense_keypad')


def make(family: str, seed: int) -> Fixture:
    return generate(family, make_rng(seed, Stream.FIXTURE))


def many(family: str) -> list[Fixture]:
    return [make(family, scene_seed(11, index)) for index in range(80)]


@pytest.fixture(scope='module')
def scenes() -> list[Fixture]:
    """80 of the most varied family."""
    return many('control_panel')


def finishes(fixture: Fixture) -> list[tuple[object, ...]]:
    """How each element looks, and where it is."""
    return [
        (element.kind, solid.shape, solid.size, solid.colour, *element.pose.position)
        for element in fixture.elements
        for solid in element.solids
    ]


def extent(element: Element) -> tuple[np.ndarray, np.ndarray]:
    """Lowest and highest corner."""
    corners = element.pose.apply(element.hull)
    return corners.min(axis=0), corners.max(axis=0)


@pytest.mark.parametrize('family', PANELS)
def test_a_fixture_depends_on_its_seed_alone(family: str) -> None:
    assert finishes(make(family, 5)) == finishes(make(family, 5))
    assert finishes(make(family, 5)) != finishes(make(family, 6))


@pytest.mark.parametrize(
    ('family', 'fewest', 'most', 'mean'),
    [('control_panel', 4, 24, 11), ('keypad', 5, 32, 14), ('dense_keypad', 12, 30, 21)],
)
def test_fixtures_have_as_many_elements_as_their_family(
    family: str, fewest: int, most: int, mean: int
) -> None:
    counts = [len(fixture.elements) for fixture in many(family)]
    assert min(counts) >= fewest
    assert max(counts) <= most
    assert mean - 3 < np.mean(counts) < mean + 3


@pytest.mark.parametrize('family', PANELS)
def test_elements_do_not_overlap(family: str) -> None:
    for fixture in many(family):
        for a, b in combinations(map(extent, fixture.elements), 2):
            apart = (a[0][:2] >= b[1][:2] - 1e-9) | (b[0][:2] >= a[1][:2] - 1e-9)
            assert apart.any(), (a, b)


@pytest.mark.parametrize('family', PANELS)
def test_elements_stand_on_the_panel_and_out_of_it(family: str) -> None:
    for fixture in many(family):
        assert fixture.panel is not None
        half = np.array([fixture.panel.width, fixture.panel.height]) / 2
        for element in fixture.elements:
            low, high = extent(element)
            assert (low[:2] >= -half - 1e-9).all()
            assert (high[:2] <= half + 1e-9).all()
            assert low[2] >= -1e-9
            assert high[2] >= 0.005


def test_every_kind_occurs_and_kinds_are_mixed(scenes: list[Fixture]) -> None:
    kinds = Counter(element.kind for fixture in scenes for element in fixture.elements)
    assert set(kinds) == {'button', 'knob', 'handle'}
    assert all(kinds[kind] > 0.15 * kinds.total() for kind in kinds)
    mixed = [len({element.kind for element in fixture.elements}) > 1 for fixture in scenes]
    assert np.mean(mixed) > 0.5


@pytest.mark.parametrize('family', ['keypad', 'dense_keypad'])
def test_keypads_have_buttons_alone(family: str) -> None:
    kinds = {element.kind for fixture in many(family) for element in fixture.elements}
    assert kinds == {'button'}


def twins(fixture: Fixture) -> list[bool]:
    """Whether there is another one that looks like it, for each element."""
    alike = [
        (
            element.kind,
            *((s.shape, np.round(s.size, 6).tolist(), s.colour) for s in element.solids),
        )
        for element in fixture.elements
    ]
    return [alike.count(one) > 1 for one in alike]


def test_look_alikes_are_common(scenes: list[Fixture]) -> None:
    buttons = [twins(fixture) for fixture in many('keypad')]
    assert np.mean(np.concatenate(buttons)) > 0.5
    assert all(all(twins(fixture)) for fixture in many('dense_keypad'))
    # the strokes of others, which do not show, differ
    kinds = [
        [(element.kind, element.solids[0].shape, element.solids[0].colour) for element in each]
        for each in (fixture.elements for fixture in scenes)
    ]
    with_twin = [each.count(one) > 1 for each in kinds for one in each]
    assert np.mean(with_twin) > 0.5


def test_every_element_affords_several_actions_with_a_common_grip(
    scenes: list[Fixture],
) -> None:
    actions = defaultdict(set)
    for fixture in scenes:
        for element in fixture.elements:
            common = set(element.uses[0].grips).intersection(*(use.grips for use in element.uses))
            assert common, element.kind
            actions[element.kind].add(element.actions)
    assert actions == {
        'button': {('touch', 'hold')},
        'knob': {('rotate', 'pull', 'push', 'hold', 'touch')},
        'handle': {('pull', 'push', 'hold', 'touch')},
    }


@pytest.mark.parametrize(
    ('build', 'shape', 'grip'),
    [(button, 'round', Fingertip), (knob, 'disc', Pinch), (handle, 'bar', Hook)],
)
def test_elements_are_where_they_are_put_and_touched_at_their_front(
    build: Callable[..., Element], shape: str, grip: type
) -> None:
    finish = ElementFinish(
        shape=shape, width=0.04, height=0.03, depth=0.02, colour=WHITE, accent=WHITE
    )
    element = build(finish, 0.1, -0.2, np.random.default_rng(0))
    np.testing.assert_array_equal(element.placed().position, [0.1, -0.2, 0])
    assert element.front.centre == (0, 0, 0.02)
    assert element.hull[:, 2].max() == pytest.approx(0.02)
    assert any(isinstance(one, grip) for use in element.uses for one in use.grips)


def test_a_bezel_surrounds_its_element() -> None:
    finish = ElementFinish(
        shape='square', width=0.04, height=0.03, depth=0.02, colour=WHITE, accent=WHITE, bezel=True
    )
    corners = bezel('button', finish, 0.1, -0.2).corners()
    assert (corners[:, :2].max(axis=0) > [0.12, -0.185]).all()
    assert (corners[:, :2].min(axis=0) < [0.08, -0.215]).all()
    assert corners[:, 2].max() < 0.005


def test_cells_do_not_overlap_and_lie_on_the_panel() -> None:
    rng = np.random.default_rng(4)
    for count in (4, 9, 17, 32):
        layout = lay_out(rng, count)
        assert len(layout.cells) == count
        assert layout.smallest >= 0.03 * 0.75
        for cell in layout.cells:
            assert abs(cell.x) + cell.width / 2 <= layout.width / 2
            assert abs(cell.y) + cell.height / 2 <= layout.height / 2
        for a, b in combinations(layout.cells, 2):
            across = abs(a.x - b.x) >= (a.width + b.width) / 2 - 1e-9
            assert across or abs(a.y - b.y) >= (a.height + b.height) / 2 - 1e-9


def test_an_element_without_extent_is_refused() -> None:
    with pytest.raises(ValueError, match='needs a positive extent'):
        ElementFinish(
            shape='round', width=0.02, height=0.0, depth=0.01, colour=WHITE, accent=WHITE
        )


def test_a_fixture_without_elements_is_refused() -> None:
    with pytest.raises(ValueError, match='at least one element'):
        Fixture('empty', (), (), -0.1, -0.1)

# SPDX-License-Identifier: Apache-2.0
"""Drawers, doors, levers, taps and switchboards: what holds for every random one."""

from collections.abc import Iterator
from itertools import combinations

import numpy as np
import pytest

from afformer_sim.bodies.element import Element
from afformer_sim.bodies.fixture import Fixture
from afformer_sim.bodies.grip import Fingertip, Grip, Hook, Pinch
from afformer_sim.bodies.pose import STILL, Pose
from afformer_sim.bodies.solid import Solid, SolidShape
from afformer_sim.families import doors, drawers, faucets, levers, switchboard

GENERATORS = {
    'drawers': drawers.generate,
    'doors': doors.generate,
    'levers': levers.generate,
    'faucets': faucets.generate,
    'switchboard': switchboard.generate,
}
COUNTS = {
    'drawers': (2, 9),
    'doors': (1, 6),
    'levers': (2, 8),
    'faucets': (1, 6),
    'switchboard': (2, 12),
}
SEEDS = 20
# what may overlap for want of a gap, metres
OVERLAP = 0.0015

Members = dict[str, list[Fixture]]


@pytest.fixture(scope='module')
def members() -> Members:
    return {
        family: [generate(np.random.default_rng(seed)) for seed in range(SEEDS)]
        for family, generate in GENERATORS.items()
    }


@pytest.fixture(params=sorted(GENERATORS))
def family(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def every_element(scenes: list[Fixture]) -> Iterator[Element]:
    for fixture in scenes:
        yield from fixture.elements


def displacements(element: Element) -> Iterator[Pose]:
    """The element at four positions of each of its motions."""
    for use in element.uses:
        if use.joint is not None:
            ends = (*use.before, *use.after)
            for value in np.linspace(min(ends), max(ends), 4):
                yield use.joint.displacement(float(value))


def filled(hull: np.ndarray) -> np.ndarray:
    """Points within a hull: its corners, their middle, and some between."""
    rng = np.random.default_rng(0)
    pairs = hull[rng.integers(len(hull), size=(24, 2))]
    return np.concatenate([hull, pairs.mean(axis=1), hull.mean(axis=0)[None]])


def depth_inside(points: np.ndarray, solid: Solid) -> float:
    """How deep the deepest of the points is inside a solid, metres; negative outside."""
    local = np.abs((points - solid.pose.position) @ solid.pose.rotation)
    if solid.shape is SolidShape.BOX:
        depth = (np.array(solid.size) - local).min(axis=1)
    elif solid.shape is SolidShape.ELLIPSOID:
        share = np.linalg.norm(local / np.array(solid.size), axis=1)
        depth = (1 - share) * min(solid.size)
    else:
        radius, half = solid.size
        if solid.shape is SolidShape.CAPSULE:
            beyond = np.maximum(local[:, 2] - half, 0)
            depth = radius - np.hypot(np.hypot(local[:, 0], local[:, 1]), beyond)
        else:
            depth = np.minimum(radius - np.hypot(local[:, 0], local[:, 1]), half - local[:, 2])
    return float(depth.max())


def gap(first: np.ndarray, second: np.ndarray, axes: np.ndarray) -> float:
    """The widest gap between two hulls along some axes, [A, 3]; negative if they overlap."""
    one, two = first @ axes.T, second @ axes.T
    return float(
        np.maximum(two.min(axis=0) - one.max(axis=0), one.min(axis=0) - two.max(axis=0)).max()
    )


def test_a_member_depends_on_the_rng_alone(family: str) -> None:
    generate = GENERATORS[family]
    first, again, other = (repr(generate(np.random.default_rng(seed))) for seed in (5, 5, 6))
    assert first == again
    assert first != other


def test_a_member_has_its_family_s_number_of_elements(family: str, members: Members) -> None:
    counts = [len(fixture.elements) for fixture in members[family]]
    least, most = COUNTS[family]
    assert min(counts) >= least
    assert max(counts) <= most
    assert np.mean(counts) > 2.5
    assert all(fixture.family == family for fixture in members[family])


def test_there_are_few_enough_solids_to_render_fast(family: str, members: Members) -> None:
    for fixture in members[family]:
        moving = sum(len(element.solids) for element in fixture.elements)
        assert moving + len(fixture.fixed) < 150


def test_every_element_affords_several_actions_with_the_same_grips(
    family: str, members: Members
) -> None:
    for element in every_element(members[family]):
        assert len(element.uses) >= 3
        assert len({use.grips for use in element.uses}) == 1


def test_operated_parts_do_not_overlap_at_rest(family: str, members: Members) -> None:
    for fixture in members[family]:
        for one, two in combinations(fixture.elements, 2):
            axes = np.concatenate([np.eye(3), one.pose.rotation.T, two.pose.rotation.T])
            first, second = (e.pose.apply(e.hull) for e in (one, two))
            assert gap(first, second, axes) > 0.005


def swept(element: Element) -> np.ndarray:
    """Points in the operated part at rest and wherever it can move to, [P, 3]."""
    points = filled(element.hull)
    positions = [STILL, *displacements(element)]
    return np.concatenate([element.placed(position).apply(points) for position in positions])


def test_what_moves_does_not_enter_what_is_fixed(family: str, members: Members) -> None:
    for fixture in members[family]:
        for element in fixture.elements:
            points = swept(element)
            assert max(depth_inside(points, solid) for solid in fixture.fixed) < OVERLAP


def test_what_moves_does_not_enter_other_elements(family: str, members: Members) -> None:
    for fixture in members[family]:
        for element in fixture.elements:
            points = swept(element)
            for other in fixture.elements:
                if other is not element:
                    near = [solid.moved(other.pose) for solid in other.solids]
                    assert max(depth_inside(points, solid) for solid in near) < OVERLAP


def contacts(grip: Grip) -> np.ndarray:
    """Where the middle of what is held or touched is, [P, 3]."""
    if isinstance(grip, Fingertip):
        return np.array([[grip.x, grip.y, grip.level]])
    if isinstance(grip, Pinch):
        return np.array([[0, 0, grip.level], [0, 0, grip.top]])
    half = grip.length / 2 - grip.radius
    ends = [[0, half, grip.level], [0, -half, grip.level]]
    return np.array(ends) if grip.vertical else np.array(ends)[:, [1, 0, 2]]


def test_grips_are_on_the_operated_part(family: str, members: Members) -> None:
    for element in every_element(members[family]):
        low, high = element.hull.min(axis=0) - 0.003, element.hull.max(axis=0) + 0.003
        for grip in element.uses[0].grips:
            positions = contacts(grip)
            assert (positions >= low).all()
            assert (positions <= high).all()
            if isinstance(grip, Pinch):
                reach = np.abs(element.hull[:, :2]).max(axis=0)
                assert grip.radius < reach.max() + 0.003
                assert grip.radius > 0.5 * reach.max()
            if isinstance(grip, Hook):
                # a finger fits behind the bar
                assert grip.length >= 0.03


def test_fronts_are_on_the_operated_part(family: str, members: Members) -> None:
    for element in every_element(members[family]):
        front = element.front
        low, high = element.hull.min(axis=0) - 0.003, element.hull.max(axis=0) + 0.003
        assert (np.array(front.centre) >= low).all()
        assert (np.array(front.centre) <= high).all()
        # What reaches beyond an edge is annotated on the element all the same.
        assert 2 * front.half_width <= high[0] - low[0]
        assert 2 * front.half_height <= high[1] - low[1]


def test_motions_keep_to_their_ranges(family: str, members: Members) -> None:
    for element in every_element(members[family]):
        for use in element.uses:
            ends = np.array([*use.before, *use.after])
            if use.joint is None:
                assert (ends == 0).all()
            elif use.action == 'rotate':
                assert 0.9 <= abs(np.mean(use.after) - np.mean(use.before)) <= 1.6
            else:
                assert ends.min() == 0
                assert ends.max() <= (1.3 if use.joint.hinge else 0.18)
                away = np.mean(use.after) > np.mean(use.before)
                assert away == (use.action == 'pull' or element.kind == 'rocker')


def travel(element: Element, action: str) -> np.ndarray:
    """How far the contact point goes from the middle of `before` to that of `after`, [3]."""
    use = element.use(action)
    assert use.joint is not None
    start, end = (
        element.placed(use.joint.displacement(float(np.mean(ends)))).apply(
            np.array(element.front.centre)
        )
        for ends in (use.before, use.after)
    )
    moved: np.ndarray = end - start
    return moved


def test_pushes_and_pulls_are_wide_enough_to_be_seen(family: str, members: Members) -> None:
    for element in every_element(members[family]):
        for action in {'push', 'pull'} & set(element.actions):
            least = 0.008 if element.kind == 'rocker' else 0.022
            assert np.linalg.norm(travel(element, action)) > least


@pytest.mark.parametrize('family', ['drawers', 'doors'])
def test_drawers_and_doors_come_towards_the_user(family: str, members: Members) -> None:
    for element in every_element(members[family]):
        assert travel(element, 'pull')[2] > 0.035
        assert travel(element, 'push')[2] < -0.035


def test_a_lever_is_pushed_away_from_the_user(members: Members) -> None:
    for element in every_element(members['levers']):
        assert travel(element, 'pull')[2] > 0.03
        assert travel(element, 'push')[2] < -0.03


def test_sliders_are_pushed_away_from_the_user(members: Members) -> None:
    sliders = [e for e in every_element(members['switchboard']) if e.kind == 'slider']
    assert len(sliders) > 10
    for slider in sliders:
        assert travel(slider, 'push')[2] < -0.02


def test_handles_of_taps_face_up_or_the_user(members: Members) -> None:
    upward = 0
    for element in every_element(members['faucets']):
        if np.allclose(element.pose.rotation[:, 2], [0, 1, 0]):
            assert np.allclose(element.pose.rotation[:, 1], [0, 0, -1])
            upward += 1
        else:
            assert np.allclose(element.pose.rotation, np.eye(3))
        assert element.actions[0] == 'rotate'
    assert upward > 15


def test_nothing_is_below_the_bottom_or_behind_the_back(family: str, members: Members) -> None:
    for fixture in members[family]:
        points = np.concatenate([fixture.extent(), *[solid.corners() for solid in fixture.fixed]])
        assert points[:, 1].min() >= fixture.bottom - 1e-9
        assert points[:, 2].min() >= fixture.back - 1e-9


def test_most_elements_have_a_look_alike(family: str, members: Members) -> None:
    def finishes(element: Element) -> tuple[object, ...]:
        held = element.front
        size = round(held.half_width, 4), round(held.half_height, 4)
        return element.kind, len(element.solids), element.solids[0].colour, size

    alike = [
        sum(finishes(one) == finishes(two) for two in fixture.elements) > 1
        for fixture in members[family]
        for one in fixture.elements
    ]
    assert np.mean(alike) > 0.6

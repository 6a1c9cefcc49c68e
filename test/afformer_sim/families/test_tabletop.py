# SPDX-License-Identifier: Apache-2.0
"""Objects on tables: how they stand, how they can be operated, and what that moves."""

from collections import Counter
from functools import cache
from itertools import combinations

import numpy as np
import pytest

from afformer_sim.bodies.element import Element, Use
from afformer_sim.bodies.fixture import Fixture
from afformer_sim.bodies.grip import Fingertip, Grip, Pinch
from afformer_sim.bodies.pose import STILL, Pose
from afformer_sim.families import boxes, cooktop, jars, kettles, mugs

GENERATORS = {
    'mugs': mugs.generate,
    'kettles': kettles.generate,
    'jars': jars.generate,
    'boxes': boxes.generate,
    'cooktop': cooktop.generate,
}
SEEDS = range(8)
KNOWN_ACTIONS = {
    'mugs': {'pick up', 'put down', 'hold', 'touch'},
    'kettles': {'pick up', 'put down', 'hold', 'touch', 'rotate'},
    'jars': {'pick up', 'put down', 'hold', 'touch', 'rotate'},
    'boxes': {'pick up', 'put down', 'hold', 'touch', 'push', 'pull'},
    'cooktop': {'pick up', 'put down', 'hold', 'touch', 'rotate', 'push', 'pull'},
}
COUNTS = {'mugs': (2, 6), 'kettles': (1, 4), 'jars': (2, 8), 'boxes': (3, 8), 'cooktop': (2, 9)}

families = pytest.mark.parametrize('family', GENERATORS)


@cache
def scenes(family: str) -> tuple[Fixture, ...]:
    return tuple(GENERATORS[family](np.random.default_rng(seed)) for seed in SEEDS)


@cache
def directions() -> np.ndarray:
    """Unit vectors, along which objects are found to be apart; float64 [D, 3]."""
    drawn = np.random.default_rng(0).normal(size=(200, 3))
    vectors = np.concatenate([np.eye(3), -np.eye(3), drawn])
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def are_apart(one: np.ndarray, other: np.ndarray) -> bool:
    """Whether some direction separates the hulls of two sets of points."""
    return bool(gap(one, other) > -0.002)


def gap(one: np.ndarray, other: np.ndarray) -> float:
    axes = directions().T
    return float(((other @ axes).min(axis=0) - (one @ axes).max(axis=0)).max())


def parts(element: Element, displacement: Pose = STILL) -> list[np.ndarray]:
    frame = element.placed(displacement)
    return [frame.apply(solid.corners()) for solid in element.solids]


def overlapping(one: list[np.ndarray], other: list[np.ndarray]) -> bool:
    if are_apart(np.concatenate(one), np.concatenate(other)):
        return False
    return any(not are_apart(first, second) for first in one for second in other)


def extremes(use: Use) -> list[Pose]:
    """Where it is at the outer end of each of its ranges."""
    if use.joint is None:
        return [STILL]
    return [use.joint.displacement(max(ends, key=abs)) for ends in (use.before, use.after)]


def contact_positions(grip: Grip) -> np.ndarray:
    """Where the fingers are, in the element's frame, float64 [P, 3]."""
    if isinstance(grip, Fingertip):
        return np.array([[grip.x, grip.y, grip.level]])
    if isinstance(grip, Pinch):
        angles = np.linspace(0, 2 * np.pi, 8, endpoint=False)
        ring = grip.radius * np.stack([np.cos(angles), np.sin(angles)], axis=1)
        return np.column_stack([ring, np.full(len(ring), grip.level)])
    return np.array([[0.0, 0.0, grip.level]])


def description(fixture: Fixture) -> list[object]:
    """All that can be compared."""
    solids = [*fixture.fixed]
    for element in fixture.elements:
        solids += [solid.moved(element.pose) for solid in element.solids]
    finishes = [(solid.shape, solid.size, solid.colour, solid.surface) for solid in solids]
    positions = [tuple(np.round(solid.pose.position, 9)) for solid in solids]
    uses = [element.uses for element in fixture.elements]
    return [finishes, positions, uses, fixture.bottom, fixture.back, fixture.elevation]


@families
def test_a_scene_depends_on_its_seed_alone(family: str) -> None:
    again = GENERATORS[family](np.random.default_rng(3))
    assert description(again) == description(scenes(family)[3])
    assert description(again) != description(scenes(family)[4])


@families
def test_scenes_hold_as_many_elements_as_promised(family: str) -> None:
    counts = [len(fixture.elements) for fixture in scenes(family)]
    low, high = COUNTS[family]
    assert low <= min(counts) < max(counts) <= high


@families
def test_the_family_is_named(family: str) -> None:
    assert {fixture.family for fixture in scenes(family)} == {family}


@families
def test_elements_afford_three_actions_or_more(family: str) -> None:
    for fixture in scenes(family):
        for element in fixture.elements:
            assert len(set(element.actions)) == len(element.actions) >= 3


@families
def test_the_familys_actions_all_occur(family: str) -> None:
    found = {
        action
        for fixture in scenes(family)
        for element in fixture.elements
        for action in element.actions
    }
    assert found == KNOWN_ACTIONS[family]


@families
def test_no_grip_belongs_to_a_single_action(family: str) -> None:
    for fixture in scenes(family):
        for element in fixture.elements:
            actions = Counter(grip for use in element.uses for grip in use.grips)
            assert min(actions.values()) >= 2


@families
def test_most_scenes_have_look_alikes(family: str) -> None:
    kinds = [
        max(Counter(element.kind for element in fixture.elements).values())
        for fixture in scenes(family)
    ]
    assert np.mean(np.array(kinds) >= 2) > 0.6


@families
def test_fingers_touch_what_is_operated(family: str) -> None:
    for fixture in scenes(family):
        for element in fixture.elements:
            for grip in {grip for use in element.uses for grip in use.grips}:
                for position in contact_positions(grip):
                    assert gap(element.hull, position[None]) < 0.006, (element.kind, grip)


@families
def test_the_front_is_on_what_is_operated(family: str) -> None:
    for fixture in scenes(family):
        for element in fixture.elements:
            assert abs(gap(element.hull, np.array([element.front.centre]))) < 0.005


@families
def test_operated_parts_do_not_overlap(family: str) -> None:
    for fixture in scenes(family):
        hulls = [element.pose.apply(element.hull) for element in fixture.elements]
        for one, other in combinations(hulls, 2):
            assert are_apart(one, other)


@families
def test_elements_neither_overlap_at_rest_nor_when_moved(family: str) -> None:
    for fixture in scenes(family)[:4]:
        resting = [parts(element) for element in fixture.elements]
        for one, other in combinations(resting, 2):
            assert not overlapping(one, other)
        for index, element in enumerate(fixture.elements):
            for use in element.uses:
                # the way there is as free as its end
                moved = parts(element, extremes(use)[-1])
                others = (other for i, other in enumerate(resting) if i != index)
                assert not any(overlapping(moved, other) for other in others), element.kind


@families
def test_nothing_goes_below_the_table(family: str) -> None:
    for fixture in scenes(family):
        lowest = fixture.bottom - 1e-6
        assert all(solid.corners()[:, 1].min() > lowest for solid in fixture.fixed)
        for element in fixture.elements:
            for use in element.uses:
                for pose in extremes(use):
                    points = np.concatenate(parts(element, pose))
                    assert points[:, 1].min() > lowest, (element.kind, use.action)


@families
def test_everything_is_shown_in_front_of_the_wall(family: str) -> None:
    for fixture in scenes(family):
        points = [solid.corners() for solid in fixture.fixed]
        points += [part for element in fixture.elements for part in parts(element)]
        everything = np.concatenate(points)
        assert (everything.min(axis=0) > fixture.shown.min(axis=0) - 1e-9).all()
        assert (everything.max(axis=0) < fixture.shown.max(axis=0) + 1e-9).all()
        assert everything[:, 2].min() > fixture.back
        assert everything[:, 2].max() == pytest.approx(0, abs=0.002)


@families
def test_scenes_are_seen_from_above_and_rendered_fast(family: str) -> None:
    for fixture in scenes(family):
        assert 20 <= fixture.elevation <= 35
        solids = sum(len(element.solids) for element in fixture.elements)
        assert solids + len(fixture.fixed) < 150


@families
@pytest.mark.parametrize('action', ['pick up', 'put down'])
def test_what_is_carried_goes_up_or_comes_down(family: str, action: str) -> None:
    for element, use in uses(family, action):
        before, after = (travels(element, use, ends) for ends in (use.before, use.after))
        high, low = (after, before) if action == 'pick up' else (before, after)
        assert low == pytest.approx([0, 0])
        assert min(high) > 0.055
        assert max(high) < 0.15


@families
@pytest.mark.parametrize('action', ['push', 'pull'])
def test_pushes_and_pulls_can_be_seen(family: str, action: str) -> None:
    for element, use in uses(family, action):
        assert use.joint is not None
        # out of a front, or over the table to the user
        toward = element.pose.direct(np.array(use.joint.axis))
        assert toward[2] > 0.99 or np.allclose(use.joint.axis, [0, 0, 1])
        near, far = sorted([use.before, use.after])
        assert near[0] <= near[1] < far[0] <= far[1]
        assert far[0] - near[1] >= 0.015
        assert far[1] - near[0] >= 0.02
        assert (use.after == far) == (action == 'pull')


@families
def test_turns_go_either_way_about_the_frames_axis(family: str) -> None:
    found = uses(family, 'rotate')
    senses = [use.after[0] > use.before[0] for _, use in found]
    assert not found or 0.2 < np.mean(senses) < 0.8
    for _, use in found:
        assert use.joint is not None
        assert use.joint.hinge
        assert use.joint.axis == (0, 0, 1)
        ends = np.subtract.outer(use.after, use.before)
        assert 0.89 < np.abs(ends).min() < np.abs(ends).max() < 1.61


@families
@pytest.mark.parametrize('action', ['hold', 'touch'])
def test_what_is_only_held_or_touched_stays(family: str, action: str) -> None:
    assert all(use.joint is None for _, use in uses(family, action))


def uses(family: str, action: str) -> list[tuple[Element, Use]]:
    return [
        (element, use)
        for fixture in scenes(family)
        for element in fixture.elements
        for use in element.uses
        if use.action == action
    ]


def travels(element: Element, use: Use, ends: tuple[float, float]) -> list[float]:
    """How much higher the element is at both ends of a range."""
    assert use.joint is not None
    origin = element.pose.position
    return [
        float((element.placed(use.joint.displacement(end)).position - origin)[1]) for end in ends
    ]

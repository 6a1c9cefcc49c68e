# SPDX-License-Identifier: Apache-2.0
"""Random appliances: what they hold, and that they differ only by their seed."""

from collections import Counter
from itertools import combinations

import numpy as np
import pytest

from afformer_core.sim.appliance import ACTIONS, Appliance, Element, Kind
from afformer_core.sim.layout import generate_appliance
from afformer_core.sim.seeds import scene_seed


@pytest.fixture(scope='module')
def appliances() -> list[Appliance]:
    return [generate_appliance(scene_seed(11, index)) for index in range(80)]


def test_an_appliance_depends_on_its_seed_alone() -> None:
    assert generate_appliance(5) == generate_appliance(5)
    assert generate_appliance(5) != generate_appliance(6)


def test_appliances_have_5_to_32_elements_and_about_14(appliances: list[Appliance]) -> None:
    counts = [len(appliance.elements) for appliance in appliances]
    assert min(counts) >= 5
    assert max(counts) <= 32
    assert 11 < np.mean(counts) < 17


def test_elements_do_not_overlap(appliances: list[Appliance]) -> None:
    for appliance in appliances:
        for a, b in combinations(appliance.elements, 2):
            apart = (
                abs(a.x - b.x) >= (a.width + b.width) / 2 - 1e-9
                or abs(a.y - b.y) >= (a.height + b.height) / 2 - 1e-9
            )
            assert apart, (a, b)


def test_every_kind_occurs_and_kinds_are_mixed(appliances: list[Appliance]) -> None:
    kinds = Counter(element.kind for appliance in appliances for element in appliance.elements)
    assert all(kinds[kind] > 0.15 * kinds.total() for kind in Kind)
    mixed = [len({element.kind for element in appliance.elements}) > 1 for appliance in appliances]
    assert np.mean(mixed) > 0.5


def test_look_alikes_are_common(appliances: list[Appliance]) -> None:
    with_twin = [
        any(
            a is not b
            and (a.kind, a.shape, a.colour, round(a.width, 6))
            == (b.kind, b.shape, b.colour, round(b.width, 6))
            for b in appliance.elements
        )
        for appliance in appliances
        for a in appliance.elements
    ]
    assert np.mean(with_twin) > 0.5


def test_every_action_belongs_to_one_kind() -> None:
    assert sorted(action for kind in Kind for action in kind.actions) == sorted(ACTIONS)


def test_an_element_that_leaves_the_panel_is_refused() -> None:
    white = (1.0, 1.0, 1.0)
    element = Element(
        Kind.BUTTON, 'round', 0.1, 0.0, 0.02, 0.02, 0.01, 0.0, False, white, white, False, False
    )
    with pytest.raises(ValueError, match='leaves the panel'):
        Appliance(0.2, 0.2, 0.1, white, white, 0.0, (element,), False, None)


def test_scene_seeds_differ_between_datasets_and_appliances() -> None:
    seeds = {scene_seed(dataset, index) for dataset in range(3) for index in range(100)}
    assert len(seeds) == 300

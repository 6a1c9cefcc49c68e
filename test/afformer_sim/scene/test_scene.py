# SPDX-License-Identifier: Apache-2.0
"""Scenes: always the same, and the same model in other colours."""

from afformer_sim.bodies.fixture import Fixture
from afformer_sim.bodies.seeds import scene_seed
from afformer_sim.bodies.solid import Solid
from afformer_sim.scene.scene import Scene
from afformer_sim.scene.view import plan_target, render_views

SEED = scene_seed(2, 3)


def solids(fixture: Fixture) -> list[Solid]:
    return [*fixture.fixed, *(solid for each in fixture.elements for solid in each.solids)]


def colours(fixture: Fixture) -> list[tuple[float, float, float]]:
    return [solid.colour for solid in solids(fixture)]


def test_what_looked_alike_looks_alike_in_another_variant() -> None:
    original, variant = (colours(Scene(SEED, 'dense_keypad', variant=v).fixture) for v in (0, 1))
    new_of_old: dict[object, set[object]] = {}
    for old, new in zip(original, variant, strict=True):
        new_of_old.setdefault(old, set()).add(new)
    assert len(new_of_old) < len(original)
    assert {len(each) for each in new_of_old.values()} == {1}


def test_held_out_textures_change_the_image_but_not_the_fixture() -> None:
    scenes = [Scene(SEED, held_out=held_out) for held_out in (False, True)]
    usual, held_out = (
        render_views(scene, [plan_target(scene, 0, size=(96, 64))])[0] for scene in scenes
    )
    sizes = [[solid.size for solid in solids(scene.fixture)] for scene in scenes]
    assert sizes[0] == sizes[1]
    assert (usual != held_out).any()

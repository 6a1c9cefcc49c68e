# SPDX-License-Identifier: Apache-2.0
"""Scenes: always the same, and the same model in other colours."""

import numpy as np

from afformer_sim.bodies.fixture import Fixture
from afformer_sim.bodies.seeds import Stream, make_rng, scene_seed
from afformer_sim.bodies.solid import Solid
from afformer_sim.scene.demonstration import plan_demonstration
from afformer_sim.scene.renderer import Renderer
from afformer_sim.scene.scene import Scene
from afformer_sim.scene.view import plan_target, render_views

SEED = scene_seed(2, 3)


def solids(fixture: Fixture) -> list[Solid]:
    return [*fixture.fixed, *(solid for each in fixture.elements for solid in each.solids)]


def geometry(fixture: Fixture) -> list[tuple[object, ...]]:
    return [(s.shape, s.size, s.pose.position.tolist(), s.surface) for s in solids(fixture)]


def colours(fixture: Fixture) -> list[tuple[float, float, float]]:
    return [solid.colour for solid in solids(fixture)]


def image_of(scene: Scene) -> np.ndarray:
    return render_views(scene, [plan_target(scene, 0, size=(96, 64))])[0]


def test_another_variant_has_the_same_geometry_and_other_colours() -> None:
    original, *variants = (Scene(SEED, variant=variant).fixture for variant in (0, 1, 2))
    for variant in variants:
        assert geometry(variant) == geometry(original)
        assert [e.actions for e in variant.elements] == [e.actions for e in original.elements]
        changed = [a != b for a, b in zip(colours(variant), colours(original), strict=True)]
        assert all(changed)
    assert colours(variants[0]) != colours(variants[1])


def test_what_looked_alike_looks_alike_in_another_variant() -> None:
    original, variant = (colours(Scene(SEED, 'dense_keypad', variant=v).fixture) for v in (0, 1))
    new_of_old: dict[object, set[object]] = {}
    for old, new in zip(original, variant, strict=True):
        new_of_old.setdefault(old, set()).add(new)
    assert len(new_of_old) < len(original)
    assert {len(each) for each in new_of_old.values()} == {1}


def test_another_variant_is_another_image_of_the_same_elements() -> None:
    view = plan_target(Scene(SEED), 0, size=(96, 96))
    images, elements = [], []
    for variant in (0, 1):
        with Renderer(Scene(SEED, variant=variant), view.size) as renderer:
            images.append(renderer.render(view.camera, view.size))
            elements.append(renderer.segment(view.camera, view.size))
    np.testing.assert_array_equal(elements[0], elements[1])
    assert (images[0] != images[1]).any()


def test_held_out_textures_change_the_image_but_not_the_fixture() -> None:
    usual, held_out = Scene(SEED), Scene(SEED, held_out=True)
    assert geometry(usual.fixture) == geometry(held_out.fixture)
    assert plan_demonstration(usual, 0).action == plan_demonstration(held_out, 0).action
    assert (image_of(usual) != image_of(held_out)).any()


def test_streams_are_independent_and_repeatable() -> None:
    draws = [make_rng(SEED, stream).random(4).tolist() for stream in Stream]
    assert len({tuple(draw) for draw in draws}) == len(Stream)
    assert make_rng(SEED, Stream.WORLD).random(4).tolist() == draws[Stream.WORLD]
    assert make_rng(SEED, Stream.WORLD, 1).random(4).tolist() != draws[Stream.WORLD]

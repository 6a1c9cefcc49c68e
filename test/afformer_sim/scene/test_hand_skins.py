# SPDX-License-Identifier: Apache-2.0
"""Hands of meshes in rendered images: where the capsules are, gone afterwards, before the clip."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest

from afformer_sim.bodies.seeds import scene_seed
from afformer_sim.scene.demonstration import (
    SimulatedDemonstration,
    plan_demonstration,
    render_clip,
    with_meshes,
)
from afformer_sim.scene.hand_skins import skins_xml
from afformer_sim.scene.renderer import HAND, Renderer
from afformer_sim.scene.scene import Scene

SCENE = Scene(scene_seed(2, 3))
SIZE = (128, 96)


def meshes(element: int, seed: int = 0) -> SimulatedDemonstration:
    demonstration = plan_demonstration(SCENE, element, size=SIZE)
    return with_meshes(demonstration, np.random.default_rng(seed))


@pytest.fixture(scope='module')
def renderer() -> Iterator[Renderer]:
    with Renderer(SCENE, SIZE, skins_xml()) as renderer:
        yield renderer


@pytest.mark.parametrize('element', [0, 1, 2])
def test_a_hand_of_meshes_covers_what_the_capsules_cover(renderer: Renderer, element: int) -> None:
    demonstration = meshes(element)
    time = (demonstration.motion.start + demonstration.motion.end) / 2
    camera, states = demonstration.camera(time), demonstration.states(time)
    kinds = (demonstration.shown_hand, demonstration.capsules)
    hands = [kind(SCENE.fixture, time) for kind in kinds]
    masks = [renderer.segment(camera, SIZE, hand, states) <= HAND for hand in hands]
    shared = (masks[0] & masks[1]).sum() / (masks[0] | masks[1]).sum()
    assert shared > 0.6


def test_left_and_right_hands_are_seen_from_outside(renderer: Renderer) -> None:
    for left in (False, True):
        demonstration = meshes(0)
        demonstration = replace(demonstration, hand=replace(demonstration.hand, left=left))
        time = (demonstration.motion.start + demonstration.motion.end) / 2
        hand = demonstration.shown_hand(SCENE.fixture, time)
        shown = (demonstration.camera(time), SIZE, hand, demonstration.states(time))
        lit = renderer.render(*shown)[renderer.segment(*shown) <= HAND]
        assert len(lit) > 200
        # Surfaces seen from inside would be dark: their normals point away.
        assert lit.mean() > 25


def test_an_image_without_a_hand_is_that_of_a_renderer_without_skins(renderer: Renderer) -> None:
    demonstration = meshes(0)
    camera, states = demonstration.camera(0.5), demonstration.states(0.5)
    renderer.set_room(demonstration.view.lighting, demonstration.view.surroundings)
    renderer.render(camera, SIZE, demonstration.shown_hand(SCENE.fixture, 0.5), states)
    bare = renderer.render(camera, SIZE, (), states)
    with Renderer(SCENE, SIZE) as plain:
        plain.set_room(demonstration.view.lighting, demonstration.view.surroundings)
        np.testing.assert_array_equal(bare, plain.render(camera, SIZE, (), states))


def test_a_clip_may_begin_before_the_hand_is_in_view(renderer: Renderer) -> None:
    demonstration = replace(meshes(0), lead=0.4, drift=np.zeros((2, 3)))
    assert demonstration.times(8)[0] == pytest.approx(-0.3125)
    assert demonstration.shown_hand(SCENE.fixture, -0.3) == ()
    clip = render_clip(renderer, SCENE, demonstration, 8)
    renderer.set_room(demonstration.view.lighting, demonstration.view.surroundings)
    hand = demonstration.shown_hand(SCENE.fixture, -0.01)
    codes = renderer.segment(demonstration.camera(0), SIZE, hand)
    assert (codes <= HAND).any()
    assert clip.shape == (8, 96, 128, 3)


def test_a_hand_that_holds_the_element_from_the_beginning_has_no_lead() -> None:
    demonstration = meshes(1)
    holding = replace(demonstration, motion=replace(demonstration.motion, start=-0.02))
    leads = [with_meshes(holding, np.random.default_rng(seed)).lead for seed in range(20)]
    coming = [with_meshes(demonstration, np.random.default_rng(seed)).lead for seed in range(20)]
    assert set(leads) == {0.0}
    assert 8 < sum(lead > 0 for lead in coming) < 20

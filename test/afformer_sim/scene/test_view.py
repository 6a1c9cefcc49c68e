# SPDX-License-Identifier: Apache-2.0
"""Views without a hand: the outlines and pixels where the images have them."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest

from afformer_sim.bodies.hand import Capsule
from afformer_sim.bodies.pose import STILL
from afformer_sim.bodies.seeds import Stream, make_rng, scene_seed
from afformer_sim.bodies.states import sample_states
from afformer_sim.cameras.sensor import Sensor
from afformer_sim.scene.outline import front_centre, project_outline
from afformer_sim.scene.renderer import Renderer
from afformer_sim.scene.scene import Scene
from afformer_sim.scene.view import SceneView, plan_target, render_views

SCENE = Scene(scene_seed(2, 3))
CLEAN = Sensor(gain=np.ones(3), gamma=1.0, blur=0.0, noise=0.0)
MAGENTA = (1.0, 0.0, 1.0)


def drawn(outline: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """The pixels that an outline surrounds, bool [H, W]."""
    mask = np.zeros(size[::-1], np.uint8)
    cv2.fillConvexPoly(mask, np.round(outline).astype(np.int32), 1)
    return mask > 0


def overlap(one: np.ndarray, other: np.ndarray) -> float:
    return float((one & other).sum() / (one | other).sum())


def middle(mask: np.ndarray) -> np.ndarray:
    """Of the pixels of a mask, [2] (x, y)."""
    v, u = np.nonzero(mask)
    return np.array([u.mean(), v.mean()])


def shown_elements(scene: Scene, view: SceneView) -> np.ndarray:
    """The element of each pixel before the lens."""
    with Renderer(scene, (256, 256)) as renderer:
        renderer.set_room(view.lighting, view.surroundings)
        return renderer.segment(view.camera, view.size, states=view.states)


@pytest.mark.parametrize('family', ['control_panel', 'keypad', 'dense_keypad'])
def test_outlines_agree_with_what_is_rendered(family: str) -> None:
    overlaps = []
    for index in range(4):
        scene = Scene(scene_seed(8, index), family)
        view = plan_target(scene, 0)
        shown = shown_elements(scene, view)
        for number, element in enumerate(scene.fixture.elements):
            displacement = view.states.get(number, STILL)
            outline = project_outline(element, view.camera, view.size, displacement)
            overlaps.append(overlap(shown == number, drawn(outline, view.size)))
    assert min(overlaps) > 0.6
    assert np.mean(overlaps) > 0.8


def test_what_was_left_moved_is_outlined_where_it_is_now() -> None:
    here, at_rest = [], []
    for index in range(12):
        scene = Scene(scene_seed(9, index))
        view = plan_target(scene, 0)
        shown = shown_elements(scene, view)
        for number in view.states:
            element = scene.fixture.elements[number]
            now, rest = (
                project_outline(element, view.camera, view.size, displacement)
                for displacement in (view.states[number], STILL)
            )
            np.testing.assert_allclose(
                view.sensor.distort_points(now, view.size), view.outline(scene.fixture, number)
            )
            # a knob that is turned has the outline that it had
            if np.abs(view.states[number].position).max() > 0.02:
                here.append((shown == number)[drawn(now, view.size)].mean())
                at_rest.append((shown == number)[drawn(rest, view.size)].mean())
    assert len(here) > 5
    assert np.mean(here) > 0.8
    assert np.mean(here) > np.mean(at_rest) + 0.1


@pytest.mark.parametrize('distortion', [-0.06, 0.0, 0.06])
def test_pixels_are_where_the_image_has_the_points(distortion: float) -> None:
    view = plan_target(SCENE, 0, size=(320, 240))
    view = replace(
        view,
        sensor=replace(CLEAN, distortion=distortion),
        lighting=replace(view.lighting, shadows=False),
        surroundings=replace(view.surroundings, clutter=()),
        states={},
    )
    low, high = (fold(SCENE.fixture.extent(), axis=0) for fold in (np.min, np.max))
    points = np.array([(x, y, high[2] + 0.02) for x in (low[0], high[0]) for y in (low[1], 0.01)])
    found = []
    with Renderer(SCENE, view.size) as renderer:
        renderer.set_room(view.lighting, view.surroundings)
        empty = renderer.render(view.camera, view.size)
        for point in points:
            ball = Capsule(point, point + [0, 0, 1e-4], 0.006, MAGENTA)
            image = renderer.render(view.camera, view.size, [ball])
            exposed = [
                view.sensor.expose(each, np.random.default_rng(0)) for each in (empty, image)
            ]
            changed = np.abs(exposed[1].astype(int) - exposed[0]).max(axis=2) > 20
            found.append(middle(changed))
    np.testing.assert_allclose(view.pixels(points), found, atol=0.6)
    ideal = view.camera.project(points, view.size)
    bent = np.linalg.norm(ideal - found, axis=1).max()
    assert bent > 2 if distortion else bent < 0.6


@pytest.mark.parametrize(('distortion', 'shift'), [(-0.06, 3), (0.06, 0.9)])
def test_outlines_are_bent_as_the_image_is(distortion: float, shift: float) -> None:
    scene = Scene(scene_seed(8, 1), 'dense_keypad')
    view = plan_target(scene, 0, size=(256, 192))
    view = replace(view, sensor=replace(CLEAN, distortion=distortion))
    shown = shown_elements(scene, view)
    bent, straight = [], []
    for number, element in enumerate(scene.fixture.elements):
        white = np.repeat((shown == number)[..., None], 3, axis=2).astype(np.uint8) * 255
        exposed = view.sensor.expose(white, np.random.default_rng(0))[..., 0] > 127
        outlined = drawn(view.outline(scene.fixture, number), view.size)
        assert overlap(exposed, outlined) > 0.7
        bent.append(np.linalg.norm(middle(exposed) - middle(outlined)))
        ideal = drawn(project_outline(element, view.camera, view.size), view.size)
        straight.append(np.linalg.norm(middle(exposed) - middle(ideal)))
    assert max(bent) < 0.7
    assert max(straight) > shift


def test_the_middle_of_a_front_lies_inside_its_outline() -> None:
    for number in range(6):
        view = plan_target(SCENE, number)
        for index, element in enumerate(SCENE.fixture.elements):
            displacement = view.states.get(index, STILL)
            ((u, v),) = view.pixels(front_centre(element, displacement)[None])
            outline = view.outline(SCENE.fixture, index).astype(np.float32)
            assert cv2.pointPolygonTest(outline, (float(u), float(v)), False) > 0


def test_a_target_in_other_colours_is_the_image_of_that_variant() -> None:
    view = replace(plan_target(SCENE, 0, size=(96, 64)), sensor=CLEAN)
    other = replace(view, variant=4)
    with Renderer(SCENE, (96, 64)) as renderer:
        images = render_views(SCENE, [view, other, view], renderer)
    with Renderer(replace(SCENE, variant=4), (96, 64)) as renderer:
        renderer.set_room(view.lighting, view.surroundings)
        expected = renderer.render(view.camera, view.size, states=view.states)
    np.testing.assert_array_equal(images[1], expected)
    np.testing.assert_array_equal(images[0], images[2])
    assert (images[0] != images[1]).any()


def test_views_of_different_sizes_need_no_renderer() -> None:
    views = [plan_target(SCENE, number, size=size) for number, size in enumerate([(96, 64)] * 2)]
    views[1] = plan_target(SCENE, 1, size=(48, 80))
    shapes = [image.shape for image in render_views(SCENE, views)]
    assert shapes == [(64, 96, 3), (80, 48, 3)]


def test_no_door_stands_open_behind_the_camera() -> None:
    scene = Scene(8305200965221714479, 'doors')
    left = sample_states(scene.fixture, make_rng(scene.seed, Stream.STATE, 2))
    assert sorted(left) == [0]
    view = plan_target(scene, 2)
    assert not view.states
    for element in range(len(scene.fixture.elements)):
        assert len(view.outline(scene.fixture, element)) >= 3

# SPDX-License-Identifier: Apache-2.0
"""Views without a hand: outlines and pixels where the images have them, and marks on fronts."""

from __future__ import annotations

import math
from dataclasses import replace

import cv2
import numpy as np
import pytest

from afformer_sim.bodies.element import Element, Fingertip, Front, Use
from afformer_sim.bodies.fixture import Fixture, sample_states
from afformer_sim.bodies.hand import Capsule
from afformer_sim.bodies.seeds import Stream, make_rng, scene_seed
from afformer_sim.bodies.solid import Pose, Solid, SolidShape, turned
from afformer_sim.cameras.camera import look_at
from afformer_sim.cameras.sensor import Sensor
from afformer_sim.scene.demonstration import plan_demonstration
from afformer_sim.scene.renderer import Renderer
from afformer_sim.scene.scene import Scene
from afformer_sim.scene.view import (
    SceneView,
    front_centre,
    front_points,
    plan_target,
    render_views,
)
from afformer_sim.scene.visibility import Box, box_of, element_box, hand_box, points_seen

SIZE = (200, 100)
SCENE = Scene(scene_seed(2, 3))
CLEAN = Sensor(gain=np.ones(3), gamma=1.0, blur=0.0, noise=0.0)


@pytest.fixture
def element() -> Element:
    """A box of 20 x 10 x 2 cm, on its side, whose front is 4 cm wide at one of its ends."""
    box = Solid(SolidShape.BOX, (0.1, 0.05, 0.01), (0.5, 0.5, 0.5))
    pose = Pose(np.array([0.2, 0.0, 0.0]), turned((0, 0, 1), math.pi / 2))
    use = Use('touch', (Fingertip(0.02, 0.05, 0.01),))
    return Element('box', pose, (box,), box.corners(), Front((0.08, 0, 0.01), 0.02, 0.05), (use,))


def test_an_outline_is_the_hull_of_what_is_seen(element: Element) -> None:
    camera = look_at(np.array([0.0, 0.0, 1.01]), np.zeros(3), 0.0, 90.0)
    view = replace(plan_target(SCENE, 0, size=SIZE), camera=camera, sensor=CLEAN, states={})
    outline = view.outline(Fixture('box', (element,), (), 0.0, 0.0), 0)
    # its near face is 1 m away, where a metre has 50 pixels
    np.testing.assert_allclose(outline.max(axis=0), [99.5 + 12.5, 49.5 + 5], atol=1e-4)
    np.testing.assert_allclose(outline[:, 1].min(), 49.5 - 5, atol=1e-4)
    area = cv2.contourArea(outline.astype(np.float32))
    assert area == pytest.approx(50, rel=0.03)


def test_annotators_touch_the_front_and_mostly_its_middle(element: Element) -> None:
    points = front_points(element, np.random.default_rng(0), count=500)
    np.testing.assert_allclose(front_centre(element), [0.2, 0.08, 0.01], atol=1e-12)
    offset = (points - [0.2, 0.08, 0.01]) / [0.05, 0.02, 1]
    np.testing.assert_allclose(offset[:, 2], 0, atol=1e-12)
    # on round fronts too
    assert np.linalg.norm(offset, axis=1).max() <= 0.9 + 1e-9
    np.testing.assert_allclose(offset[:, :2].std(axis=0), 0.35, atol=0.03)
    np.testing.assert_allclose(offset.mean(axis=0), 0, atol=0.05)


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
        ideal = replace(view, sensor=CLEAN)
        for number in range(len(scene.fixture.elements)):
            outline = ideal.outline(scene.fixture, number)
            overlaps.append(overlap(shown == number, drawn(outline, view.size)))
    assert min(overlaps) > 0.6
    assert np.mean(overlaps) > 0.8


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


def test_no_door_stands_open_behind_the_camera() -> None:
    scene = Scene(8305200965221714479, 'doors')
    left = sample_states(scene.fixture, make_rng(scene.seed, Stream.STATE, 2))
    assert sorted(left) == [0]
    view = plan_target(scene, 2)
    assert not view.states
    for element in range(len(scene.fixture.elements)):
        assert len(view.outline(scene.fixture, element)) >= 3


def test_points_beside_an_element_go_to_its_nearest_pixel_inside() -> None:
    mask = np.zeros((20, 30), bool)
    mask[5:10, 10:20] = True
    points = np.array([[12.4, 7.2], [14.0, 1.0], [25.0, 9.0], [-3.0, 40.0]])

    moved = points_seen(points, mask)

    assert moved.tolist() == [[12.4, 7.2], [14.0, 6.0], [18.0, 8.0], [11.0, 8.0]]
    # An element of one row has no pixel inside.
    mask[:9] = False
    assert points_seen(np.array([[25.0, 4.0]]), mask).tolist() == [[19.0, 9.0]]


def test_boxes_are_of_what_is_seen() -> None:
    scene = Scene(8, 'keypad')
    demonstration = plan_demonstration(scene, 0, size=(96, 72), action='touch')
    middle = (demonstration.motion.start + demonstration.motion.end) / 2
    capsules = demonstration.capsules(scene.fixture, middle)
    with Renderer(scene, demonstration.view.size) as renderer:
        found = hand_box(renderer, demonstration, middle, capsules)
        box_of_contact = element_box(renderer, demonstration, middle)
        behind = [
            replace(one, start=one.start - [0, 0, 9], end=one.end - [0, 0, 9]) for one in capsules
        ]
        assert hand_box(renderer, demonstration, middle, behind) is None
        arm_alone = [*behind[:16], *capsules[8:10]]
        assert hand_box(renderer, demonstration, middle, arm_alone) is None
    assert found is not None
    assert box_of_contact is not None
    view = replace(demonstration.view, camera=demonstration.camera(middle))
    # fingertips are where the capsules of the last bones end
    tips = view.pixels(np.array([capsules[3 * finger + 2].end for finger in range(5)]))
    tips = tips.clip(0, np.array(view.size) - 1)
    assert (tips >= np.array([found.left, found.top]) - 1.5).all()
    assert (tips <= np.array([found.right, found.bottom]) + 1.5).all()
    outline = view.outline(scene.fixture, 0)
    assert box_of_contact.left == pytest.approx(outline[:, 0].min(), abs=2.5)
    assert box_of_contact.bottom == pytest.approx(outline[:, 1].max(), abs=2.5)


def test_a_mask_of_hardly_any_pixels_has_no_box() -> None:
    mask = np.zeros((5, 9), bool)
    mask[1:3, 4:6] = True
    assert box_of(mask) is None
    mask[1:4, 4:8] = True
    box = Box(4, 1, 7, 3)
    assert box_of(mask) == box
    assert not box.reaches_border((9, 5))
    assert box.reaches_border((8, 5))

# SPDX-License-Identifier: Apache-2.0
"""Demonstrations and views: reproducible, the hand on the element, the outline where it is."""

from collections import defaultdict
from itertools import pairwise

import cv2
import mujoco
import numpy as np
import pytest

from afformer_core.sim.appliance import Kind
from afformer_core.sim.demonstration import (
    choose_elements,
    plan_demonstration,
    render_clip,
    render_demonstration,
)
from afformer_core.sim.layout import generate_appliance
from afformer_core.sim.outline import project_outline
from afformer_core.sim.renderer import Renderer
from afformer_core.sim.seeds import scene_seed
from afformer_core.sim.view import (
    frame_times,
    outlines_in_views,
    plan_camera_path,
    plan_target,
    render_camera_path,
    render_target,
    render_views,
)
from afformer_core.sim.world import build_model

SEED = scene_seed(2, 3)


def distance_to_geom(
    model: mujoco.MjModel, data: mujoco.MjData, geom: int, point: np.ndarray
) -> float:
    """Metres from a point to the surface of a box or an upright cylinder, negative inside."""
    local = np.abs(data.geom_xmat[geom].reshape(3, 3).T @ (point - data.geom_xpos[geom]))
    size = model.geom_size[geom]
    if model.geom_type[geom] == mujoco.mjtGeom.mjGEOM_CYLINDER:
        beyond = np.array([np.hypot(local[0], local[1]) - size[0], local[2] - size[1]])
    else:
        assert model.geom_type[geom] == mujoco.mjtGeom.mjGEOM_BOX
        beyond = local - size
    return float(np.linalg.norm(beyond.clip(0)) + min(beyond.max(), 0))


def test_fingertips_touch_the_element_as_long_as_they_are_in_contact() -> None:
    tried = defaultdict(int)
    for index in range(12):
        seed = scene_seed(4, index)
        appliance = generate_appliance(seed)
        model = build_model(appliance, seed, (64, 64))
        data = mujoco.MjData(model)
        for element in choose_elements(seed, 3):
            plan = plan_demonstration(seed, element)
            target = appliance.elements[element]
            body = model.body(f'element_{element}').id
            for time in np.linspace(plan.motion.start, plan.motion.end, 5)[1:-1]:
                state = plan.state(time)
                data.mocap_pos[element, 2] = state.travel
                angle = (target.angle + state.turn) / 2
                data.mocap_quat[element] = [np.cos(angle), 0, 0, np.sin(angle)]
                mujoco.mj_kinematics(model, data)
                tips = [
                    capsule
                    for capsule in plan.capsules(appliance, time)
                    if capsule.radius == 0.0075
                ]
                gaps = [
                    distance_to_geom(model, data, geom, tip.end) - tip.radius
                    for tip in tips
                    for geom in np.flatnonzero(model.geom_bodyid == body)
                ]
                assert -0.006 < min(gaps) < 0.003, (index, element, plan.action, time)
                tried[target.kind] += 1
    assert set(tried) == set(Kind)


def test_each_kind_is_used_in_both_ways() -> None:
    actions = defaultdict(set)
    for index in range(20):
        seed = scene_seed(6, index)
        elements = generate_appliance(seed).elements
        for element in choose_elements(seed, 3):
            plan = plan_demonstration(seed, element)
            actions[elements[element].kind].add(plan.action)
    assert actions == {kind: set(kind.actions) for kind in Kind}


def test_the_same_element_can_be_asked_for_either_action() -> None:
    kind = generate_appliance(SEED).elements[0].kind
    for action in kind.actions:
        assert plan_demonstration(SEED, 0, action=action).action == action


def test_another_performance_has_its_own_person_and_camera() -> None:
    first, second, again = (plan_demonstration(SEED, 0, performance=k) for k in (0, 1, 1))
    assert first.hand == plan_demonstration(SEED, 0).hand
    assert second.element == first.element
    assert second.hand != first.hand
    assert not np.allclose(second.view.camera.position, first.view.camera.position)
    np.testing.assert_array_equal(second.view.camera.position, again.view.camera.position)


def test_the_demonstrated_elements_are_different_ones() -> None:
    assert len(set(choose_elements(SEED, 5))) == 5
    with pytest.raises(ValueError, match='fewer than 100'):
        choose_elements(SEED, 100)


def test_a_clip_is_the_same_each_time_and_of_the_size_asked_for() -> None:
    first = render_demonstration(SEED, 1, frames=3, size=(96, 64))
    assert first.shape == (3, 64, 96, 3)
    assert first.dtype == np.uint8
    np.testing.assert_array_equal(render_demonstration(SEED, 1, frames=3, size=(96, 64)), first)
    assert (first[0] != first[1]).any()


def test_more_frames_show_the_same_motion() -> None:
    # frame 4 k + 1 and 4 k + 2 of 32 lie on both sides of frame k of 8
    few, many = frame_times(8), frame_times(32)
    np.testing.assert_allclose(few, (many[1::4] + many[2::4]) / 2)


def test_target_pictures_show_neither_hand_nor_what_it_did() -> None:
    appliance = generate_appliance(SEED)
    views = [plan_target(SEED, number, longest_side=96) for number in range(2)]
    with Renderer(appliance, SEED, (96, 96)) as renderer:
        before = render_views(renderer, SEED, views)
        render_clip(renderer, SEED, plan_demonstration(SEED, 0, longest_side=96), 2)
        after = render_views(renderer, SEED, views)
    for picture, again in zip(before, after, strict=True):
        np.testing.assert_array_equal(picture, again)
    np.testing.assert_array_equal(render_target(SEED, 0, size=views[0].size), before[0])


def test_the_hand_hides_a_part_of_the_appliance_in_a_clip() -> None:
    appliance = generate_appliance(SEED)
    plan = plan_demonstration(SEED, 0)
    middle = (plan.motion.start + plan.motion.end) / 2
    with Renderer(appliance, SEED, (256, 256)) as renderer:
        renderer.set_room(plan.view.lighting, plan.view.surroundings)
        without = renderer.render(plan.camera(middle), plan.view.size)
        hand = plan.capsules(appliance, middle)
        assert (renderer.render(plan.camera(middle), plan.view.size, hand) != without).any()


def test_outlines_agree_with_what_is_rendered() -> None:
    overlaps = []
    for index in range(4):
        seed = scene_seed(8, index)
        appliance = generate_appliance(seed)
        view = plan_target(seed, 0)
        with Renderer(appliance, seed, (256, 256)) as renderer:
            renderer.set_room(view.lighting, view.surroundings)
            shown = renderer.segment(view.camera, view.size)
        for number, element in enumerate(appliance.elements):
            mask = np.zeros(shown.shape, np.uint8)
            outline = project_outline(element, view.camera, view.size)
            cv2.fillConvexPoly(mask, np.round(outline).astype(np.int32), 1)
            both = (shown == number) & (mask > 0)
            overlaps.append(both.sum() / ((shown == number) | (mask > 0)).sum())
    assert min(overlaps) > 0.6
    assert np.mean(overlaps) > 0.8


def test_a_camera_path_moves_slowly_and_keeps_the_elements_in_view() -> None:
    views = plan_camera_path(SEED, 24, (160, 120))
    steps = [np.linalg.norm(a.camera.position - b.camera.position) for a, b in pairwise(views)]
    assert 0 < max(steps) < 0.15
    for outline in outlines_in_views(SEED, 2, views):
        assert (outline >= -0.5).all()
        assert (outline <= [159.5, 119.5]).all()


def test_a_camera_path_is_rendered_at_its_size() -> None:
    assert render_camera_path(SEED, 2, (160, 120)).shape == (2, 120, 160, 3)


def test_a_picture_larger_than_the_buffer_is_refused() -> None:
    view = plan_target(SEED, 0)
    with (
        Renderer(generate_appliance(SEED), SEED, (64, 64)) as renderer,
        pytest.raises(ValueError, match='does not fit the buffer'),
    ):
        renderer.render(view.camera, view.size)

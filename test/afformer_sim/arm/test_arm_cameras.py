# SPDX-License-Identifier: Apache-2.0
"""Images of the head camera and of a spectator with an arm and a keypad in them."""

from __future__ import annotations

from collections.abc import Iterator
from unittest import mock

import numpy as np
import pytest

from afformer_sim.arm.arm_cameras import ArmCameras
from afformer_sim.arm.arm_world import ArmWorld
from afformer_sim.arm.franka import mirrored
from afformer_sim.bodies.seeds import Stream, make_rng
from afformer_sim.cameras.depth_camera import DepthCamera
from afformer_sim.closed_loop.robot_observation import RobotObservation, see
from afformer_sim.scene.renderer import Renderer

from .arm_trials import approach, front_of, keypad_trial, move, move_gripper

AT_WORK = np.array([-0.3, -0.4, 0.9, -2.35, -2.1, 2.5, 0.8])


@pytest.fixture
def world() -> ArmWorld:
    return ArmWorld(keypad_trial())


@pytest.fixture
def cameras(world: ArmWorld) -> Iterator[ArmCameras]:
    with ArmCameras(world, DepthCamera(0.0, 0.0)) as opened:
        yield opened


def without_arm() -> RobotObservation:
    """The first image of the trial without an arm."""
    trial = keypad_trial()
    with Renderer(trial.scene, trial.view.size) as renderer:
        rng = make_rng(trial.scene.seed, Stream.RGBD, 11, trial.number)
        return see(renderer, trial.view, trial.states, rng)


def go_to_work(world: ArmWorld) -> None:
    move(world, AT_WORK if world.workplace.side > 0 else mirrored(AT_WORK), seconds=3.0)


def test_the_first_image_is_that_without_an_arm(world: ArmWorld, cameras: ArmCameras) -> None:
    expected = without_arm()

    images = cameras.capture(world.snapshot())

    # only shadows are sharper, and the table ends before the fixture
    difference = np.abs(images.image.astype(int) - expected.image)[expected.shown >= 0]
    assert difference.mean() < 2
    assert images.depth[expected.shown >= 0] == pytest.approx(
        expected.depth[expected.shown >= 0], abs=1e-6
    )


def test_the_arm_is_in_view_at_work_and_out_of_view_parked(
    world: ArmWorld, cameras: ArmCameras
) -> None:
    alone = without_arm().depth

    parked = cameras.capture(world.snapshot()).depth
    go_to_work(world)
    at_work = cameras.capture(world.snapshot()).depth

    assert not (parked < alone - 0.01).any()
    assert (at_work < alone - 0.01).any()


def test_depth_at_the_pixel_of_the_tip_is_the_tips(world: ArmWorld, cameras: ArmCameras) -> None:
    point, ahead = front_of(world, world.trial.task.element)
    move_gripper(world, 0.0)
    move(world, approach(point, ahead, 0.05)[0], seconds=2.0)
    camera, tip = world.camera_pose(), world.tip_pose().position
    x, y, z = camera.rotation.T @ (tip - camera.position)
    width, height = world.trial.view.size
    focal = height / 2 / np.tan(np.radians(world.trial.view.camera.field_of_view) / 2)
    column, row = focal * x / z + (width - 1) / 2, focal * y / z + (height - 1) / 2

    near = cameras.capture(world.snapshot()).depth[round(row), round(column)]
    world.reset()
    far = cameras.capture(world.snapshot()).depth[round(row), round(column)]

    assert 0 <= column < width
    assert 0 <= row < height
    # the camera sees the tip from behind, where it is up to its length nearer
    assert z - 0.07 < near <= z + 0.001
    assert far > z + 0.03


def test_later_images_have_other_noise(world: ArmWorld, cameras: ArmCameras) -> None:
    first, second = (cameras.capture(world.snapshot()).image.astype(int) for _ in range(2))

    assert (first != second).any()
    assert np.abs(first - second).mean() < 10


def test_a_spectator_sees_the_arm_move_until_both_renderers_are_closed(
    world: ArmWorld, cameras: ArmCameras
) -> None:
    parked = cameras.spectate(world.snapshot()).astype(int)
    go_to_work(world)
    at_work = cameras.spectate(world.snapshot()).astype(int)

    changed = (np.abs(parked - at_work).max(axis=2) > 20).mean()
    assert parked.shape == (480, 640, 3)
    assert 0.05 < changed < 0.5
    assert 70 < parked.mean() < 200
    with mock.patch.object(Renderer, 'close') as closed:
        cameras.close()
    assert closed.call_count == 2

# SPDX-License-Identifier: Apache-2.0
"""Images of the camera thread, of one world and of the next."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from importlib.util import find_spec
from typing import Any, cast
from unittest import mock

import numpy as np
import pytest
from numpy.typing import NDArray

# Only its files are read: other tests stand in for it.
if find_spec('gymnasium_robotics') is None:
    pytest.skip('gymnasium-robotics is not installed', allow_module_level=True)
pytest.importorskip('rclpy')

from afformer_ros.sim_robot.simulation_thread import CameraThread, Exposure
from afformer_sim.arm.arm_cameras import ArmCameras
from afformer_sim.arm.arm_world import ArmWorld
from afformer_sim.cameras.depth_camera import DepthCamera
from afformer_sim.closed_loop.trial import ClosedLoopSettings, plan_trials
from afformer_sim.scene.renderer import Renderer
from test.waiting import PATIENCE, wait_until

EXACT, NOISY = DepthCamera(0.0, 0.0), DepthCamera(0.02, 0.1)


def world_of(family: str) -> ArmWorld:
    settings = ClosedLoopSettings(families=(family,), size=(80, 60))
    return ArmWorld(plan_trials(settings, 0)[0])


@pytest.fixture(scope='module')
def keypad() -> ArmWorld:
    return world_of('keypad')


@pytest.fixture(scope='module')
def drawers() -> ArmWorld:
    return world_of('drawers')


@pytest.fixture(scope='module')
def first_images(keypad: ArmWorld, drawers: ArmWorld) -> Mapping[str, NDArray[np.int64]]:
    """The first image of each world, without the thread."""
    images = {}
    for name, world in (('keypad', keypad), ('drawers', drawers)):
        with ArmCameras(world, EXACT) as cameras:
            images[name] = cameras.capture(world.snapshot()).image.astype(int)
    return images


class Film:
    """A camera thread, and all that it has taken."""

    def __init__(self) -> None:
        self.images: list[NDArray[np.uint8]] = []
        self.depths: list[NDArray[np.float32]] = []
        self.stamps: list[int] = []
        self.errors: list[Exception] = []
        self._arrived = threading.Condition()
        self.thread = CameraThread(self._show, self._fail)

    def _show(self, cameras: ArmCameras, exposure: Exposure) -> None:
        images = cameras.capture(exposure.snapshot)
        with self._arrived:
            self.images.append(images.image)
            self.depths.append(images.depth)
            self.stamps.append(exposure.stamp)
            self._arrived.notify_all()

    def _fail(self, error: Exception) -> None:
        with self._arrived:
            self.errors.append(error)
            self._arrived.notify_all()

    def take(self, world: ArmWorld, stamp: int, depth_camera: DepthCamera = EXACT) -> None:
        """Expose, and wait for the image or the failure."""
        count = len(self.images)
        self.thread.expose(Exposure(world, world.snapshot(), depth_camera, stamp))
        with self._arrived:
            assert self._arrived.wait_for(lambda: len(self.images) > count or self.errors, 20)


@pytest.fixture
def film(
    monkeypatch: pytest.MonkeyPatch, first_images: Mapping[str, NDArray[np.int64]]
) -> Iterator[Film]:
    # The window belongs to the thread that rendered first; after the test it is that one's again.
    monkeypatch.setattr(Renderer, '_window', None)
    made = Film()
    yield made
    assert made.thread.close(10.0)


def test_the_cameras_see_the_newest_world(
    film: Film, first_images: Mapping[str, NDArray[np.int64]], keypad: ArmWorld, drawers: ArmWorld
) -> None:
    close, closed = ArmCameras.close, []
    with mock.patch.object(ArmCameras, 'close', autospec=True, side_effect=close) as closing:
        for stamp, world in enumerate((keypad, keypad, drawers, keypad)):
            film.take(world, stamp)
            closed.append(closing.call_count)
        assert film.thread.close(10.0)
        closed.append(closing.call_count)
    before, still, after, again = (image.astype(int) for image in film.images)
    assert np.abs(after - first_images['drawers']).mean() < 1
    assert np.abs(before - first_images['keypad']).mean() < 1
    assert np.abs(again - first_images['keypad']).mean() < 1
    assert np.abs(after - before).mean() > 20
    assert film.stamps == [0, 1, 2, 3]
    # Opened anew, cameras would take their first image again, with its noise.
    assert (before != still).any()
    # Those of a world are closed before those of the next one, and at the end.
    assert closed == [0, 0, 1, 2, 3]


def test_the_depth_of_a_world_has_its_defects(film: Film, keypad: ArmWorld) -> None:
    film.take(keypad, 1_000, NOISY)
    missing = np.isnan(film.depths[0]) | (film.depths[0] <= 0)
    assert 0.05 < missing.mean() < 0.3


def test_a_failure_ends_the_thread_and_nobody_waits_for_it(
    film: Film, keypad: ArmWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError('no context')

    monkeypatch.setattr(ArmCameras, 'capture', fail)
    film.take(keypad, 1_000)
    assert [str(error) for error in film.errors] == ['no context']
    for stamp in (2_000, 3_000, 4_000):
        film.thread.expose(Exposure(keypad, keypad.snapshot(), EXACT, stamp))
    assert film.stamps == []


def test_whoever_exposes_waits_while_one_is_taken_and_one_is_due() -> None:
    let_go = threading.Event()
    shown: list[int] = []

    def show(_: object, exposure: Exposure) -> None:
        let_go.wait(20)
        shown.append(exposure.stamp)

    world = cast(ArmWorld, object())
    cameras = CameraThread(show, lambda error: None)
    handed: list[int] = []

    def expose() -> None:
        for stamp in (1_000, 2_000, 3_000, 4_000):
            cameras.expose(Exposure(world, cast(Any, None), EXACT, stamp))
            handed.append(stamp)

    exposing = threading.Thread(target=expose)
    with mock.patch('afformer_ros.sim_robot.simulation_thread.ArmCameras'):
        exposing.start()
        exposing.join(0.5)
        assert handed in ([1_000], [1_000, 2_000])
        let_go.set()
        exposing.join(PATIENCE)
        assert handed == [1_000, 2_000, 3_000, 4_000]
        wait_until(lambda: len(shown) == 4)
        assert cameras.close(10.0)
    assert shown == handed

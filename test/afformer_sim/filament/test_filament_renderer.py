# SPDX-License-Identifier: Apache-2.0
"""The physically based renderer: the same geometry as the classic one, hands, finishes, errors."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import mujoco
import numpy as np
import pytest

from afformer_sim.bodies.seeds import scene_seed
from afformer_sim.datasets.dataset_writer import DatasetSettings, write_dataset
from afformer_sim.filament import filament_context
from afformer_sim.filament.filament_context import missing_filament, require_filament
from afformer_sim.filament.finishes import FINISH_MATERIALS, apply_finishes
from afformer_sim.scene.demonstration import plan_demonstration, with_meshes
from afformer_sim.scene.hand_skins import skins_xml
from afformer_sim.scene.renderer import HAND, Renderer
from afformer_sim.scene.scene import Scene
from afformer_sim.scene.world import build_model

SCENE = Scene(scene_seed(2, 3))
SIZE = (96, 72)
# Its shaders take seconds to compile on the CPU.
pytestmark = pytest.mark.slow
needs_filament = pytest.mark.skipif(
    missing_filament() is not None, reason=missing_filament() or 'all is there'
)


@pytest.fixture(scope='module')
def renderer() -> Iterator[Renderer]:
    from afformer_sim.filament.filament_renderer import FilamentRenderer

    with FilamentRenderer(SCENE, SIZE) as renderer:
        yield renderer


@needs_filament
def test_a_hand_changes_the_pixels_where_the_classic_renderer_has_it(renderer: Renderer) -> None:
    settings = with_meshes(plan_demonstration(SCENE, 1, size=SIZE), np.random.default_rng(0))
    time = (settings.motion.start + settings.motion.end) / 2
    camera, states = settings.camera(time), settings.states(time)
    hand = settings.shown_hand(SCENE.fixture, time)
    renderer.set_room(settings.view.lighting, settings.view.surroundings)
    bare = renderer.render(camera, SIZE, (), states).astype(int)
    shown = renderer.render(camera, SIZE, hand, states).astype(int)
    again = renderer.render(camera, SIZE, (), states).astype(int)
    with Renderer(SCENE, SIZE, skins_xml()) as classic:
        mask = classic.segment(camera, SIZE, hand, states) <= HAND
    changed = np.abs(shown - bare).max(axis=2) > 25
    assert (changed & mask).sum() > 0.6 * mask.sum()
    # dithering differs from image to image
    assert np.abs(again - bare).mean() < 2


@needs_filament
def test_a_hand_of_capsules_is_refused(renderer: Renderer) -> None:
    settings = plan_demonstration(SCENE, 1, size=SIZE)
    renderer.set_room(settings.view.lighting, settings.view.surroundings)
    with pytest.raises(ValueError, match='hand is made of capsules'):
        renderer.render(settings.camera(0.5), SIZE, settings.capsules(SCENE.fixture, 0.5))


@needs_filament
def test_a_dataset_is_written_with_it(tmp_path: Path) -> None:
    settings = DatasetSettings(
        seed=3,
        scenes=1,
        families=('keypad',),
        demonstrations=1,
        targets=1,
        frames=2,
        longest_side=64,
        hand='mesh',
        renderer='filament',
    )
    assert list(write_dataset(tmp_path, 'train', settings)) == [0, 1]
    assert (tmp_path / 'images/train/00000/0.jpg').stat().st_size > 500


def test_finishes_are_metal_or_not_and_equal_for_one_colour() -> None:
    model = build_model(SCENE, SIZE, finishes=FINISH_MATERIALS)
    colours = model.geom_rgba.copy()
    plain = model.geom_matid < 0
    apply_finishes(model, np.random.default_rng(1))
    assert (model.geom_matid >= 0).all()
    assert set(model.mat_metallic.tolist()) == {0.0, 1.0}
    assert 0.1 <= model.mat_roughness.min() <= model.mat_roughness.max() <= 0.9
    for geom in np.flatnonzero(plain):
        same = plain & (np.abs(colours - colours[geom]).max(axis=1) < 1e-6)
        assert len(set(model.geom_matid[same].tolist())) == 1
    assert isinstance(model, mujoco.MjModel)


def test_a_machine_without_a_driver_is_told_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(filament_context, '_DRIVERS', ('/nowhere',))
    monkeypatch.delenv('VK_DRIVER_FILES', raising=False)
    monkeypatch.delenv('VK_ICD_FILENAMES', raising=False)
    with pytest.raises(ModuleNotFoundError, match=r'no Vulkan driver|mujoco-studio is not'):
        require_filament()

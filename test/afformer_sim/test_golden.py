# SPDX-License-Identifier: Apache-2.0
"""Golden numbers of the scenes of a seed in each family, and golden colours of what is painted.

Datasets of a seed must stay the same from release to release, whatever is drawn and in whichever
order. Numbers are compared, rounded, because the pixels of two graphics drivers differ.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass, replace
from typing import Any

import numpy as np
import pytest

from afformer_sim.bodies.fixture import Label, Panel
from afformer_sim.bodies.hand import HandAppearance
from afformer_sim.bodies.seeds import Stream, make_rng, scene_seed
from afformer_sim.families import FAMILIES
from afformer_sim.hand_mesh.posed_hand import hand_topologies, pose_hand
from afformer_sim.hand_mesh.skin_texture import (
    paint_arm,
    paint_hand,
    paint_sleeve,
    sample_hand_style,
)
from afformer_sim.scene.demonstration import plan_demonstrations
from afformer_sim.scene.scene import Scene
from afformer_sim.scene.view import plan_target
from afformer_sim.textures.panel_texture import paint_decal, paint_panel
from afformer_sim.textures.surface_texture import (
    HELD_OUT_PATTERNS,
    TRAINING_PATTERNS,
    paint_pattern,
    paint_surface,
)
from afformer_sim.textures.texture_images import crop_texture_image

DIGESTS = {
    'keypad': '5dbb93f61166f458',
    'control_panel': '9a0aa2c0cf5435a3',
    'drawers': '257fbe8686007025',
    'doors': '463fdf00459c87cd',
    'levers': '35ad46e3116b85b7',
    'faucets': '5dfbaeebc0a5f734',
    'mugs': '55b531072b48e13f',
    'kettles': '68394a2a8c7ce7ac',
    'jars': '19e7b0d7ea7bd73e',
    'boxes': '4437b77f5228cf88',
    'dense_keypad': '72c31ba6d458fa03',
    'cooktop': 'd0df2d9934625c6e',
    'switchboard': 'a155ed2dad31669a',
    'hand': 'f20c5aaa20dfbe1c',
}

# Mean and standard deviation of the colours of three images.
COLOURS = {
    'plain': (np.float64(126.93), np.float64(45.34)),
    'stripes': (np.float64(119.77), np.float64(56.26)),
    'boards': (np.float64(129.79), np.float64(40.5)),
    'tiles': (np.float64(122.07), np.float64(37.64)),
    'checks': (np.float64(128.9), np.float64(50.99)),
    'blotches': (np.float64(123.73), np.float64(40.96)),
    'wood': (np.float64(128.3), np.float64(44.37)),
    'brick': (np.float64(126.5), np.float64(49.87)),
    'speckle': (np.float64(131.55), np.float64(28.0)),
    'gradient': (np.float64(124.64), np.float64(46.76)),
    'fabric': (np.float64(113.57), np.float64(43.19)),
    'terrazzo': (np.float64(113.69), np.float64(40.31)),
    'marble': (np.float64(136.94), np.float64(48.98)),
    'hexagons': (np.float64(125.1), np.float64(49.66)),
    'dots': (np.float64(117.69), np.float64(56.05)),
    'plaid': (np.float64(125.3), np.float64(39.88)),
    'herringbone': (np.float64(126.38), np.float64(40.49)),
    'cobbles': (np.float64(134.62), np.float64(49.93)),
    'decal': (np.float64(171.45), np.float64(85.14)),
    'held-out decal': (np.float64(167.02), np.float64(93.39)),
    'panel': (np.float64(112.38), np.float64(40.19)),
    'surface': (np.float64(114.64), np.float64(43.03)),
    'held-out surface': (np.float64(127.11), np.float64(38.42)),
    'photograph': (np.float64(114.49), np.float64(53.1)),
    'held-out photograph': (np.float64(114.95), np.float64(32.78)),
    'hand': (np.float64(125.15), np.float64(58.31)),
    'arm': (np.float64(119.79), np.float64(61.29)),
    'sleeve': (np.float64(79.4), np.float64(58.4)),
}


def numbers(value: Any) -> Any:
    """All fields of a value, its numbers in hundred-thousandths."""
    if isinstance(value, np.ndarray):
        return np.round(np.asarray(value, float) * 1e5).astype(np.int64).tolist()
    if is_dataclass(value):
        return [numbers(getattr(value, field.name)) for field in fields(value)]
    if isinstance(value, Mapping):
        return sorted([int(key), numbers(item)] for key, item in value.items())
    if isinstance(value, list | tuple):
        return [numbers(item) for item in value]
    return round(value * 1e5) if isinstance(value, float) else value


def described(scene: Scene) -> list[Any]:
    """A fixture, demonstrations by hands of capsules and of meshes, and a target view."""
    fixture = scene.fixture
    found = [fixture, fixture.extent(0.5), Scene(scene.seed, scene.family, variant=1).fixture]
    for number, demonstration in enumerate(plan_demonstrations(scene, 2, 96, performances=2)):
        style = sample_hand_style(demonstration.hand, make_rng(scene.seed, Stream.HAND_STYLE))
        found += [demonstration, style, demonstration.contact_frames(7)]
        for time in (-0.1, 0.0, 0.15, 0.3, 0.5, 0.8, 1.0):
            found += [demonstration.pose(fixture, time), demonstration.states(time)]
            found += [demonstration.contact_pixel(fixture, time), demonstration.camera(time)]
        found.append(demonstration.capsules(fixture, 0.4))
        if number == 0:
            posed = pose_hand(demonstration.hand, style, demonstration.pose(fixture, 0.5))
            found += [posed.backward, *posed.surfaces.values()]
    view = plan_target(scene, 1, 96)
    found += [view, *(view.outline(fixture, index) for index in range(len(fixture.elements)))]
    return [numbers(value) for value in found]


def digest(values: Any) -> str:
    return hashlib.sha256(repr(values).encode()).hexdigest()[:16]


@pytest.mark.parametrize('family', FAMILIES)
def test_a_seed_gives_what_it_gave(family: str) -> None:
    scenes = (Scene(scene_seed(29, index), family) for index in range(8))
    assert digest([described(scene) for scene in scenes]) == DIGESTS[family]


def test_the_faces_of_a_hand_are_what_they_were() -> None:
    assert digest(numbers(list(hand_topologies().values()))) == DIGESTS['hand']


def painted_panel(rng: np.random.Generator) -> np.ndarray:
    labels = (Label(0.05, 0.02, 0.03), Label(-0.05, 0.02, 0.03))
    return paint_panel(Panel(0.2, 0.1, (0.3, 0.5, 0.6), 0.3, labels, (0, 0, 0.06, 0.03)), rng)


def painted_skin(paint: Callable[..., np.ndarray]) -> Callable[..., np.ndarray]:
    def of(rng: np.random.Generator) -> np.ndarray:
        appearance = HandAppearance((0.8, 0.6, 0.5), (0.1, 0.2, 0.6), 0.4, 0.9, True)
        style = sample_hand_style(appearance, rng)
        worn = (replace(style, glove=glove, polish=(0.9, 0.1, 0.2)) for glove in (False, True))
        return np.stack([paint(each) for each in (style, *worn)])

    return of


PAINTERS: dict[str, Callable[[np.random.Generator], np.ndarray]] = {
    **{
        name: lambda rng, name=name: paint_pattern(rng, name, 96)
        for name in (*TRAINING_PATTERNS, *HELD_OUT_PATTERNS)
    },
    'decal': paint_decal,
    'held-out decal': lambda rng: paint_decal(rng, held_out=True),
    'panel': painted_panel,
    'surface': paint_surface,
    'held-out surface': lambda rng: paint_surface(rng, held_out=True),
    'photograph': lambda rng: crop_texture_image(rng, 64),
    'held-out photograph': lambda rng: crop_texture_image(rng, 64, held_out=True),
    'hand': painted_skin(paint_hand),
    'arm': painted_skin(paint_arm),
    'sleeve': painted_skin(paint_sleeve),
}


@pytest.mark.parametrize('name', PAINTERS)
def test_a_seed_is_painted_as_it_was(name: str) -> None:
    images = [PAINTERS[name](np.random.default_rng(seed)) for seed in range(12)]
    pixels = np.concatenate([image.ravel() for image in images]).astype(float)
    assert (pixels.mean(), pixels.std()) == pytest.approx(COLOURS[name], abs=0.05)

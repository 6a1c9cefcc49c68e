# SPDX-License-Identifier: Apache-2.0
"""Skins of a MuJoCo model that show a hand of meshes: their files, textures and vertices."""

from __future__ import annotations

import struct
from dataclasses import dataclass

import mujoco
import numpy as np

from afformer_sim.hand_mesh.posed_hand import PosedHand, Topology, hand_topologies
from afformer_sim.hand_mesh.skin_texture import (
    ARM_SIDE,
    HAND_SIDE,
    HandStyle,
    paint_arm,
    paint_hand,
    paint_sleeve,
)

ANCHOR = 'hand_anchor'
_TEXTURES = {'hand': HAND_SIDE, 'arm': ARM_SIDE, 'sleeve': ARM_SIDE}
# Specular reflection and shininess of each surface.
_GLOSS = {
    'hand': (0.16, 0.25),
    'arm': (0.12, 0.2),
    'sleeve': (0.02, 0.05),
    'strap': (0.2, 0.3),
    'dial': (0.8, 0.8),
    'ring': (0.9, 0.8),
}
# Numbers of the capsules to which the skins correspond, in the order of `hand_topologies`: the
# first one of the hand, and that of the arm.
SKIN_CODES = (0, 16, 16, 16, 16, 0)
_METAL = (0.83, 0.70, 0.40)


@dataclass(frozen=True)
class SkinXml:
    """Additions to a model that can show a hand: parts of its XML, and files by name."""

    assets: str
    bodies: str
    deformable: str
    files: dict[str, bytes]


def skins_xml() -> SkinXml:
    """Describe the skins that show a hand of meshes."""
    topologies = hand_topologies()
    textures = [
        f'<texture name="skin_{name}" type="2d" builtin="flat" width="{side}" height="{side}"/>'
        for name, side in _TEXTURES.items()
    ]
    materials = [
        f'<material name="skin_{name}" specular="{_GLOSS[name][0]}" shininess="{_GLOSS[name][1]}"'
        + (f' texture="skin_{name}" texuniform="false"/>' if name in _TEXTURES else '/>')
        for name in topologies
    ]
    skins = [
        f'<skin name="{name}" file="{name}.skn" material="skin_{name}"/>' for name in topologies
    ]
    return SkinXml(
        ''.join([*textures, *materials]),
        f'<body name="{ANCHOR}" mocap="true"/>',
        f'<deformable>{"".join(skins)}</deformable>',
        {f'{name}.skn': _skin_file(topology) for name, topology in topologies.items()},
    )


def paint_skins(model: mujoco.MjModel, context: mujoco.MjrContext, style: HandStyle) -> None:
    """Give the skins of a model the colours of a hand."""
    images = {'hand': paint_hand(style), 'arm': paint_arm(style), 'sleeve': paint_sleeve(style)}
    for name, image in images.items():
        texture = model.texture(f'skin_{name}').id
        first = int(model.tex_adr[texture])
        model.tex_data[first : first + image.size] = image.ravel()
        mujoco.mjr_uploadTexture(model, context, texture)
    colours = {
        'strap': style.watch or (0.2, 0.2, 0.2),
        'dial': (0.75, 0.76, 0.78) if style.seed % 2 else (0.1, 0.1, 0.11),
        'ring': _METAL if style.seed % 3 else (0.80, 0.80, 0.82),
    }
    for name, colour in colours.items():
        model.mat_rgba[model.material(f'skin_{name}').id, :3] = colour


def place_skins(scene: mujoco.MjvScene, hand: PosedHand | None) -> None:
    """Set the vertices of the skins in an updated scene; without a hand, hide them."""
    surfaces = {} if hand is None else hand.surfaces
    for index, name in enumerate(hand_topologies()):
        first = 3 * int(scene.skinvertadr[index])
        last = first + 3 * int(scene.skinvertnum[index])
        if name in surfaces:
            scene.skinvert[first:last] = surfaces[name].vertices.ravel()
            scene.skinnormal[first:last] = surfaces[name].normals.ravel()
        else:
            scene.skinvert[first:last] = 0


def _skin_file(topology: Topology) -> bytes:
    """Describe a skin in MuJoCo's binary format, with all vertices at the anchor."""
    count = len(topology.coordinates)
    faces = topology.faces
    return b''.join(
        [
            struct.pack('<4i', count, count, len(faces), 1),
            np.zeros((count, 3), '<f4').tobytes(),
            topology.coordinates.astype('<f4').tobytes(),
            faces.astype('<i4').tobytes(),
            ANCHOR.encode().ljust(40, b'\0'),
            struct.pack('<7f', 0, 0, 0, 1, 0, 0, 0),
            struct.pack('<i', count),
            np.arange(count, dtype='<i4').tobytes(),
            np.ones(count, '<f4').tobytes(),
        ]
    )

# SPDX-License-Identifier: Apache-2.0
"""Surfaces of a hand, its arm and its clothing in a pose."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from afformer_sim.bodies.hand import THUMB, HandAppearance, HandPose
from afformer_sim.hand_mesh.arm_mesh import (
    ARM_RINGS,
    SEGMENTS,
    SLEEVE_RINGS,
    Forearm,
    arm_grid,
    band_grid,
    sleeve_grid,
    tube_coordinates,
    tube_faces,
    tube_normals,
)
from afformer_sim.hand_mesh.hand_skeleton import HandRig, joint_transforms, load_hand_rig
from afformer_sim.hand_mesh.skin_texture import HandStyle

# Rings of the surfaces that are tubes, in the order of a model's skins.
_RINGS = {'arm': ARM_RINGS, 'sleeve': SLEEVE_RINGS, 'strap': 5, 'dial': 4, 'ring': 5}
_WATCH_POSITION, _WATCH_WIDTH, _WATCH_THICKNESS = 0.1, 0.018, 0.0025
_DIAL_RADIUS, _DIAL_HEIGHT = 0.017, 0.007
_RING_RADIUS, _RING_WIDTH = 0.0092, 0.0045
_ANGLES = np.linspace(0, 2 * np.pi, SEGMENTS + 1)[:, None]


@dataclass(frozen=True)
class Topology:
    """Parts of a surface that are constant while its vertices move.

    Attributes:
        faces: int64 [F, 3], counter-clockwise from outside on a left hand.
        coordinates: float64 [V, 2], texture coordinates.
    """

    faces: np.ndarray
    coordinates: np.ndarray


@dataclass(frozen=True)
class Surface:
    """Vertices and unit normals of a surface, float64 [V, 3] metres each."""

    vertices: np.ndarray
    normals: np.ndarray


@dataclass(frozen=True)
class PosedHand:
    """Hand of meshes in a pose.

    Attributes:
        style: style of the hand.
        left: True for a left hand; the faces of a right one's `hand` are seen from inside.
        surfaces: by the names of `hand_topologies`, without items that the hand does not wear.
        backward: [3], unit vector from the wrist to the elbow.
    """

    style: HandStyle
    left: bool
    surfaces: Mapping[str, Surface]
    backward: np.ndarray

    def moved(self, offset: np.ndarray) -> PosedHand:
        """Return the hand shifted by `offset`, [3] metres."""
        shifted = {
            name: replace(surface, vertices=surface.vertices + offset)
            for name, surface in self.surfaces.items()
        }
        return replace(self, surfaces=shifted)


def hand_topologies() -> dict[str, Topology]:
    """Return the surfaces that a hand can have, by name."""
    rig = load_hand_rig()
    tubes = {
        name: Topology(tube_faces(rings), tube_coordinates(rings))
        for name, rings in _RINGS.items()
    }
    return {'hand': Topology(rig.faces, rig.coordinates), **tubes}


def pose_hand(appearance: HandAppearance, style: HandStyle, pose: HandPose) -> PosedHand:
    """Build the surfaces of a hand; a finger whose tip is given in the pose ends there."""
    rig = load_hand_rig()
    transforms = joint_transforms(rig, appearance, pose, style.curl)
    hand = Surface(*blend_skin(rig.vertices, rig.normals, rig.weights, transforms))
    palm = pose.rotation
    border, scale = hand.vertices[rig.border], appearance.scale
    wrist = border.mean(axis=0)
    control = np.stack([wrist, wrist - 0.05 * scale * palm[:, 1], pose.elbow])
    arm = Forearm(border, control, palm[:, 0], scale)
    surfaces = {'hand': hand, 'arm': _tube(arm_grid(arm))}
    if style.sleeve is not None:
        grid = sleeve_grid(arm, style.sleeve_start, _folds(style), style.sleeve_width)
        surfaces['sleeve'] = _tube(grid)
    if style.watch is not None:
        grid = band_grid(arm, _WATCH_POSITION, _WATCH_WIDTH, _WATCH_THICKNESS)
        surfaces['strap'] = _tube(grid)
        surfaces['dial'] = _tube(_dial(arm, palm[:, 2], grid[2].mean(axis=0)))
    if style.ring is not None and style.ring != THUMB:
        surfaces['ring'] = _tube(_finger_ring(rig, style.ring, transforms))
    backward = arm.control[2] - arm.control[0]
    return PosedHand(style, appearance.left, surfaces, backward / np.linalg.norm(backward))


def _tube(grid: np.ndarray) -> Surface:
    return Surface(grid.reshape(-1, 3), tube_normals(grid).reshape(-1, 3))


def _folds(style: HandStyle) -> np.ndarray:
    """Draw the relief of a sleeve: float64 [SLEEVE_RINGS, SEGMENTS + 1] metres."""
    rng = np.random.default_rng((style.seed, 3))
    along = np.linspace(0, 1, SLEEVE_RINGS)[:, None]
    around = np.linspace(0, 2 * np.pi, SEGMENTS + 1)[None, :]
    relief = np.zeros((SLEEVE_RINGS, SEGMENTS + 1))
    for _ in range(7):
        turns = int(rng.integers(-2, 3))
        phase = 2 * np.pi * (rng.uniform(2, 8) * along + rng.uniform()) + turns * around
        relief += rng.uniform(0.0003, 0.0013) * np.sin(phase)
    return np.maximum(relief, -0.8 * style.sleeve_width)


def _circle(along: np.ndarray, back: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return unit vectors out of the back and across a direction, [3] each."""
    up = back - (back @ along) * along
    up = up / np.linalg.norm(up)
    return up, np.cross(along, up)


def _dial(arm: Forearm, dorsal: np.ndarray, centre: np.ndarray) -> np.ndarray:
    """Return the case of a watch on the back of the wrist: [rings, segments + 1, 3]."""
    along = arm.control[1] - arm.control[0]
    along = along / np.linalg.norm(along)
    up, across = _circle(along, dorsal)
    circle = np.cos(_ANGLES) * along + np.sin(_ANGLES) * across
    base = centre + 0.021 * arm.scale * up
    sizes, heights = (1.0, 1.0, 0.93, 0.02), (0.0, 0.8, 1.0, 1.0)
    rings = [
        base + (size * _DIAL_RADIUS * circle + height * _DIAL_HEIGHT * up) * arm.scale
        for size, height in zip(sizes, heights, strict=True)
    ]
    return np.stack(rings)


def _finger_ring(rig: HandRig, finger: int, transforms: np.ndarray) -> np.ndarray:
    """Return a ring around the first bone of a finger: [rings, segments + 1, 3]."""
    first, second = rig.chains[finger][1:3]
    start, end = rig.joints[first], rig.joints[second]
    along = (end - start) / np.linalg.norm(end - start)
    up, across = _circle(along, rig.dorsal[first])
    circle = np.cos(_ANGLES) * across + np.sin(_ANGLES) * up
    centre = start + 0.5 * (end - start) - 0.001 * up
    rings = [
        centre + _RING_WIDTH * position * along + radius * _RING_RADIUS * circle
        for position, radius in ((-0.5, 0.8), (-0.4, 1.0), (0.0, 1.06), (0.4, 1.0), (0.5, 0.8))
    ]
    linear, offset = transforms[first, :, :3], transforms[first, :, 3]
    grid: np.ndarray = np.stack(rings) @ linear.T + offset
    # mirroring would reverse the order of its vertices
    return grid if np.linalg.det(linear) > 0 else grid[:, ::-1]


def blend_skin(
    vertices: np.ndarray, normals: np.ndarray, weights: np.ndarray, transforms: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Move vertices and normals by the weighted mean of their joints' transforms.

    Args:
        vertices, normals: float64 [V, 3].
        weights: float64 [V, J], rows sum to 1.
        transforms: float64 [J, 3, 4], motion of each joint from rest.

    Returns:
        Vertices and unit normals, float64 [V, 3] each.
    """
    blended = np.einsum('vj,jrc->vrc', weights, transforms, optimize=True)
    linear = blended[:, :, :3]
    moved = np.einsum('vrc,vc->vr', linear, vertices) + blended[:, :, 3]
    turned = np.einsum('vrc,vc->vr', linear, normals)
    lengths = np.linalg.norm(turned, axis=1, keepdims=True)
    return moved, turned / np.maximum(lengths, 1e-9)

# SPDX-License-Identifier: Apache-2.0
"""Surfaces of a hand, its arm and its clothing in a pose.

The forearm, a sleeve, straps and rings are tubes along a curved line.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from afformer_sim.bodies.hand import THUMB, HandAppearance, HandPose
from afformer_sim.hand_mesh.hand_skeleton import CHAINS, HandRig, joint_transforms, load_hand_rig
from afformer_sim.hand_mesh.skin_texture import HandStyle

SEGMENTS = 24
ARM_RINGS = 22
SLEEVE_RINGS = 36
# Half axes of the forearm across and through the hand's plane, metres, and their positions along
# it.
_STATIONS = (0.0, 0.15, 0.45, 0.8, 1.0)
_ACROSS = (0.027, 0.0275, 0.036, 0.043, 0.042)
_THROUGH = (0.020, 0.0225, 0.031, 0.039, 0.040)
# The last rings close the arm behind the elbow.
_DOME = 4
_DOME_LENGTH = 0.12


@dataclass(frozen=True)
class Forearm:
    """Line of a forearm from the wrist to the elbow.

    Attributes:
        border: float64 [K, 3] metres, the hand's opening at the wrist, in order.
        control: float64 [3, 3] metres, control points of the arm's Bezier curve.
        across: [3], unit vector across the hand.
        scale: size of the hand.
    """

    border: np.ndarray
    control: np.ndarray
    across: np.ndarray
    scale: float


def arm_grid(arm: Forearm) -> np.ndarray:
    """Return the forearm's vertices: float64 [ARM_RINGS, SEGMENTS + 1, 3]."""
    times = _times(ARM_RINGS, 0.0)
    curve, first, second = _line(arm, times)
    radii = _radii(times) * arm.scale * _dome(ARM_RINGS)[:, None]
    grid = _rings(curve, first, second, radii)
    # the first ring is the opening itself, from which the following ones grow
    opening = _around(arm.border, curve[0], first[0], second[0])
    shift = opening - grid[0]
    for ring in range(6):
        grid[ring] += shift * (1 - ring / 6) ** 2
    return grid


def sleeve_grid(arm: Forearm, start: float, folds: np.ndarray, width: float) -> np.ndarray:
    """Return a sleeve's vertices: float64 [SLEEVE_RINGS, SEGMENTS + 1, 3].

    Args:
        arm: the forearm inside it.
        start: position of the cuff, as a share of the way from wrist to elbow.
        folds: float64 [SLEEVE_RINGS, SEGMENTS + 1], relief of the cloth in metres.
        width: distance of the cloth from the skin, metres.
    """
    times = _times(SLEEVE_RINGS, start)
    curve, first, second = _line(arm, times)
    radii = (_radii(times) + width) * arm.scale
    # the cuff's edge is turned in, which gives it a thickness
    radii[0] -= min(width, 0.003)
    radii *= _dome(SLEEVE_RINGS)[:, None]
    relief = folds * arm.scale * np.minimum(1, np.arange(SLEEVE_RINGS) / 4)[:, None]
    return _rings(curve, first, second, radii, relief * (_dome(SLEEVE_RINGS) > 0.5)[:, None])


def band_grid(arm: Forearm, position: float, width: float, thickness: float) -> np.ndarray:
    """Return a band around the arm, such as a watch strap: float64 [5, SEGMENTS + 1, 3].

    Args:
        arm: the forearm.
        position: middle of the band as a share of the way from wrist to elbow.
        width, thickness: of the band, metres.
    """
    half = width / 2 / 0.26
    times = np.clip(position + half * np.array([-1.0, -0.9, 0.0, 0.9, 1.0]), 0, 1)
    curve, first, second = _line(arm, times)
    above = thickness * np.array([-0.5, 1.0, 1.15, 1.0, -0.5])
    return _rings(curve, first, second, (_radii(times) + above[:, None]) * arm.scale)


def _times(rings: int, start: float) -> np.ndarray:
    along = np.linspace(start, 1.0, rings - _DOME)
    return np.concatenate([along, 1.0 + _DOME_LENGTH * np.array([0.45, 0.75, 0.93, 1.0])])


def _dome(rings: int) -> np.ndarray:
    sizes = np.ones(rings)
    sizes[-_DOME:] = [0.89, 0.66, 0.37, 0.02]
    return sizes


def _radii(times: np.ndarray) -> np.ndarray:
    """Return half axes across and through the hand's plane, float64 [N, 2] metres."""
    return np.column_stack(
        [np.interp(times, _STATIONS, _ACROSS), np.interp(times, _STATIONS, _THROUGH)]
    )


def _line(arm: Forearm, times: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the arm's middle line at some times and two directions across it, [N, 3] each."""
    fine = np.linspace(0, 1 + _DOME_LENGTH, 64)
    curve = bezier(arm.control, fine)
    first, second = carry_frames(curve, arm.across)

    def at(values: np.ndarray) -> np.ndarray:
        return np.stack([np.interp(times, fine, values[:, axis]) for axis in range(3)], axis=1)

    return at(curve), at(first), at(second)


def _rings(
    curve: np.ndarray,
    first: np.ndarray,
    second: np.ndarray,
    radii: np.ndarray,
    relief: np.ndarray | float = 0.0,
) -> np.ndarray:
    angles = np.linspace(0, 2 * np.pi, SEGMENTS + 1)
    cosine, sine = np.cos(angles)[None, :, None], np.sin(angles)[None, :, None]
    raised = np.broadcast_to(relief, (len(curve), len(angles)))[..., None]
    across = radii[:, 0, None, None] + raised
    through = radii[:, 1, None, None] + raised
    grid: np.ndarray = (
        curve[:, None] + across * cosine * first[:, None] + through * sine * second[:, None]
    )
    return grid


def _around(
    border: np.ndarray, centre: np.ndarray, first: np.ndarray, second: np.ndarray
) -> np.ndarray:
    """Return the points of a closed line at the angles of a ring: [SEGMENTS + 1, 3]."""
    local = border - centre
    angles = np.arctan2(local @ second, local @ first) % (2 * np.pi)
    order = np.argsort(angles)
    sampled = np.linspace(0, 2 * np.pi, SEGMENTS + 1)
    return np.stack(
        [
            np.interp(sampled, angles[order], border[order, axis], period=2 * np.pi)
            for axis in range(3)
        ],
        axis=1,
    )


def tube_faces(rings: int) -> np.ndarray:
    """Return the triangles of a tube of a number of rings of vertices: int64 [F, 3].

    Each ring repeats its first vertex at its end, so that a texture can be wrapped around it.
    """
    width = SEGMENTS + 1
    ring = np.arange(rings - 1)[:, None]
    step = np.arange(SEGMENTS)[None, :]
    here, there = ring * width + step, (ring + 1) * width + step
    first = np.stack([here, there, there + 1], axis=-1)
    second = np.stack([here, there + 1, here + 1], axis=-1)
    return np.concatenate([first, second], axis=1).reshape(-1, 3)


def tube_coordinates(rings: int) -> np.ndarray:
    """Return texture coordinates of a tube: float64 [V, 2], around and along it, each 0 to 1."""
    along, around = np.meshgrid(
        np.linspace(0, 1, rings), np.linspace(0, 1, SEGMENTS + 1), indexing='ij'
    )
    return np.stack([around, along], axis=-1).reshape(-1, 2)


def tube_normals(grid: np.ndarray) -> np.ndarray:
    """Return unit normals of a tube's vertices, float64 [rings, SEGMENTS + 1, 3].

    Args:
        grid: float64 [rings, SEGMENTS + 1, 3]; seen from the tube's beginning, rings run
            clockwise.
    """
    along = np.gradient(grid, axis=0)
    around = np.empty_like(grid)
    around[:, 1:-1] = grid[:, 2:] - grid[:, :-2]
    around[:, 0] = around[:, -1] = grid[:, 1] - grid[:, -2]
    normals = np.cross(along, around)
    lengths = np.linalg.norm(normals, axis=-1, keepdims=True)
    return np.asarray(normals / np.maximum(lengths, 1e-12))


def bezier(points: np.ndarray, times: np.ndarray) -> np.ndarray:
    """Return points of a quadratic Bezier curve with 3 control points [3, 3]: [len(times), 3]."""
    t = times[:, None]
    return np.asarray((1 - t) ** 2 * points[0] + 2 * t * (1 - t) * points[1] + t**2 * points[2])


def carry_frames(curve: np.ndarray, across: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Carry a direction along a curve without twisting it.

    Args:
        curve: float64 [N, 3].
        across: [3], direction across the curve at its beginning.

    Returns:
        Two unit vectors across the curve at each point, float64 [N, 3] each: `across`, and the one
        perpendicular to it and to the curve.
    """
    tangents = np.gradient(curve, axis=0)
    tangents /= np.linalg.norm(tangents, axis=1, keepdims=True)
    first = np.empty_like(curve)
    current = across
    for index, tangent in enumerate(tangents):
        current = current - (current @ tangent) * tangent
        current = current / max(float(np.linalg.norm(current)), 1e-9)
        first[index] = current
    return first, np.cross(first, tangents)


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
    first, second = CHAINS[finger][1:3]
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

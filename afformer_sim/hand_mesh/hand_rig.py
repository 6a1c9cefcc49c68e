# SPDX-License-Identifier: Apache-2.0
"""The shipped mesh of a hand in the axes of `bodies.hand`, with its skeleton.

The mesh is the generic hand of `@webxr-input-profiles/assets` 1.0.20, under the MIT licence beside
it.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import as_file, files

import numpy as np

from afformer_sim.hand_mesh.glb import SkinnedMesh, read_skinned_mesh

_THUMB_BONES = ('metacarpal', 'phalanx-proximal', 'phalanx-distal', 'tip')
_FINGER_BONES = (*_THUMB_BONES[:2], 'phalanx-intermediate', *_THUMB_BONES[2:])
_BONES = {
    'thumb': _THUMB_BONES,
    'index-finger': _FINGER_BONES,
    'middle-finger': _FINGER_BONES,
    'ring-finger': _FINGER_BONES,
    'pinky-finger': _FINGER_BONES,
}
# The wrist in the palm's axes, and the size of a hand of scale 1 relative to that in the file.
_WRIST = np.array([0.0, -0.048, 0.0])
_ENLARGED = 1.06


@dataclass(frozen=True)
class HandRig:
    """Left hand at rest in the palm's axes: x to the thumb, y to the fingers, z out of the back.

    Attributes:
        vertices, normals: float64 [V, 3], metres.
        coordinates: float64 [V, 2], texture coordinates, (0, 0) at the image's top left.
        faces: int64 [F, 3]; the mesh is open at the wrist.
        weights: float64 [V, J], share of each joint in a vertex.
        chains: by finger, thumb first, the indices of its joints from the metacarpal bone to the
            tip.
        wrist: index of the wrist's joint.
        joints: float64 [J, 3], positions of the joints.
        dorsal: float64 [J, 3], unit vectors out of the back of each joint.
        border: int64 [K], vertices around the opening at the wrist, in order.
    """

    vertices: np.ndarray
    normals: np.ndarray
    coordinates: np.ndarray
    faces: np.ndarray
    weights: np.ndarray
    chains: tuple[tuple[int, ...], ...]
    wrist: int
    joints: np.ndarray
    dorsal: np.ndarray
    border: np.ndarray


@lru_cache(maxsize=1)
def load_hand_rig() -> HandRig:
    """Load the shipped hand."""
    with as_file(files(__package__) / 'generic_hand' / 'left.glb') as path:
        mesh = read_skinned_mesh(path)
    chains = tuple(
        tuple(mesh.joints.index(f'{finger}-{bone}') for bone in bones)
        for finger, bones in _BONES.items()
    )
    wrist = mesh.joints.index('wrist')
    axes, origin = _palm_axes(mesh, wrist, chains)

    def in_world(points: np.ndarray) -> np.ndarray:
        placed: np.ndarray = (points - origin) @ axes * _ENLARGED + _WRIST
        return placed

    normals = mesh.normals @ axes
    vertices = in_world(mesh.vertices)
    faces = mesh.faces[~_closes_wrist(vertices, normals, mesh.faces)]
    return HandRig(
        vertices=vertices,
        normals=normals / np.linalg.norm(normals, axis=1, keepdims=True),
        coordinates=mesh.coordinates,
        faces=faces,
        weights=mesh.weights,
        chains=chains,
        wrist=wrist,
        joints=in_world(mesh.rest[:, :3, 3]),
        dorsal=mesh.rest[:, :3, 1] @ axes,
        border=_border(vertices, faces),
    )


def _palm_axes(
    mesh: SkinnedMesh, wrist: int, chains: tuple[tuple[int, ...], ...]
) -> tuple[np.ndarray, np.ndarray]:
    """Return the palm's axes as columns [3, 3], and the wrist's position [3], in the file's."""
    positions = mesh.rest[:, :3, 3]
    origin = positions[wrist]
    # the roots of the middle and the ring finger lie on both sides of the hand's middle
    knuckles = positions[[chains[2][1], chains[3][1]]]
    forward = 0.7 * knuckles[0] + 0.3 * knuckles[1] - origin
    forward /= np.linalg.norm(forward)
    dorsal = mesh.rest[wrist, :3, 1]
    dorsal = dorsal - (dorsal @ forward) * forward
    dorsal /= np.linalg.norm(dorsal)
    return np.stack([np.cross(forward, dorsal), forward, dorsal], axis=1), origin


def _closes_wrist(vertices: np.ndarray, normals: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """Find the faces that close the mesh behind the wrist: bool [F]."""
    behind = vertices[:, 1] < _WRIST[1] - 0.005
    backward = normals[:, 1] < -0.9
    closing: np.ndarray = (behind & backward)[faces].all(axis=1)
    return closing


def _border(vertices: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """Return the vertices on the only open edge, in order: int64 [K]."""
    # vertices are doubled along the seams of the texture
    _, first, inverse = np.unique(
        vertices.round(6), axis=0, return_index=True, return_inverse=True
    )
    welded = inverse.reshape(-1)[faces]
    edges = np.concatenate([welded[:, [0, 1]], welded[:, [1, 2]], welded[:, [2, 0]]]).tolist()
    uses = Counter(tuple(sorted(edge)) for edge in edges)
    following = {start: end for start, end in edges if uses[tuple(sorted((start, end)))] == 1}
    loop = [next(iter(following))]
    while (after := following[loop[-1]]) != loop[0]:
        loop.append(after)
    return first[loop]

# SPDX-License-Identifier: Apache-2.0
"""The shipped mesh of a hand in the axes of `bodies.hand`, with its skeleton.

The mesh is the generic hand of `@webxr-input-profiles/assets` 1.0.20, under the MIT licence beside
it: its skinned mesh in the palm's axes, enlarged by 6 %, without the faces that close the wrist.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import as_file, files
from typing import ClassVar

import numpy as np

# By finger, thumb first, the indices of its joints from the metacarpal bone to the tip.
_CHAINS = (
    (23, 22, 21, 20),
    (19, 18, 17, 16, 15),
    (14, 13, 12, 11, 10),
    (9, 8, 7, 6, 5),
    (4, 3, 2, 1, 0),
)


@dataclass(frozen=True)
class HandRig:
    """Left hand at rest in the palm's axes: x to the thumb, y to the fingers, z out of the back.

    Attributes:
        vertices, normals: float64 [V, 3], metres.
        coordinates: float64 [V, 2], texture coordinates, (0, 0) at the image's top left.
        faces: int64 [F, 3]; the mesh is open at the wrist.
        weights: float64 [V, J], share of each joint in a vertex.
        joints: float64 [J, 3], positions of the joints.
        dorsal: float64 [J, 3], unit vectors out of the back of each joint.
        border: int64 [K], vertices around the opening at the wrist, in order.
        chains: by finger, thumb first, the indices of its joints from the metacarpal bone to the
            tip.
    """

    vertices: np.ndarray
    normals: np.ndarray
    coordinates: np.ndarray
    faces: np.ndarray
    weights: np.ndarray
    joints: np.ndarray
    dorsal: np.ndarray
    border: np.ndarray
    chains: ClassVar[tuple[tuple[int, ...], ...]] = _CHAINS


@lru_cache(maxsize=1)
def load_hand_rig() -> HandRig:
    """Load the shipped hand."""
    with as_file(files(__package__) / 'generic_hand' / 'left.npz') as path, np.load(path) as kept:
        return HandRig(
            **{name: kept[name].astype(np.float64) for name in kept if name not in _INDICES},
            **{name: kept[name].astype(np.int64) for name in _INDICES},
        )


_INDICES = ('faces', 'border')

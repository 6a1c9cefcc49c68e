# SPDX-License-Identifier: Apache-2.0
"""Linear blend skinning: vertices that follow several joints at once."""

from __future__ import annotations

import numpy as np


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

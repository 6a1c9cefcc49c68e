# SPDX-License-Identifier: Apache-2.0
"""Points of a mesh for the pixels of its texture."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np


@dataclass(frozen=True)
class TexelMap:
    """Points of a mesh for the pixels of its texture.

    Attributes:
        positions, normals: float32 [S, S, 3]; pixels beside the mesh show the nearest point.
    """

    positions: np.ndarray
    normals: np.ndarray


def map_texels(
    vertices: np.ndarray,
    normals: np.ndarray,
    coordinates: np.ndarray,
    faces: np.ndarray,
    side: int,
) -> TexelMap:
    """Map the pixels of a square texture to the mesh.

    Args:
        vertices, normals: float64 [V, 3].
        coordinates: float64 [V, 2], texture coordinates.
        faces: int64 [F, 3].
        side: side of the texture in pixels.
    """
    shown = np.zeros((side, side, 6), np.float32)
    covered = np.zeros((side, side), np.uint8)
    attributes = np.concatenate([vertices, normals], axis=1)
    positions = coordinates * side - 0.5
    for face in faces:
        _fill_triangle(shown, covered, positions[face], attributes[face])
    _, labels = cv2.distanceTransformWithLabels(
        1 - covered, cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL
    )
    # each label belongs to one covered pixel
    source = np.zeros(int(labels.max()) + 1, np.int64)
    inside = np.flatnonzero(covered)
    source[labels.ravel()[inside]] = inside
    filled = shown.reshape(-1, 6)[source[labels.ravel()]].reshape(side, side, 6)
    return TexelMap(filled[..., :3], filled[..., 3:])


def _fill_triangle(
    shown: np.ndarray, covered: np.ndarray, corners: np.ndarray, values: np.ndarray
) -> None:
    low = np.maximum(np.floor(corners.min(axis=0)).astype(int), 0)
    high = np.minimum(np.ceil(corners.max(axis=0)).astype(int), covered.shape[0] - 1)
    columns, rows = np.meshgrid(
        np.arange(low[0], high[0] + 1), np.arange(low[1], high[1] + 1), indexing='xy'
    )
    edges = np.column_stack([corners[1] - corners[0], corners[2] - corners[0]])
    if abs(np.linalg.det(edges)) < 1e-9:
        return
    offset = np.stack([columns.ravel(), rows.ravel()]) - corners[0][:, None]
    second, third = np.linalg.solve(edges, offset)
    inside = (second > -0.02) & (third > -0.02) & (second + third < 1.02)
    shares = np.stack([1 - second - third, second, third], axis=1)[inside]
    position = rows.ravel()[inside], columns.ravel()[inside]
    shown[position] = shares @ values
    covered[position] = 1

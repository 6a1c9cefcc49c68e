# SPDX-License-Identifier: Apache-2.0
"""The outlines of elements, in the panel's coordinates and in images."""

from __future__ import annotations

import cv2
import numpy as np

from afformer_core.sim.appliance import Element, Kind
from afformer_core.sim.camera import Camera
from afformer_core.sim.world import bar_radius


def element_solid(element: Element) -> np.ndarray:
    """Points whose hull is the element at rest, float64 [P, 3], in the panel's coordinates."""
    if element.kind is Kind.HANDLE:
        return _handle_solid(element)
    depth = element.depth
    if element.kind is Kind.BUTTON:
        ring = _rim(element) if element.shape == 'round' else _frame(element)
        return np.concatenate([_lift(ring, 0.0), _lift(ring, depth)])
    ring = _rim(element)
    if element.shape == 'disc':
        return np.concatenate(
            [_lift(ring, 0.0), _lift(ring, 0.3 * depth), _lift(_rim(element, 0.85), depth)]
        )
    across, along = 0.28 * element.width / 2, 0.95 * element.width / 2
    ridge = np.array([[-across, -along], [across, -along], [across, along], [-across, along]])
    cosine, sine = np.cos(element.angle), np.sin(element.angle)
    ridge = ridge @ np.array([[cosine, sine], [-sine, cosine]]) + [element.x, element.y]
    return np.concatenate([_lift(ring, 0.0), _lift(ring, 0.5 * depth), _lift(ridge, depth)])


def project_outline(
    element: Element, camera: Camera, size: tuple[int, int], offset: float = 0.0
) -> np.ndarray:
    """The convex outline of an element in an image.

    Args:
        element: whose outline.
        camera: that takes the image.
        size: (width, height) of the image.
        offset: metres that the element has moved out of the panel.

    Returns:
        float64 [K, 2], (x, y) in pixels, pixel centres at integers; not clipped to the image.
    """
    pixels = camera.project(element_solid(element) + np.array([0, 0, offset]), size)
    return cv2.convexHull(pixels.astype(np.float32))[:, 0].astype(np.float64)


def front_points(
    element: Element, count: int, spread: float, random: np.random.Generator
) -> np.ndarray:
    """Where annotators would touch the element: float64 [count, 3] on its front, metres.

    `spread` is the standard deviation as a share of the element's half extent.
    """
    half = np.array([element.width, element.height]) / 2
    if element.kind is Kind.HANDLE:
        half = half * ([0.4, 1] if element.vertical else [1, 0.4])
    place = np.clip(random.normal(0, spread, (count, 2)), -0.9, 0.9) * half
    return _lift(place + np.array([element.x, element.y]), element.depth)


def _rim(element: Element, share: float = 1.0) -> np.ndarray:
    angles = np.linspace(0, 2 * np.pi, 24, endpoint=False)
    circle = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    return circle * share * element.width / 2 + [element.x, element.y]


def _frame(element: Element) -> np.ndarray:
    corners = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) / 2
    return corners * [element.width, element.height] + [element.x, element.y]


def _handle_solid(element: Element) -> np.ndarray:
    radius = bar_radius(element)
    along = element.height if element.vertical else element.width
    reach = along / 2 - 0.1 * along * (element.shape == 'drawer')
    half = np.array([radius, reach] if element.vertical else [reach, radius])
    bar = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * half + [element.x, element.y]
    plate = _frame(element)
    return np.concatenate(
        [
            _lift(plate, 0.0),
            _lift(plate, 0.005),
            _lift(bar, element.depth - 2 * radius),
            _lift(bar, element.depth),
        ]
    )


def _lift(points: np.ndarray, z: float) -> np.ndarray:
    return np.column_stack([points, np.full(len(points), z)])

# SPDX-License-Identifier: Apache-2.0
"""Outlines of elements in images, and points that people would mark on them."""

from __future__ import annotations

import cv2
import numpy as np

from afformer_sim.bodies.element import Element
from afformer_sim.bodies.fixture import Fixture
from afformer_sim.bodies.pose import STILL, Pose
from afformer_sim.cameras.camera import Camera


def project_outline(
    element: Element, camera: Camera, size: tuple[int, int], displacement: Pose = STILL
) -> np.ndarray:
    """Project the convex outline of an element's operated part into an image.

    Args:
        element: the element.
        camera: camera that takes the image.
        size: (width, height) of the image.
        displacement: displacement of the element from rest.

    Returns:
        float64 [K, 2], (x, y) in pixels, pixel centres at integers; not clipped to the image.
    """
    pixels = camera.project(element.operated(displacement), size)
    return cv2.convexHull(pixels.astype(np.float32))[:, 0].astype(np.float64)


def front_points(
    element: Element,
    count: int,
    spread: float,
    rng: np.random.Generator,
    displacement: Pose = STILL,
) -> np.ndarray:
    """Draw points at which annotators would touch the element: float64 [count, 3] metres.

    They lie on its front. `spread` is the standard deviation as a share of the front's half
    extent.
    """
    front = element.front
    half = np.array([front.half_width, front.half_height])
    position = rng.normal(0, spread, (count, 2))
    # within the ellipse, because fronts may be round
    position *= np.minimum(1, 0.9 / np.linalg.norm(position, axis=1, keepdims=True)) * half
    local = np.column_stack([position, np.zeros(count)]) + front.centre
    return element.placed(displacement).apply(local)


def front_centre(element: Element, displacement: Pose = STILL) -> np.ndarray:
    """Return the middle of the element's front, [3] metres."""
    return element.placed(displacement).apply(np.array(element.front.centre))


def vector_to_nearest(fixture: Fixture, index: int) -> np.ndarray | None:
    """Return the vector to the nearest element in the element's own frame; None if it is alone."""
    own = fixture.elements[index]
    others = [other for number, other in enumerate(fixture.elements) if number != index]
    if not others:
        return None
    here = front_centre(own)
    nearest = min(others, key=lambda other: float(np.linalg.norm(front_centre(other) - here)))
    toward: np.ndarray = (front_centre(nearest) - here) @ own.pose.rotation
    return toward

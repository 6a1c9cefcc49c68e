# SPDX-License-Identifier: Apache-2.0
"""Robot arms with grippers that stand in views without touching anything."""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import replace

import numpy as np

from afformer_sim.bodies.hand import Capsule
from afformer_sim.bodies.pose import cross
from afformer_sim.bodies.solid import Colour
from afformer_sim.cameras.camera import Camera
from afformer_sim.scene.renderer import HAND, Renderer
from afformer_sim.scene.view import SceneView

# Shells of arms, and their joints and grippers.
_SHELLS: tuple[Colour, ...] = (
    (0.92, 0.92, 0.93),
    (0.78, 0.79, 0.81),
    (0.15, 0.15, 0.16),
    (0.90, 0.42, 0.08),
    (0.25, 0.42, 0.62),
)
_JOINTS: tuple[Colour, ...] = ((0.10, 0.10, 0.11), (0.45, 0.46, 0.48), (0.20, 0.35, 0.65))
_TRIES = 24
# Shares of the image that a robot may cover, and minimum visible share of an element.
_LEAST_COVERED, _MOST_COVERED = 0.03, 0.35
_LEAST_SEEN = 0.85


def with_robot(
    renderer: Renderer, view: SceneView, elements: Collection[int], rng: np.random.Generator
) -> SceneView:
    """Return a view with a robot arm in it, or the unchanged view if none fits.

    Args:
        renderer: classic renderer of the scene.
        view: view of the scene.
        elements: indices of elements that must stay in view.
        rng: source of randomness.
    """
    bare = renderer.segment(view.camera, view.size, states=view.states)
    distance = _distance(renderer, view)
    for _ in range(_TRIES):
        robot = _sample_robot(view.camera, view.size, distance, rng)
        codes = renderer.segment(view.camera, view.size, robot, view.states)
        covered = float((codes <= HAND).mean())
        seen = all(
            (codes == index).sum() >= _LEAST_SEEN * (bare == index).sum() for index in elements
        )
        if seen and _LEAST_COVERED < covered < _MOST_COVERED:
            return replace(view, robot=robot)
    return view


def _distance(renderer: Renderer, view: SceneView) -> float:
    """Return the distance of the nearest surface in a view, in metres."""
    depth = renderer.depth(view.camera, view.size, states=view.states)
    return float(np.percentile(depth, 20))


def _sample_robot(
    camera: Camera, size: tuple[int, int], distance: float, rng: np.random.Generator
) -> tuple[Capsule, ...]:
    """Draw an arm that comes from beyond the image's border."""
    half_height = distance * math.tan(math.radians(camera.field_of_view) / 2)
    half = np.array([half_height * size[0] / size[1], half_height])
    right, up, back = camera.rotation.T

    def position(across: np.ndarray, depth: float) -> np.ndarray:
        x, y = (across * half * depth).tolist()
        spot: np.ndarray = camera.position + x * right + y * up - depth * distance * back
        return spot

    angle = rng.uniform(0, 2 * math.pi)
    outside = 1.7 * np.array([math.cos(angle), math.sin(angle)])
    outside /= max(abs(outside).max() / 1.5, 1e-6)
    tip = position(rng.uniform(-0.75, 0.75, 2), rng.uniform(0.75, 0.95))
    base = position(outside, rng.uniform(0.7, 1.0))
    sideways = cross((tip - base) / np.linalg.norm(tip - base), back)
    bend = rng.uniform(-0.5, 0.5) * float(np.linalg.norm(tip - base)) * sideways
    elbow = (base + tip) / 2 + bend
    toward = (tip - elbow) / np.linalg.norm(tip - elbow)
    return _arm(base, elbow, tip, toward, rng)


def _arm(
    base: np.ndarray,
    elbow: np.ndarray,
    tip: np.ndarray,
    toward: np.ndarray,
    rng: np.random.Generator,
) -> tuple[Capsule, ...]:
    shell = _SHELLS[int(rng.integers(len(_SHELLS)))]
    joint = _JOINTS[int(rng.integers(len(_JOINTS)))]
    thick = rng.uniform(0.02, 0.045)
    wrist = tip - 0.14 * toward
    side = cross(toward, rng.standard_normal(3))
    side /= np.linalg.norm(side)
    opening = rng.uniform(0.012, 0.045)
    crossbar = wrist + 0.075 * toward
    capsules = [
        Capsule(base, elbow, thick, shell),
        Capsule(elbow, wrist, 0.8 * thick, shell),
        Capsule(elbow - 0.6 * thick * side, elbow + 0.6 * thick * side, 1.25 * thick, joint),
        Capsule(wrist - 0.02 * toward, wrist + 0.02 * toward, thick, joint),
        Capsule(wrist, wrist + 0.06 * toward, 0.7 * thick, shell),
        Capsule(crossbar - 0.05 * side, crossbar + 0.05 * side, 0.014, joint),
    ]
    for sign in (-1.0, 1.0):
        root = wrist + 0.085 * toward + sign * opening * side
        capsules.append(Capsule(root, root + 0.055 * toward, 0.009, joint))
    return tuple(capsules)

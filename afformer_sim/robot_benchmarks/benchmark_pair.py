# SPDX-License-Identifier: Apache-2.0
"""Pairs of a demonstration on a benchmark's part and another view of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import count, islice

import cv2
import numpy as np

from afformer_core.errors import DatasetError
from afformer_core.media.polygons import Polygon
from afformer_sim.bodies.seeds import Stream, make_rng
from afformer_sim.robot_benchmarks.benchmark_renderer import BenchmarkRenderer
from afformer_sim.robot_benchmarks.benchmark_scene import BenchmarkScene
from afformer_sim.scene.demonstration import (
    SimulatedDemonstration,
    plan_demonstration,
    with_meshes,
)
from afformer_sim.scene.renderer import HAND
from afformer_sim.scene.view import SceneView, plan_target
from afformer_sim.scene.visibility import elements_in_view

# Pixels by which an outline may differ from the mask, and minimum share of the mask in one piece.
_TOLERANCE, _LEAST_PIECE = 0.8, 0.05
_TRIES = 200
_LEAD = (0.15, 0.45)
# Minimum share of an image that shows the part, and maximum distance of the contact point from the
# visible part, as a share of the diagonal.
_SMALLEST, _FARTHEST = 0.003, 0.01
# Maximum share of a frame that shows the hand, from before to after the contact.
_LARGEST_HAND = 0.4
_WATCHED = 6


@dataclass(frozen=True)
class BenchmarkPair:
    """Demonstration and target view.

    Attributes:
        demonstration: begins before the hand is in view.
        target: the fixture at rest, without a hand.
        outlines: outlines of the part's visible pieces in the target, float64 [K, 2] pixels each;
            at least one.
    """

    demonstration: SimulatedDemonstration
    target: SceneView
    outlines: tuple[Polygon, ...]

    def __post_init__(self) -> None:
        if not self.outlines:
            raise ValueError('outlines are empty; the target must show the part')


def plan_pair(
    scene: BenchmarkScene, renderer: BenchmarkRenderer, longest_side: int, *, mesh: bool
) -> BenchmarkPair:
    """Draw a pair in which both cameras see the part, deterministically.

    Args:
        scene: scene of the pair.
        renderer: open renderer of the scene.
        longest_side: longest side of the images in pixels; their aspect is random.
        mesh: True for a hand of meshes, False for one of capsules.

    Raises:
        DatasetError: the part is hidden in 200 views.
    """
    demonstration = next(
        (
            candidate
            for candidate in islice(_demonstrations(scene, longest_side, mesh=mesh), _TRIES)
            if _shows_contact(scene, renderer, candidate)
            and _is_hand_apart(scene, renderer, candidate)
        ),
        None,
    )
    if demonstration is None:
        raise _hidden(scene)
    for number in range(_TRIES):
        target = _in_room(
            scene, replace(plan_target(scene, number, longest_side), states={}, variant=0)
        )
        outlines = _outlines(renderer, target)
        if outlines:
            return BenchmarkPair(demonstration, target, tuple(outlines))
    raise _hidden(scene)


def _demonstrations(
    scene: BenchmarkScene, longest_side: int, *, mesh: bool
) -> Iterator[SimulatedDemonstration]:
    for performance in count():
        demonstration = plan_demonstration(scene, 0, longest_side, performance=performance)
        if demonstration.motion.start <= 0:
            # the hand would be in view from the beginning
            continue
        rng = make_rng(scene.seed, Stream.HAND_STYLE, performance)
        if mesh:
            demonstration = with_meshes(demonstration, rng)
            demonstration = replace(demonstration, lead=float(rng.uniform(*_LEAD)))
        yield replace(demonstration, view=_in_room(scene, demonstration.view))


def _in_room(scene: BenchmarkScene, view: SceneView) -> SceneView:
    if not scene.part.source.furnished:
        return view
    return replace(view, surroundings=replace(view.surroundings, table=None, clutter=()))


def _shows_contact(
    scene: BenchmarkScene, renderer: BenchmarkRenderer, demonstration: SimulatedDemonstration
) -> bool:
    """Check whether the contact point is on the visible part, and in view at the contact."""
    fixture, motion = scene.fixture, demonstration.motion
    first = -demonstration.lead
    pixel = demonstration.contact_pixel(fixture, first)
    middle = (motion.start + min(motion.end, 1.0)) / 2
    if pixel is None or demonstration.contact_pixel(fixture, middle) is None:
        return False
    mask = _mask(renderer, replace(demonstration.view, camera=demonstration.camera(first)))
    reach = _FARTHEST * float(np.hypot(*demonstration.view.size))
    return bool(mask.mean() >= _SMALLEST) and is_near(mask, pixel, reach)


def _is_hand_apart(
    scene: BenchmarkScene, renderer: BenchmarkRenderer, demonstration: SimulatedDemonstration
) -> bool:
    """Check whether the arm's end is outside the image, and the hand never fills it."""
    fixture, motion, view = scene.fixture, demonstration.motion, demonstration.view
    middle = (motion.start + min(motion.end, 1.0)) / 2
    elbow = demonstration.pose(fixture, middle).elbow[None]
    if view.camera.has_ahead(elbow):
        pixel = view.camera.project(elbow, view.size)[0]
        if (pixel > 0).all() and (pixel < view.size).all():
            return False
    return all(
        (
            renderer.segment(
                demonstration.camera(time),
                view.size,
                demonstration.shown_hand(fixture, time),
                demonstration.states(time),
            )
            <= HAND
        ).mean()
        < _LARGEST_HAND
        for time in np.linspace(0.0, 1.0, _WATCHED).tolist()
    )


def _outlines(renderer: BenchmarkRenderer, target: SceneView) -> list[Polygon]:
    mask = _mask(renderer, target)
    return outline_mask(mask) if mask.mean() >= _SMALLEST else []


def _mask(renderer: BenchmarkRenderer, view: SceneView) -> np.ndarray:
    mask: np.ndarray = elements_in_view(renderer, view) == 0
    return mask


def _hidden(scene: BenchmarkScene) -> DatasetError:
    return DatasetError(
        f'the part of {scene.family} is hidden in {_TRIES} views of seed {scene.seed}; expected '
        'one that shows it. Choose another --seed'
    )


def outline_mask(mask: np.ndarray) -> list[Polygon]:
    """Outline the pieces of a mask, bool [H, W]: float64 [K, 2] pixels (x, y) each.

    Pieces of less than a twentieth of the mask, and holes, are left out.
    """
    # twice as large, so that outlines run a quarter of a pixel inside the border
    enlarged = np.kron(mask, np.ones((2, 2), np.uint8)).astype(np.uint8)
    found, _ = cv2.findContours(enlarged, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    pieces = []
    for contour in found:
        simple = cv2.approxPolyDP(contour, 2 * _TOLERANCE, closed=True)[:, 0]
        area = cv2.contourArea(contour) / 4
        if len(simple) >= 3 and area >= _LEAST_PIECE * mask.sum():
            pieces.append((simple - 0.5) / 2)
    return pieces


def is_near(mask: np.ndarray, pixel: np.ndarray, distance: float) -> bool:
    """Check whether a mask, bool [H, W], has a pixel within a distance of a point [2]."""
    rows, columns = np.nonzero(mask)
    apart = np.hypot(columns - pixel[0], rows - pixel[1])
    return bool(apart.size and apart.min() <= distance)

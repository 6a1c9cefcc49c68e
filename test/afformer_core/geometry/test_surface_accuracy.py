# SPDX-License-Identifier: Apache-2.0
"""Accuracy of points and normals, and holes and edges, which give none.

Panels at 0.5 to 1 m, tilted up to 60 degrees, with buttons and boxes 8, 15 and 40 mm high.
"""

import math
from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
import pytest

from afformer_core.geometry.calibration import Calibration
from afformer_core.geometry.depth_image import DepthImage
from afformer_core.geometry.surface import SurfacePoint, SurfaceSettings, measure_surfaces

HEIGHTS = (0.008, 0.015, 0.04)
PEAKS = 60


def panel_with_buttons(seed: int, scene: Callable[..., Any], solid: Callable[..., Any]) -> Any:
    rng = np.random.default_rng(seed)
    solids = []
    for index in range(20):
        x, y = -0.2 + 0.1 * (index % 5), -0.13 + 0.0867 * (index // 5)
        top = HEIGHTS[index % 3]
        width, height = rng.uniform(0.01, 0.025, 2)
        solids.append(solid(x, y, width, height, 0, top))
    distance, tilt, turn = (rng.uniform(*limits) for limits in ((0.5, 1), (0, 60), (0, 360)))
    return scene(seed, distance, tilt, turn, solids)


@pytest.fixture(scope='module')
def panels(scene: Callable[..., Any], solid: Callable[..., Any]) -> list[Any]:
    return [panel_with_buttons(seed, scene, solid) for seed in range(8)]


def surface_at(depth: DepthImage, calibration: Calibration, u: float, v: float) -> SurfacePoint:
    (surface,) = measure_surfaces(depth, calibration, (480, 640), [(u, v)], SurfaceSettings())
    return surface


def surfaces_at(
    pixels: np.ndarray, panel: Any, calibration: Calibration, rng: np.random.Generator
) -> list[tuple[tuple[float, float], tuple[int, int], SurfacePoint]]:
    """Sub-pixel position (u, v), its pixel (row, column), and the surface of some pixels."""
    chosen = rng.permutation(pixels)[:PEAKS]
    found = []
    for row, column in chosen.tolist():
        u, v = np.array([column, row]) + rng.uniform(-0.5, 0.5, 2)
        surface = surface_at(panel.seen, calibration, u, v)
        found.append(((u, v), (row, column), surface))
    return found


@pytest.fixture(scope='module')
def well_inside(panels: list[Any], calibration: Calibration) -> list[tuple[Any, ...]]:
    """Of peaks 5 pixels or more from every edge and blob, half of them on the panel."""
    rng = np.random.default_rng(1)
    found = []
    for panel in panels:
        inner = panel.inner(5)
        on_panel = panel.labels[tuple(inner.T)] == 0
        for part in (inner[on_panel], inner[~on_panel]):
            found += [(panel, *each) for each in surfaces_at(part, panel, calibration, rng)]
    return found


def errors(found: list[tuple[Any, ...]], calibration: Calibration) -> np.ndarray:
    """Metres from each point to the true surface on the ray of its peak."""
    distances = []
    for panel, position, pixel, surface in found:
        if surface.position is None:
            continue
        normal = panel.normals[pixel]
        at_pixel = np.append(calibration.rays([pixel[::-1]])[0], 1) * panel.depth[pixel]
        ray = np.append(calibration.rays([position])[0], 1)
        target = ray * (normal @ at_pixel) / (normal @ ray)
        distances.append(float(np.linalg.norm(surface.position - target)))
    return np.array(distances)


def given(found: list[Any]) -> float:
    """Share of peaks that have a point."""
    return float(np.mean([entry[-1].position is not None for entry in found]))


def test_points_and_normals_inside_surfaces_are_given_and_accurate(
    well_inside: list[tuple[Any, ...]], calibration: Calibration
) -> None:
    assert given(well_inside) >= 0.9
    assert np.median(errors(well_inside, calibration)) <= 0.003
    assert np.percentile(errors(well_inside, calibration), 95) <= 0.004
    cosines = [
        float(surface.normal @ panel.normals[pixel])
        for panel, _, pixel, surface in well_inside
        if surface.normal is not None
    ]
    assert len(cosines) >= 0.9 * len(well_inside)
    assert np.mean(np.array(cosines) >= math.cos(math.radians(10))) >= 0.95


def test_covariance_along_the_ray_is_that_of_the_errors(
    well_inside: list[tuple[Any, ...]], calibration: Calibration
) -> None:
    deviations = []
    for *_, position, _, surface in well_inside:
        if surface.covariance is None:
            continue
        # Across the ray, the pixel's uncertainty has no part in the error of the depth.
        information = np.linalg.inv(surface.covariance)
        ray = np.append(calibration.rays([position])[0], 1)
        ray /= np.linalg.norm(ray)
        deviations.append(1 / math.sqrt(ray @ information @ ray))
    shares = errors(well_inside, calibration) / np.array(deviations)

    assert 0.8 < np.median(shares) / 0.6745 < 1.25


def test_no_point_from_holes(panels: list[Any], calibration: Calibration) -> None:
    rng = np.random.default_rng(2)
    found = [
        entry
        for panel in panels
        for entry in surfaces_at(np.argwhere(panel.holes), panel, calibration, rng)
    ]

    assert given(found) == 0


def test_no_point_from_edges(panels: list[Any], calibration: Calibration) -> None:
    rng = np.random.default_rng(3)
    found = [
        entry
        for panel in panels
        for entry in surfaces_at(panel.discontinuities(0.03), panel, calibration, rng)
    ]

    assert len(found) == 8 * PEAKS
    assert given(found) <= 0.01


def middles(labels: np.ndarray, panel: Any) -> np.ndarray:
    """Positions (u, v) in the middle of a vertical bar, no hole blob on it."""
    clear = cv2.distanceTransform((~panel.blobs).astype(np.uint8), cv2.DIST_L2, 5) > 3
    positions = []
    for row in range(60, 420):
        columns = np.flatnonzero(labels[row])
        middle = float(columns.mean())
        if clear[row, round(middle)] and not panel.holes[row, int(np.floor(middle + 0.5))]:
            positions.append((middle, row))
    return np.array(positions)


@pytest.mark.parametrize('width', [7, 8])
def test_a_thin_handle_far_before_its_background(
    width: int, scene: Callable[..., Any], solid: Callable[..., Any], calibration: Calibration
) -> None:
    rng = np.random.default_rng(4)
    results, distances = [], []
    for seed, gap in enumerate((0.04, 0.08, 0.15, 0.3)):
        half_width = width / 2 * 0.7 / 600
        panel = scene(seed, 0.7 + gap, 0, 0, [solid(0.0005, 0, half_width, 0.3, gap - 0.006, gap)])
        for u, v in rng.permutation(middles(panel.depth < 0.71, panel))[:PEAKS]:
            surface = surface_at(panel.seen, calibration, u, v)
            results.append(surface.problem == '')
            if surface.position is not None:
                distances.append(abs(surface.position[2] - 0.7))

    assert np.mean(results) >= 0.9
    assert np.median(distances) <= 0.003


@pytest.mark.parametrize(('distance', 'height'), [(0.5, 0.006), (0.75, 0.01), (1.0, 0.02)])
def test_steps_found(
    distance: float,
    height: float,
    scene: Callable[..., Any],
    solid: Callable[..., Any],
    calibration: Calibration,
) -> None:
    panel = scene(
        7, distance, 20, 70, [solid(0, y, 0.05, 0.02, 0, height) for y in (-0.06, 0, 0.06)]
    )
    edge = panel.discontinuities(0.7 * height / distance)

    found = surfaces_at(edge, panel, calibration, np.random.default_rng(5))

    assert given(found) <= 0.1


def test_a_noisier_sensor_than_thought(
    scene: Callable[..., Any], solid: Callable[..., Any], calibration: Calibration
) -> None:
    panel = scene(8, 0.7, 30, 40, [solid(0, 0, 0.05, 0.04, 0, 0.04)], noise=0.01)

    found = surfaces_at(panel.inner(5), panel, calibration, np.random.default_rng(6))

    assert given(found) >= 0.9


def test_a_round_handle(calibration: Calibration) -> None:
    rng = np.random.default_rng(9)
    radius, distance = 0.015, 0.7
    v, _ = np.mgrid[:480, :640]
    y = (v - 239.5) / 600
    middle, a = distance + radius, 1 + y * y
    root = middle**2 - a * (middle**2 - radius**2)
    depth = np.where(root > 0, (middle - np.sqrt(np.maximum(root, 0))) / a, distance + 0.08)
    noisy = depth * (1 + 0.005 * rng.standard_normal(depth.shape))
    image = DepthImage(noisy.astype(np.float32), 'camera', 0)

    surfaces = [surface_at(image, calibration, column, 239.5) for column in range(40, 600, 10)]

    assert np.mean([surface.position is not None for surface in surfaces]) >= 0.9
    depths = [surface.position[2] for surface in surfaces if surface.position is not None]
    assert np.median(np.abs(np.array(depths) - distance)) <= 0.003
    tilts = [-surface.normal[2] for surface in surfaces if surface.normal is not None]
    assert len(tilts) >= 0.9 * len(surfaces)
    assert np.mean(np.array(tilts) >= math.cos(math.radians(10))) >= 0.95

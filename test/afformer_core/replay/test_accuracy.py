# SPDX-License-Identifier: Apache-2.0
"""Points in space against the simulator's exact depth, at 0.5 to 1 m, through realistic noise."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import pytest

from afformer_core.geometry.calibration import Calibration
from afformer_core.geometry.depth_image import DepthImage
from afformer_core.geometry.surface import SurfacePoint, SurfaceSettings, measure_surfaces
from afformer_core.media.bag import Bag, BagExtract
from afformer_core.messages.rosbags_messages import RosbagsMessages, affordance_typestore
from afformer_core.replay.demonstrations import ReplayDemonstrations
from afformer_core.replay.replay import ReplayRequest, write_replay
from afformer_core.replay.topics import choose_topics
from afformer_core.runtime import ArrayGrounder
from afformer_core.stream.settings import PipelineSettings
from afformer_sim.cameras.depth_camera import SensedDepth, depth_edges
from afformer_sim.datasets.rgbd_bag import sensed_depth, write_rgbd_bag
from afformer_sim.datasets.rgbd_messages import camera_info_message, header_message
from afformer_sim.datasets.rgbd_scene import RgbdBagSettings
from afformer_sim.scene.renderer import Renderer

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

SEEDS = (31, 32, 33)
# Metres between two surfaces: four standard deviations of the noise at 0.75 m.
EDGE = 0.015
PER_IMAGE = 60


@dataclass(frozen=True)
class Observation:
    """One view: exact depth, what the camera measured, and what each pixel belongs to."""

    exact: np.ndarray
    sensed: SensedDepth
    calibration: Calibration
    normal: np.ndarray
    panel: np.ndarray

    def measure(self, u: float, v: float) -> SurfacePoint:
        millimetres = self.sensed.millimetres()
        metres = np.where(millimetres > 0, millimetres / 1000, np.nan).astype(np.float32)
        depth = DepthImage(metres, 'camera', 0)
        (surface,) = measure_surfaces(
            depth, self.calibration, metres.shape, [(u, v)], SurfaceSettings()
        )
        return surface

    def target(self, u: float, v: float) -> np.ndarray:
        depth = float(self.exact[round(v), round(u)])
        point: np.ndarray = self.calibration.points([[u, v]], [depth])[0]
        return point


def observations(bag_settings: RgbdBagSettings, numbers: range) -> Iterator[Observation]:
    factory = RosbagsMessages(affordance_typestore())
    scene = bag_settings.scene()
    with Renderer(scene.scene, bag_settings.size) as renderer:
        for number in numbers:
            view = scene.views[number]
            renderer.set_room(view.lighting, view.surroundings)
            exact = renderer.depth(view.camera, view.size)
            info = camera_info_message(factory, view, header_message(factory, 0, 'camera'))
            annotation = scene.annotation(number, 0)
            assert annotation.position is not None
            assert annotation.normal is not None
            calibration = Calibration.from_message(info, rectified=False)
            v, u = np.mgrid[: exact.shape[0], : exact.shape[1]]
            points = calibration.points(np.stack([u, v], 2).reshape(-1, 2), exact.ravel())
            element = scene.scene.fixture.elements[scene.demonstration.element]
            surface = annotation.position - element.front.centre[2] * annotation.normal
            height = (points - surface) @ annotation.normal
            yield Observation(
                exact=exact,
                sensed=sensed_depth(renderer, bag_settings, view, number),
                calibration=calibration,
                normal=annotation.normal,
                panel=np.abs(height).reshape(exact.shape) < 1e-4,
            )


def clear(observation: Observation, pixels: int) -> np.ndarray:
    """Pixels that were measured and lie so far from all edges: bool [H, W]."""
    smooth = (~depth_edges(observation.exact)).astype(np.uint8)
    distance = cv2.distanceTransform(smooth, cv2.DIST_L2, 5)
    clear: np.ndarray = (distance > pixels) & ~observation.sensed.holes
    return clear


def drawn(mask: np.ndarray, rng: np.random.Generator) -> list[tuple[float, float]]:
    rows, columns = np.nonzero(mask)
    chosen = rng.choice(len(rows), min(PER_IMAGE, len(rows)), replace=False)
    return [(float(columns[i]), float(rows[i])) for i in chosen]


@pytest.mark.parametrize('seed', SEEDS)
def test_published_points_are_where_the_peaks_pixels_are(
    seed: int, tmp_path: Path, shipped_model: Path
) -> None:
    bag_settings = RgbdBagSettings(seed=seed, seconds=1.5)
    list(write_rgbd_bag(tmp_path / 'recording', bag_settings))
    demonstrations = ReplayDemonstrations(ArrayGrounder.load(shipped_model))
    (tmp_path / 'out').mkdir()
    settings = PipelineSettings(
        minimum_presence=0, minimum_confidence=0, minimum_feature_similarity=-1
    )
    with Bag(tmp_path / 'recording' / 'bag') as bag:
        topics = choose_topics(bag.topics, None, None, None, None)
        demonstrations.record(bag, topics.demonstration, BagExtract())
        replay = ReplayRequest(
            topics=topics,
            demonstration=demonstrations.selected,
            window=BagExtract(),
            settings=settings,
            annotations=None,
            calibration=None,
            facts={},
        )
        write_replay(bag, replay, demonstrations.predict, tmp_path / 'out', lambda _: None)
    errors = []
    with (tmp_path / 'out' / 'groundings.csv').open(newline='') as file:
        rows = list(csv.DictReader(file))
    for observation, row in zip(observations(bag_settings, range(45)), rows, strict=True):
        if row['z']:
            u, v, *position = (float(row[name]) for name in ('u', 'v', 'x', 'y', 'z'))
            gap = np.array(position) - observation.target(u, v)
            errors.append(1000 * float(np.linalg.norm(gap)))
    assert len(errors) > 15
    assert np.median(errors) <= 3
    assert np.percentile(errors, 95) <= 6


@pytest.mark.parametrize('seed', SEEDS)
def test_normals_of_panels_are_within_ten_degrees(seed: int) -> None:
    rng = np.random.default_rng(seed)
    angles = []
    for observation in observations(RgbdBagSettings(seed=seed, seconds=1), range(0, 30, 10)):
        for u, v in drawn(observation.panel & clear(observation, 25), rng):
            surface = observation.measure(u, v)
            if surface.normal is not None:
                cosine = np.clip(surface.normal @ observation.normal, -1, 1)
                angles.append(float(np.degrees(np.arccos(cosine))))
    assert len(angles) > PER_IMAGE
    assert np.percentile(angles, 95) <= 10


def test_no_point_comes_from_holes_or_edges() -> None:
    rng = np.random.default_rng(5)
    positions = points = 0
    for seed in SEEDS:
        for observation in observations(RgbdBagSettings(seed=seed, seconds=1), range(0, 30, 10)):
            edges = observation.sensed.edges & depth_edges(observation.exact, EDGE)
            for mask in (observation.sensed.holes, edges):
                for u, v in drawn(mask, rng):
                    positions += 1
                    points += observation.measure(u, v).position is not None
    assert positions > 800
    assert points <= 0.01 * positions


def test_most_pixels_far_from_edges_have_a_point() -> None:
    rng = np.random.default_rng(6)
    found = []
    for seed in SEEDS:
        for observation in observations(RgbdBagSettings(seed=seed, seconds=1), range(0, 30, 10)):
            for u, v in drawn(clear(observation, 10) & (observation.exact < 1.2), rng):
                found.append(observation.measure(u, v).position is not None)
    assert np.mean(found) > 0.9

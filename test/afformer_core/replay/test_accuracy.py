# SPDX-License-Identifier: Apache-2.0
"""Points in space against the simulator's exact depth, at 0.5 to 1 m, through realistic noise."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from afformer_core.geometry.calibration import Calibration
from afformer_core.media.bag import Bag, BagExtract
from afformer_core.messages.rosbags_messages import RosbagsMessages, affordance_typestore
from afformer_core.replay.demonstrations import ReplayDemonstrations
from afformer_core.replay.replay import ReplayRequest, write_replay
from afformer_core.replay.topics import choose_topics
from afformer_core.runtime import ArrayGrounder
from afformer_core.stream.settings import PipelineSettings
from afformer_sim.datasets.rgbd_bag import write_rgbd_bag
from afformer_sim.datasets.rgbd_messages import camera_info_message, header_message
from afformer_sim.datasets.rgbd_scene import RgbdBagSettings
from afformer_sim.scene.renderer import Renderer

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


def observations(
    settings: RgbdBagSettings, numbers: range
) -> Iterator[tuple[np.ndarray, Calibration]]:
    """Yield exact depth and calibration of each view."""
    factory = RosbagsMessages(affordance_typestore())
    scene = settings.scene()
    with Renderer(scene.scene, settings.size) as renderer:
        for number in numbers:
            view = scene.views[number]
            renderer.set_room(view.lighting, view.surroundings)
            info = camera_info_message(factory, view, header_message(factory, 0, 'camera'))
            exact = renderer.depth(view.camera, view.size)
            yield exact, Calibration.from_message(info, rectified=False)


@pytest.mark.parametrize('seed', [31, 32, 33])
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
    seen = observations(bag_settings, range(45))
    for (exact, calibration), row in zip(seen, rows, strict=True):
        if row['z']:
            u, v, *position = (float(row[name]) for name in ('u', 'v', 'x', 'y', 'z'))
            (target,) = calibration.points([[u, v]], [float(exact[round(v), round(u)])])
            gap = np.array(position) - target
            errors.append(1000 * float(np.linalg.norm(gap)))
    assert len(errors) > 15
    assert np.median(errors) <= 3
    assert np.percentile(errors, 95) <= 6

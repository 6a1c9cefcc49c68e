# SPDX-License-Identifier: Apache-2.0
"""Certainty in a replay: that of each image, and the threshold of the command."""

from __future__ import annotations

import argparse
from types import SimpleNamespace

import numpy as np
import pytest

from afformer_core.cli import replay
from afformer_core.geometry.surface import SurfacePoint
from afformer_core.outputs.placement import Placement
from afformer_core.outputs.results import CameraFrame, SpatialView, StreamedGrounding
from afformer_core.replay.replayed_image import ReplayedImage
from afformer_core.runtime import Grounding, Peak
from afformer_core.stream.pipeline import ComposedResult


def test_an_image_has_the_certainty_of_its_grounding() -> None:
    heatmap = np.full((12, 16), 1 / 192, np.float32)
    peaks = (Peak(3.2, 5.1, 0.31),)
    grounding = Grounding(
        heatmap,
        (12, 16),
        {'pull': 0.75},
        peaks,
        0.31,
        0.8,
        certainty=0.41,
        certainty_threshold=0.63,
    )
    problem = 'no depth is received'
    result = StreamedGrounding(
        demonstration='pull',
        grounding=grounding,
        found=True,
        confidence=0.31,
        feature_similarity=0.8,
        continuity=1.0,
        age=0.0,
        surfaces=(SurfacePoint.unknown(problem),),
        view=SpatialView(None, None, problem),
        restart='',
        stamp=7,
    )
    frame = CameraFrame(np.zeros((12, 16, 3), np.uint8), 7, 'camera')
    composed = ComposedResult(frame, result, None, Placement('camera'), 0.0)  # type: ignore[arg-type]

    assert ReplayedImage.of(7, 8, composed, {}, None).certainty == 0.41
    assert ReplayedImage.unreadable(7, 8, 'cut short').certainty is None


@pytest.mark.parametrize(
    ('more', 'threshold'), [((), -1), (('--set=certainty_threshold=0.58',), 0.58)]
)
def test_the_threshold_of_the_command_reaches_the_stream(
    more: tuple[str, ...], threshold: float
) -> None:
    parser = argparse.ArgumentParser()
    replay.add_parser(parser.add_subparsers())
    arguments = parser.parse_args(['replay', 'kitchen.mcap', '--output', 'replays', *more])
    settings = replay._settings(arguments, SimpleNamespace(image='/camera/image'))
    assert settings.stream.certainty_threshold == threshold

# SPDX-License-Identifier: Apache-2.0
"""Groundings against annotations, with numbers that can be worked out by hand."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from afformer_core.geometry.camera import Calibration
from afformer_core.geometry.surface import SurfacePoint
from afformer_core.outputs.results import SpatialView, StreamedGrounding
from afformer_core.replay.annotations import BagAnnotations, ImageAnnotation
from afformer_core.replay.replayed_image import COLUMNS, replayed_image
from afformer_core.runtime import Grounding, Peak

CAMERA = Calibration(
    256, 256, np.array([[200.0, 0, 128], [0, 200.0, 128], [0, 0, 1]]), '', (), (0.0, 0.0), 'c'
)
SLANTED = np.array([0.0, -0.6, -0.8])


def surface(position: Any) -> SurfacePoint:
    return SurfacePoint(np.array(position), np.eye(3), np.array([0.0, 0.0, -1.0]), '')


@pytest.fixture
def result() -> StreamedGrounding:
    """Of 256 x 256 pixels, with its best peak at (131, 132)."""
    heatmap = np.full((256, 256), 1 / 256**2, np.float32)
    grounding = Grounding(
        heatmap, heatmap.shape, {'press': 0.9, 'hold': 0.1}, (Peak(131.0, 132.0, 0.5),), 0.5, 0.9
    )
    view = SpatialView(None, CAMERA, 'no depth topic is replayed')
    points = (surface([0.0, 0.003, 0.7]),)
    return StreamedGrounding(
        demonstration='d',
        grounding=grounding,
        found=True,
        confidence=0.5,
        feature_similarity=0.9,
        continuity=1.0,
        age=0.0,
        surfaces=points,
        view=view,
        restart='',
        stamp=0,
    )


def annotation(**fields: Any) -> ImageAnnotation:
    return ImageAnnotation.from_json(fields)


def _score(result: StreamedGrounding, *targets: ImageAnnotation) -> SimpleNamespace:
    """The record of an image of the stamp 7; the result of the stamp 0 may be held."""
    record = replayed_image(7, result, (1.0, 2.0, 3.0), BagAnnotations(targets))
    return SimpleNamespace(**{**dict.fromkeys(COLUMNS), **record})


def test_distances_in_pixels_in_space_and_of_the_normal(result: StreamedGrounding) -> None:
    target = annotation(
        points=[[127, 129], [129, 127]],
        outline=[[120, 120], [131.5, 120], [131.5, 140], [120, 140]],
        position=[0.0, 0.0, 0.704],
        normal=SLANTED.tolist(),
    )
    scores = _score(result, target)
    assert scores.peak_pixels == pytest.approx(5)
    assert scores.peak_millimetres == pytest.approx(5)
    assert scores.normal_degrees == pytest.approx(np.degrees(np.arccos(0.8)))
    assert scores.inside is True


def test_what_is_not_annotated_has_no_score(result: StreamedGrounding) -> None:
    scores = _score(result, annotation(points=[[128, 128]]))
    assert scores.peak_pixels == pytest.approx(5)
    assert (scores.peak_millimetres, scores.normal_degrees, scores.inside) == (None, None, None)


def test_a_position_alone_is_projected(result: StreamedGrounding) -> None:
    target = annotation(position=[0.0, 0.0, 0.5])
    scores = _score(result, target)
    assert scores.peak_pixels == pytest.approx(5)
    unknown = replace(result, view=SpatialView(None, None, 'no camera_info topic is replayed'))
    missed = _score(unknown, target)
    assert missed.peak_pixels is None
    # From (0, 3, 700) mm.
    assert missed.peak_millimetres == pytest.approx(np.hypot(3, 200))


@pytest.mark.parametrize(
    ('model', 'coefficients'),
    [('plumb_bob', (0.1, -0.05, 0.001, 0.002, 0.0)), ('equidistant', (0.02, 0.01, 0.0, 0.0))],
)
def test_distortion_is_applied(
    result: StreamedGrounding, model: str, coefficients: tuple[float, ...]
) -> None:
    camera = replace(CAMERA, distortion_model=model, distortion=coefficients)
    position = camera.points([[131.0, 129.0]], [0.6])[0]
    distorted = replace(result, view=SpatialView(None, camera, 'no depth topic is replayed'))
    scores = _score(distorted, annotation(position=position.tolist()))
    assert scores.peak_pixels == pytest.approx(3, abs=1e-3)


def test_what_was_not_found_has_no_peak(result: StreamedGrounding) -> None:
    target = annotation(points=[[128, 128]], position=[0.0, 0.0, 0.5])
    scores = _score(replace(result, found=False), target)
    assert (scores.state, scores.u, scores.peak_pixels, scores.z) == (
        'abstained',
        None,
        None,
        None,
    )


def test_a_position_that_is_held_is_compared_with_that_of_its_image(
    result: StreamedGrounding,
) -> None:
    held = replace(result, age=0.4)
    points = [[127, 129], [129, 127]]
    now = annotation(stamp=7, points=points, position=[0.5, 0.0, 0.7], normal=[0, 0, -1])
    before = annotation(stamp=0, position=[0.0, 0.0, 0.704], normal=SLANTED.tolist())
    scores = _score(held, now, before)
    assert scores.state == 'held'
    assert scores.peak_pixels == pytest.approx(5)
    assert scores.peak_millimetres == pytest.approx(5)
    assert scores.normal_degrees == pytest.approx(np.degrees(np.arccos(0.8)))
    unknown = _score(held, now)
    assert unknown.peak_pixels == pytest.approx(5)
    assert (unknown.peak_millimetres, unknown.normal_degrees) == (None, None)


def test_a_record_has_the_numbers_of_its_result(result: StreamedGrounding) -> None:
    grounding = replace(result.grounding, certainty=0.41, certainty_threshold=0.63)
    record = _score(replace(result, grounding=grounding))
    assert (record.certainty, record.confidence, record.action) == (0.41, 0.5, 'press')
    assert (record.u, record.v, record.score, record.z) == (131.0, 132.0, 0.5, 0.7)
    assert (record.normal_z, record.decode_ms, record.stream_ms) == (-1.0, 1.0, 3.0)
    unknown = replace(result, surfaces=(SurfacePoint.unknown('no depth'),))
    assert _score(unknown, annotation(points=[[1, 2]])).problem == 'no depth'

# SPDX-License-Identifier: Apache-2.0
"""Files of annotations, and groundings against them, with numbers worked out by hand."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from afformer_core.errors import DatasetError
from afformer_core.geometry.camera import Calibration
from afformer_core.geometry.surface import SurfacePoint
from afformer_core.outputs.results import SpatialView, StreamedGrounding
from afformer_core.replay.annotations import BagAnnotations, ImageAnnotation, read_annotations
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


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / 'annotations.json'


def write(file: Path, *entries: dict[str, Any]) -> Path:
    file.write_text(json.dumps({'images': entries}))
    return file


def test_an_entry_belongs_to_its_stamp_and_one_without_to_all_others(file: Path) -> None:
    annotations = read_annotations(
        write(file, {'stamp': 5, 'points': [[1, 2]]}, {'position': [0, 0, 1]})
    )
    assert len(annotations) == 2
    np.testing.assert_array_equal(annotations.of(5).points, [[1, 2]])
    np.testing.assert_array_equal(annotations.of(6).position, [0, 0, 1])
    assert annotations.of(6).points.shape == (0, 2)


def test_an_image_may_have_none(file: Path) -> None:
    assert read_annotations(write(file, {'stamp': 5, 'points': [[1, 2]]})).of(6) is None


def test_what_is_written_is_read(file: Path) -> None:
    fields = {
        'stamp': 1700000003400320898,
        'points': [[1.25, 2.5]],
        'outline': [[0.0, 0.0], [4.0, 0.0], [4.0, 4.0]],
        'position': [0.1, 0.2, 0.7],
        'normal': [0.0, 0.6, -0.8],
    }
    assert ImageAnnotation.from_json(fields).to_json() == fields


@pytest.mark.parametrize(
    ('entry', 'message'),
    [
        ({'stamp': 1}, 'needs points or a position'),
        ({'points': [[1, 2, 3]]}, 'has a malformed value'),
        ({'points': [[1, 2]], 'outline': [[0, 0], [1, 1]]}, 'K >= 3'),
        ({'position': [1, 2]}, r'position is \[2\]; expected \[3\]'),
        ({'stamp': 'now', 'points': [[1, 2]]}, 'has a malformed value'),
    ],
)
def test_entries_of_another_form_are_refused(
    file: Path, entry: dict[str, Any], message: str
) -> None:
    with pytest.raises(DatasetError, match=message):
        read_annotations(write(file, entry))


@pytest.mark.parametrize('content', ['', '[]', '{"images": 3}', '{"images": [4]}'])
def test_files_of_another_form_are_refused(file: Path, content: str) -> None:
    file.write_text(content)
    with pytest.raises(DatasetError, match=r'annotations\.json (has no list|cannot be read)'):
        read_annotations(file)


def test_two_entries_of_one_stamp_are_refused(file: Path) -> None:
    with pytest.raises(DatasetError, match='two annotations have the stamp 5'):
        read_annotations(write(file, *2 * [{'stamp': 5, 'points': [[1, 2]]}]))

# SPDX-License-Identifier: Apache-2.0
"""A stream of images: smoothed, held, abstained from, begun anew, and lifted to surfaces."""

from dataclasses import replace

import numpy as np
import pytest

from afformer_core.geometry.camera import Calibration, DepthImage
from afformer_core.outputs.results import CameraFrame, SpatialView
from afformer_core.runtime import Peak
from afformer_core.stream.grounding_stream import checked_view, lift_peaks
from afformer_core.stream.settings import StreamSettings

from .conftest import MILLISECOND, Camera


def test_a_peak_is_in_pixels_of_the_source_image(predict):
    peak = Camera().see(0, predict(31.5, 15.5)).grounding.peaks[0]
    assert (peak.u, peak.v) == (pytest.approx(319.5, abs=0.5), pytest.approx(119.5, abs=0.5))


@pytest.mark.parametrize(
    ('second', 'reason'),
    [
        ({'milliseconds': -60_000}, 'the stamps went back by 60.000 s'),
        ({'milliseconds': 2_000}, 'no image for 2.0 s'),
        ({'demonstration': 'pull'}, 'another demonstration'),
        ({'size': (240, 320)}, 'the images are now 320 x 240'),
        ({'frame_id': 'wrist'}, "the images are now in the frame 'wrist'"),
        ({'grey': 200}, 'another scene (change 0.39)'),
    ],
)
def test_what_begins_the_smoothing_anew(predict, second, reason):
    camera = Camera(smoothing_time=10.0, hold_time=1.0)
    camera.see(0, predict(20, 20))
    camera.settings = StreamSettings(smoothing_time=0.2, hold_time=1.0)
    given = {'milliseconds': 33, **second}
    prediction = predict(40, 40, grey=given.pop('grey', 100))
    result = camera.see(prediction=prediction, **given)
    assert result.restart == reason
    alone = prediction.grounding(given.get('size', (480, 640)), 5)
    assert np.array_equal(result.grounding.heatmap, alone.heatmap)


def test_a_pause_is_longer_than_the_hold_time_and_five_time_constants(predict):
    for smoothing_time, hold_time, longest in ((0.1, 1.0, 1000), (0.5, 1.0, 2500)):
        camera = Camera(smoothing_time=smoothing_time, hold_time=hold_time)
        camera.see(0, predict(20, 20))
        assert camera.see(longest, predict(20, 20)).restart == ''
        assert camera.see(2 * longest + 1, predict(20, 20)).restart != ''


def test_a_change_of_just_the_threshold_is_no_other_scene(predict):
    for threshold, reason in ((1.0, ''), (0.99, 'another scene (change 1.00)')):
        camera = Camera(scene_cut_threshold=threshold)
        camera.see(0, predict(20, 20, grey=0))
        assert camera.see(33, predict(20, 20, grey=255)).restart == reason


def test_a_pause_keeps_the_descriptor(predict):
    camera = Camera(smoothing_time=0.1, hold_time=0.5)
    camera.see(0, predict(20, 20))
    result = camera.see(1000, predict(40, 20, turn=0.3))
    assert (result.found, result.restart) == (True, 'no image for 1.0 s')
    assert result.continuity == pytest.approx(np.cos(0.3))


def test_what_is_found_says_how_similar_it_is_to_before(predict):
    camera = Camera()
    first, second = camera.see(0, predict(20, 20)), camera.see(100, predict(20, 20, turn=0.2))
    assert (first.continuity, first.feature_similarity, first.age) == (1.0, 0.9, 0.0)
    assert second.continuity == pytest.approx(np.cos(0.2))
    assert second.confidence == second.grounding.confidence
    assert (second.restart, second.stamp) == ('', 100 * MILLISECOND)


def test_the_demonstration_is_named(predict):
    camera = Camera()
    assert camera.see(0, predict(20, 20), demonstration='pull').demonstration == 'pull'
    given_up = camera.see(100, predict(20, 20, feature_similarity=0.1), demonstration='press')
    assert (given_up.demonstration, given_up.found) == ('press', False)


def test_what_is_not_found_is_of_this_image(predict):
    two = predict(10, 10).probabilities + predict(50, 50).probabilities
    prediction = replace(predict(10, 10, feature_similarity=0.1), probabilities=0.5 * two)
    result = Camera(maximum_peaks=1).see(200, prediction, view=_view())
    alone = prediction.grounding((480, 640), 1)
    assert np.array_equal(result.grounding.heatmap, alone.heatmap)
    assert (result.stamp, result.confidence) == (200 * MILLISECOND, alone.confidence)
    assert [len(result.grounding.peaks), len(result.surfaces)] == [1, 1]
    assert result.surfaces[0].position is not None


def test_an_image_without_a_result_ends_what_was_smoothed(predict):
    camera = Camera(smoothing_time=10.0, hold_time=0.1)
    camera.see(0, predict(20, 20))
    assert not camera.see(200, predict(50, 50, feature_similarity=0.3)).found
    found = camera.see(300, predict(40, 20))
    assert found.grounding.peaks[0].u == pytest.approx(404.5, abs=0.5)


def test_a_covered_element_is_held_and_then_given_up(predict):
    camera = Camera(hold_time=0.5)
    seen = camera.see(0, predict(20, 20))
    covered = camera.see(300, predict(50, 50, feature_similarity=0.3))
    assert (covered.found, covered.held, covered.age) == (True, True, pytest.approx(0.3))
    assert covered.grounding is seen.grounding
    assert covered.feature_similarity == 0.3
    assert (seen.restart, covered.restart) == ('the first image', '')
    given_up = camera.see(600, predict(50, 50, feature_similarity=0.3))
    assert (given_up.found, given_up.age) == (False, 0.0)
    assert not camera.see(700, predict(50, 50, feature_similarity=0.3)).found


def test_what_covers_the_element_is_not_blended_in(predict):
    camera = Camera(smoothing_time=5.0)
    camera.see(0, predict(20, 20))
    camera.see(100, predict(50, 50, feature_similarity=0.3))
    heatmap = camera.see(200, predict(20, 20)).grounding.heatmap
    assert heatmap[360:].sum() < 1e-6


def test_another_element_is_not_taken_for_the_covered_one(predict):
    camera = Camera(hold_time=0.5, release_time=5.0)
    seen = camera.see(0, predict(20, 20))
    covered = camera.see(300, predict(50, 50, turn=1.2))
    assert covered.grounding is seen.grounding
    assert (covered.age, covered.continuity) == (pytest.approx(0.3), pytest.approx(np.cos(1.2)))
    assert not camera.see(800, predict(50, 50, turn=1.2)).found
    assert camera.see(900, predict(21, 20, turn=0.1)).found


def test_an_element_that_stays_otherwise_is_taken_in_the_end(predict):
    camera = Camera(hold_time=0.5, release_time=5.0)
    camera.see(0, predict(20, 20))
    found = [camera.see(t, predict(50, 50, turn=1.2)).found for t in range(600, 5600, 400)]
    assert found == [False] * 12 + [True]


def test_an_element_may_change_slowly(predict):
    camera = Camera()
    found = [camera.see(100 * i, predict(20, 20, turn=0.05 * i)).found for i in range(60)]
    assert all(found)


def test_another_scene_may_differ_at_once(predict):
    camera = Camera()
    camera.see(0, predict(20, 20))
    assert camera.see(100, predict(50, 50, turn=1.2, grey=200)).found


def test_a_heatmap_without_a_peak_finds_nothing(predict):
    result = Camera(minimum_confidence=0.4).see(0, predict(32, 32, spread=20))
    assert not result.found
    assert result.confidence < 0.4


def test_a_peak_that_jumps_does_not_vanish(predict):
    camera = Camera(smoothing_time=0.1, minimum_confidence=0.7)
    camera.see(0, predict(10, 10))
    result = camera.see(69, predict(50, 50))
    assert result.found
    assert result.grounding.peaks[0].u == pytest.approx(504.5, abs=0.5)
    # What comes next is smoothed with it.
    heatmap = camera.see(169, predict(52, 50)).grounding.heatmap
    column = float((heatmap.sum(axis=0) * np.arange(640)).sum()) / 10 - 0.45
    assert column == pytest.approx(50 + 2 * (1 - np.exp(-1)), abs=0.05)


def test_no_more_peaks_than_expected(predict):
    two = replace(
        predict(10, 10),
        probabilities=0.5 * (predict(10, 10).probabilities + predict(50, 50).probabilities),
    )
    for before in (10, 55):
        for expected in (1, 2):
            camera = Camera(maximum_peaks=expected, minimum_confidence=0.4)
            camera.see(0, predict(before, 30))
            assert len(camera.see(100, two).grounding.peaks) == expected


def test_stamps_that_stand_still_are_not_smoothed(predict):
    camera = Camera(smoothing_time=1.0)
    camera.see(0, predict(20, 20))
    result = camera.see(0, predict(40, 20))
    assert result.grounding.peaks[0].u == pytest.approx(404.5, abs=0.5)
    assert result.restart == 'the stamps stand still'


def test_without_stamps_nothing_is_held(predict):
    camera = Camera(hold_time=0.5)
    camera.see(0, predict(20, 20))
    assert not camera.see(0, predict(50, 50, feature_similarity=0.3)).found


def test_a_demonstration_that_was_replaced_is_forgotten(predict):
    camera = Camera(smoothing_time=10.0)
    camera.see(0, predict(20, 20))
    camera.stream.begin_anew('another demonstration')
    result = camera.see(33, predict(40, 20, turn=1.2))
    assert (result.found, result.restart) == (True, 'another demonstration')
    assert result.grounding.peaks[0].u == pytest.approx(404.5, abs=0.5)


def _view(metres=0.7):
    depth = DepthImage(np.full((480, 640), metres, np.float32), 'camera', 0)
    return SpatialView(depth, CALIBRATION, '')


def test_a_held_point_keeps_its_position(predict):
    camera = Camera(hold_time=0.5)
    camera.see(0, predict(31.5, 31.5), view=_view())
    held = camera.see(100, predict(31.5, 31.5, feature_similarity=0.1), view=_view(metres=0.3))
    assert held.surfaces[0].position[2] == pytest.approx(0.7, abs=1e-3)


MATRIX = np.array([[500.0, 0, 319.5], [0, 500.0, 239.5], [0, 0, 1]])
CALIBRATION = Calibration(640, 480, MATRIX, '', (), (0.0, 0.0), 'camera')


def frame(height: int = 480, width: int = 640) -> CameraFrame:
    return CameraFrame(np.zeros((height, width, 3), np.uint8), 0, 'camera')


def handle_before_a_wall() -> SpatialView:
    """Columns 310 to 329 are at 0.7 m, all others at 0.8 m."""
    values = np.full((480, 640), 0.8, np.float32)
    values[:, 310:330] = 0.7
    return SpatialView(DepthImage(values, 'camera', 0), CALIBRATION, '')


@pytest.mark.parametrize(
    ('u', 'moved_to'),
    [
        # The tolerance is 0.04 * 480, 19.2 pixels; of the longer side it were 25.6.
        (340.0, 340.0 - 19.2 * 2 / 3),
        (344.0, 344.0 - 19.2),
        (350.0, 350.0),
    ],
)
def test_the_tolerance_is_a_share_of_the_shorter_side(u: float, moved_to: float) -> None:
    peaks, surfaces = lift_peaks(
        [Peak(u, 240.0, 0.9)], frame(), handle_before_a_wall(), StreamSettings(peak_tolerance=0.04)
    )

    assert (peaks[0].u, peaks[0].v) == pytest.approx((moved_to, 240.0), abs=1e-6)
    assert surfaces[0].position is not None
    assert surfaces[0].position[2] == pytest.approx(0.7 if moved_to < u else 0.8, abs=1e-4)


def test_each_peak_has_its_own_surface_and_keeps_its_score() -> None:
    peaks, surfaces = lift_peaks(
        [Peak(100.0, 200.0, 0.6), Peak(319.5, 239.5, 0.3)],
        frame(),
        handle_before_a_wall(),
        StreamSettings(),
    )

    assert peaks == (Peak(100.0, 200.0, 0.6), Peak(319.5, 239.5, 0.3))
    positions = [one.position for one in surfaces]
    # (100 - 319.5) / 500 * 0.8 and (200 - 239.5) / 500 * 0.8.
    assert positions[0] == pytest.approx([-0.3512, -0.0632, 0.8], abs=1e-3)
    assert positions[1] == pytest.approx([0.0, 0.0, 0.7], abs=1e-3)


@pytest.mark.parametrize('missing', ['depth', 'calibration'])
def test_without_depth_or_calibration_peaks_stay_and_say_why(missing: str) -> None:
    view = handle_before_a_wall()
    depth, calibration = view.depth, view.calibration
    view = SpatialView(
        None if missing == 'depth' else depth,
        None if missing == 'calibration' else calibration,
        f'no {missing}',
    )
    peaks, surfaces = lift_peaks([Peak(340.0, 240.0, 0.9)], frame(), view, StreamSettings())

    assert peaks == (Peak(340.0, 240.0, 0.9),)
    assert [(one.position, one.problem) for one in surfaces] == [(None, f'no {missing}')]


def test_a_view_that_fits_is_left_as_it_is() -> None:
    view = handle_before_a_wall()

    assert checked_view(frame(), view) is view


def test_a_view_that_does_not_fit_loses_its_depth_and_says_why() -> None:
    view = checked_view(frame(480, 480), handle_before_a_wall())

    assert view.depth is None
    assert view.calibration is CALIBRATION
    assert '480' in view.problem

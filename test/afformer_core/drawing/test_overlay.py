# SPDX-License-Identifier: Apache-2.0
import numpy as np
import pytest

from afformer_core.drawing.overlay import OverlayStyle, draw_mark, draw_overlay
from afformer_core.runtime import Peak


def _heatmap(row, column, shape=(60, 80)):
    heatmap = np.zeros(shape, np.float32)
    heatmap[row, column] = 1
    return heatmap


def test_the_image_is_untouched_away_from_the_heatmap():
    image = np.full((60, 80, 3), 100, np.uint8)
    overlay = draw_overlay(image, _heatmap(50, 70), [], '', 1.0)
    changed = np.argwhere((overlay != image).any(axis=2))
    np.testing.assert_array_equal(changed, [[50, 70]])
    assert image.max() == 100


def test_opacity_zero_shows_the_image_alone():
    image = np.random.default_rng(0).integers(0, 256, (60, 80, 3), np.uint8)
    np.testing.assert_array_equal(draw_overlay(image, _heatmap(5, 5), [], '', 0.0), image)


def test_full_opacity_shows_the_hottest_colour():
    image = np.zeros((60, 80, 3), np.uint8)
    hottest = draw_overlay(image, _heatmap(5, 6), [], '', 1.0)[5, 6]
    np.testing.assert_array_equal(hottest, [252, 255, 164])


def test_the_heatmap_is_blended_by_the_root_of_its_share():
    image = np.full((1, 2, 3), 100, np.uint8)
    heatmap = np.array([[1, 0.25]], np.float32)
    quarter = draw_overlay(image, heatmap, [], '', 1.0)[0, 1]
    # A quarter of the maximum weighs a half, between grey and the map's colour there.
    np.testing.assert_allclose(quarter, (100 + np.array([87, 16, 110])) / 2, atol=2)


def test_the_best_peak_is_marked_around_its_position():
    image = np.zeros((480, 640, 3), np.uint8)
    peaks = [Peak(100.0, 200.0, 0.5), Peak(400.0, 300.0, 0.2)]
    overlay = draw_overlay(image, np.zeros((480, 640), np.float32), peaks, '', 0.5)
    cyan = np.argwhere((overlay[..., 2] > 200) & (overlay[..., 0] < 100))
    np.testing.assert_allclose(cyan.mean(axis=0), [200, 100], atol=1.5)


def test_an_unsure_best_peak_is_a_question_in_a_white_ring():
    image = np.zeros((480, 640, 3), np.uint8)
    heatmap = np.zeros((480, 640), np.float32)
    peaks = [Peak(100.0, 200.0, 0.5), Peak(400.0, 300.0, 0.2)]
    sure, unsure = (
        draw_overlay(image, heatmap, peaks, '', 0.5, unsure=doubt) for doubt in (False, True)
    )
    assert unsure[200, 111].tolist() == [255, 255, 255]
    assert sure[200, 111].tolist() == [0, 230, 255]
    # The hook of the question mark is in its upper right, where a dot is symmetric.
    inside = unsure[193:208, 92:109, 0] > 100
    assert inside[:7, 9:].sum() > inside[7:, 9:].sum()
    assert inside.any(axis=1).sum() > 7
    np.testing.assert_array_equal(unsure[250:], sure[250:])


def test_distances_are_written_beside_their_peaks():
    image = np.zeros((480, 640, 3), np.uint8)
    heatmap = np.zeros((480, 640), np.float32)
    peaks = [Peak(100.0, 200.0, 0.5), Peak(400.0, 300.0, 0.2)]
    plain = draw_overlay(image, heatmap, peaks, '', 0.5)
    unknown = draw_overlay(image, heatmap, peaks, '', 0.5, [None, None])
    np.testing.assert_array_equal(unknown, plain)
    written = draw_overlay(image, heatmap, peaks, '', 0.5, [0.62, None])
    rows, columns = np.nonzero((written != plain).any(axis=2))
    assert 170 < rows.min() < rows.max() < 200
    assert 100 < columns.min() < columns.max() < 250


def test_what_is_held_has_an_amber_frame_and_broken_rings():
    image = np.zeros((480, 640, 3), np.uint8)
    peaks = [Peak(100.0, 200.0, 0.5)]
    heatmap = np.zeros((480, 640), np.float32)
    held = draw_overlay(image, heatmap, peaks, '', 0.5, style=OverlayStyle.HELD)
    now = draw_overlay(image, heatmap, peaks, '', 0.5)
    np.testing.assert_array_equal(held[[0, -1, 240], [320, 320, 0]], [[255, 176, 0]] * 3)
    assert not now[[0, -1, 240], [320, 320, 0]].any()
    # The ring lies 11 pixels around the peak; its text is above it.
    ring = (slice(201, 214), slice(86, 115))
    assert 0 < np.count_nonzero(held[ring]) < np.count_nonzero(now[ring])


def test_an_abstention_has_no_colours():
    image = np.random.default_rng(0).integers(0, 256, (60, 80, 1), np.uint8).repeat(3, axis=2)
    overlay = draw_overlay(image, _heatmap(30, 40), [], '', 1.0, style=OverlayStyle.ABSTAINED)
    np.testing.assert_array_equal(overlay.min(axis=2), overlay.max(axis=2))
    np.testing.assert_array_equal(overlay[30, 40], [255, 255, 255])


@pytest.mark.parametrize('size', [(1, 1), (3, 500), (500, 3), (16, 16)])
def test_any_size_is_drawn(size):
    image = np.zeros((*size, 3), np.uint8)
    heatmap = np.full(size, 1 / (size[0] * size[1]), np.float32)
    assert draw_overlay(image, heatmap, [Peak(0, 0, 1)], 'a caption', 0.5).shape == image.shape


@pytest.mark.parametrize(
    ('width', 'distances', 'message'),
    [(5, None, 'expected equal sizes'), (4, [1.0, 2.0], '2 distances for 1 peaks')],
)
def test_what_does_not_fit_the_image_is_refused(width, distances, message):
    image, heatmap = np.zeros((4, 4, 3), np.uint8), np.zeros((4, width), np.float32)
    with pytest.raises(ValueError, match=message):
        draw_overlay(image, heatmap, [Peak(0, 0, 1)], '', 0.5, distances)


def test_a_mark_is_a_ring_around_its_pixel_in_a_copy():
    image = np.zeros((480, 640, 3), np.uint8)
    drawn = draw_mark(image, (100.0, 200.0))
    assert not image.any()
    np.testing.assert_array_equal(drawn[200, [100, 111, 106]], [[255] * 3, [0, 230, 255], [0] * 3])
    assert np.abs(np.argwhere(drawn.any(axis=2)) - [200, 100]).max() <= 14

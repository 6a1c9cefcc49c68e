# SPDX-License-Identifier: Apache-2.0
import numpy as np
import pytest

from afformer_core.runtime import Peak
from afformer_ros.overlay import draw_overlay


def _heatmap(row, column, shape=(60, 80)):
    heatmap = np.zeros(shape, np.float32)
    heatmap[row, column] = 1
    return heatmap


def test_the_image_is_untouched_away_from_the_heatmap():
    image = np.full((60, 80, 3), 100, np.uint8)
    picture = draw_overlay(image, _heatmap(50, 70), [], '', 1.0)
    changed = np.argwhere((picture != image).any(axis=2))
    np.testing.assert_array_equal(changed, [[50, 70]])
    assert image.max() == 100


def test_opacity_zero_shows_the_image_alone():
    image = np.random.default_rng(0).integers(0, 256, (60, 80, 3), np.uint8)
    np.testing.assert_array_equal(draw_overlay(image, _heatmap(5, 5), [], '', 0.0), image)


def test_full_opacity_shows_the_hottest_colour():
    image = np.zeros((60, 80, 3), np.uint8)
    hottest = draw_overlay(image, _heatmap(5, 6), [], '', 1.0)[5, 6]
    assert hottest[0] > 100 > hottest[2]


def test_the_best_peak_is_marked_red_around_its_place():
    image = np.zeros((480, 640, 3), np.uint8)
    heatmap = np.zeros((480, 640), np.float32)
    picture = draw_overlay(image, heatmap, [Peak(100.0, 200.0, 0.5)], '', 0.5)
    red = np.argwhere((picture[..., 0] > 200) & (picture[..., 1] < 100))
    np.testing.assert_allclose(red.mean(axis=0), [200, 100], atol=1.5)


@pytest.mark.parametrize('size', [(1, 1), (3, 500), (500, 3), (16, 16)])
def test_any_size_is_drawn(size):
    image = np.zeros((*size, 3), np.uint8)
    heatmap = np.full(size, 1 / (size[0] * size[1]), np.float32)
    assert draw_overlay(image, heatmap, [Peak(0, 0, 1)], 'a caption', 0.5).shape == image.shape


def test_sizes_that_differ_are_refused():
    with pytest.raises(ValueError, match='both must be equal'):
        draw_overlay(np.zeros((4, 4, 3), np.uint8), np.zeros((4, 5), np.float32), [], '', 0.5)

# SPDX-License-Identifier: Apache-2.0
import numpy as np

from afformer_core.geometry.region import marked_region, pixel_of
from afformer_core.runtime.grounding import Peak

HEATMAP = np.array(
    [
        [0.0, 0.4, 0.0, 0.0, 0.6],
        [0.0, 1.0, 0.5, 0.0, 0.6],
        [0.6, 0.0, 0.0, 0.0, 0.0],
    ],
    np.float32,
)


def test_connected_pixels_from_the_share_on():
    # The diagonal neighbour belongs to it; the column on the right has no peak.
    expected = [[0, 0, 0, 0, 0], [0, 1, 1, 0, 0], [1, 0, 0, 0, 0]]
    region = marked_region(HEATMAP, [Peak(1.2, 0.8, 0.9)], 0.5)
    np.testing.assert_array_equal(region, np.array(expected, bool))


def test_several_peaks_have_several_regions():
    region = marked_region(HEATMAP, [Peak(1.0, 1.0, 0.9), Peak(4.0, 1.0, 0.1)], 0.6)
    assert region.sum() == 4


def test_a_peak_below_the_share_has_no_region():
    assert not marked_region(HEATMAP, [Peak(4.0, 1.0, 0.1)], 0.7).any()


def test_of_nothing_there_is_no_region():
    assert not marked_region(np.zeros((3, 5), np.float32), [Peak(1.0, 1.0, 0.9)], 0.5).any()


def test_the_pixel_of_a_peak_is_inside_the_image():
    assert pixel_of(Peak(4.6, -0.4, 0.9), (3, 5)) == (0, 4)

# SPDX-License-Identifier: Apache-2.0
"""Zoom stages: where they are, and what they change."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from afformer_core.arrays import FloatArray
from afformer_core.models import afformer_r50
from afformer_core.runtime.coarse_to_fine import CropWindow, ZoomStage, crop_window, refined
from afformer_core.runtime.networks import Output


def heatmap_with_peak(row: int, column: int, size: tuple[int, int] = (40, 60)) -> FloatArray:
    heatmap = np.zeros(size, np.float32)
    heatmap[row, column] = 1
    return heatmap


def output(heatmaps: Any, actions: Any = (0.0,)) -> Output:
    image: Any = None
    return Output(np.asarray(heatmaps, np.float32), np.asarray(actions, np.float32), image)


def probabilities(heatmap: FloatArray) -> FloatArray:
    powers = np.exp(heatmap - heatmap.max())
    return powers / powers.sum()


def test_a_crop_of_a_tiny_image_has_a_pixel() -> None:
    image = np.zeros((1, 2, 3), np.uint8)

    assert CropWindow(39, 59, 1, 1, (40, 60)).crop(image).shape == (1, 1, 3)


def test_of_a_heatmap_for_each_action_the_best_one_tells_the_crop_window() -> None:
    heatmaps = [heatmap_with_peak(0, 0), heatmap_with_peak(20, 30)]
    configuration = afformer_r50(('press', 'hold'), (64, 64))
    window = crop_window(output(heatmaps, [0.0, 1.0]), configuration, 4.0)

    assert (window.top, window.left) == (15, 23)


def test_half_of_a_crop_window_follows_the_geometric_mean_of_both_stages() -> None:
    """Of the crop window's share of 0.5: 0.2 and 0.8 of it before, 0.9 and 0.1 by the stage."""
    whole = output(np.log([[[0.1, 0.4, 0.3, 0.2]]]))
    # As large as the whole heatmap; two of its pixels are one of the crop window.
    zoomed = np.log([[[0.45, 0.45, 0.05, 0.05]]]).astype(np.float32)
    found = probabilities(refined(whole, zoomed, CropWindow(0, 0, 1, 2, (1, 4))).heatmap_logits)[0]

    # The roots of 0.2 * 0.9 and of 0.8 * 0.1 are as 3 to 2; the arithmetic mean would give 0.188.
    assert found[0].tolist() == pytest.approx([0.2, 0.3, 0.3, 0.2], abs=1e-6)


def test_of_several_memories_the_logits_are_averaged() -> None:
    heatmaps = [heatmap_with_peak(1, 2)[None], 3 * heatmap_with_peak(1, 2)[None]]
    outputs = [output(one, [value]) for one, value in zip(heatmaps, (1.0, 4.0), strict=True)]
    outputs[1] = outputs[1]._replace(similarity=0.25, decoder_weight=0.5)
    mean = Output.mean(outputs)

    assert mean.heatmap_logits[0, 1, 2] == 2
    assert mean.action_logits.tolist() == [2.5]
    assert (mean.similarity, mean.decoder_weight) == (0.25, 0.75)
    assert Output.mean(outputs[:1]).similarity is None
    larger = outputs[1]._replace(similarity=-0.5)
    assert Output.mean([larger, *outputs]).similarity == 0.25


@pytest.mark.parametrize('zooms', [(0.5, 2.0), (2.0, 9.0), (float('nan'), 2.0)])
def test_zooms_out_of_range_are_refused(zooms: tuple[float, float]) -> None:
    with pytest.raises(
        ValueError, match=r'zoom of the zoom stage is .*; expected a finite number from 1 to 8'
    ):
        ZoomStage(*zooms)


@given(st.integers(1, 40), st.integers(1, 60), st.floats(1, 100), st.integers(0, 9999))
def test_the_crop_window_is_so_many_times_smaller_around_the_peak_and_inside_the_heatmap(
    height: int, width: int, zoom: float, position: int
) -> None:
    peak = divmod(position % (height * width), width)
    window = CropWindow.around_peak(heatmap_with_peak(*peak, (height, width)), zoom)

    assert window.size == (height, width)
    image = np.arange(6 * height * width).reshape(2 * height, 3 * width)
    rows, columns = window.in_heatmap
    expected = image[2 * rows.start : 2 * rows.stop, 3 * columns.start : 3 * columns.stop]
    np.testing.assert_array_equal(window.crop(image), expected)
    for part, at, side in zip((rows, columns), peak, (height, width), strict=True):
        assert 0 <= part.start <= at < part.stop <= side
        assert abs(part.stop - part.start - side / zoom) <= 0.5 or part.stop - part.start == 1
        if part.start > 0 and part.stop < side:
            assert -0.5 <= (part.start + part.stop) / 2 - at <= 0.5


def test_the_part_of_an_image_is_rounded_to_its_pixels() -> None:
    # Rows 3 to 8 of 40 are 7.5 to 20 of 100, columns 7 to 15 of 60 are 11.67 to 25 of 100.
    assert CropWindow(3, 7, 5, 8, (40, 60)).of_image((100, 100)) == (slice(8, 20), slice(12, 25))


def test_zooms_from_one_to_eight_are_taken_and_read_back() -> None:
    for zooms in ((1.0, 8.0), (8.0, 1.0)):
        stage = ZoomStage(*zooms)
        assert (stage.demonstration_zoom, stage.image_zoom) == zooms
        assert ZoomStage.from_json(stage.to_json()) == stage
    assert str(ZoomStage(1.5, 2.0)) == '1.5 times the demonstration, 2 the image'

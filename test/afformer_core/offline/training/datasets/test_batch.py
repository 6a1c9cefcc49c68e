# SPDX-License-Identifier: Apache-2.0
"""Annotated points and boxes as training sees them."""

from pathlib import Path

import numpy as np
import pytest
import torch

from afformer_core.offline.data.annotations import open_annotations
from afformer_core.offline.data.clip_reader import ClipReader
from afformer_core.offline.data.frame_sampling import UniformSampling
from afformer_core.offline.data.heatmaps import coverage, target_heatmaps
from afformer_core.offline.training.datasets.batch import (
    BoxSupervision,
    ImageExample,
    PointSupervision,
    shares_of,
)
from afformer_core.offline.training.datasets.feature_data import FeatureCache, FeatureDataset
from afformer_core.offline.training.datasets.image_data import ImageDataset
from afformer_core.offline.training.datasets.samplers import Draw


def _box(left, top, right, bottom):
    return torch.tensor([[left, top], [right, top], [right, bottom], [left, bottom]])


NOTHING = torch.full((4, 2), torch.nan)


def test_whole_pixels_are_covered():
    expected = torch.zeros(4, 6)
    expected[1:3, 2:5] = 1
    assert torch.equal(coverage(_box(2.0, 1.0, 5.0, 3.0), (4, 6)), expected)
    assert not coverage(_box(9.0, 2.0, 12.0, 4.0), (8, 8)).any()
    covered = coverage(_box(0.0, 0.0, 1.25, 1.0), (1, 3))
    assert covered[0].tolist() == pytest.approx([1.0, 0.25, 0.0])


def test_a_slanted_box():
    diamond = torch.tensor([[4.0, 0.0], [8.0, 4.0], [4.0, 8.0], [0.0, 4.0]])
    covered = coverage(diamond, (8, 8))
    assert float(covered.sum()) == pytest.approx(32, rel=0.02)
    assert covered[0, 0] == 0
    assert covered[4, 4] == 1


@pytest.mark.parametrize('x', [0.0, 3.0, 3.2, 3.499, 7.999])
def test_however_small_a_box_is_it_is_somewhere(x):
    covered = coverage(_box(x, 5.0, x + 0.001, 5.001), (8, 8))
    assert covered.sum() > 0
    assert abs(int(covered.sum(dim=0).argmax()) + 0.5 - x) <= 1


def test_a_target_is_a_blurred_box():
    targets = BoxSupervision(_box(0.25, 0.5, 0.5, 0.75)[None, None]).targets((64, 64))
    (heatmap,) = targets.heatmaps
    assert float(heatmap.sum()) == pytest.approx(1, abs=1e-5)
    row, column = divmod(int(heatmap.argmax()), 64)
    assert abs(row - 39.5) <= 1
    assert abs(column - 23.5) <= 1
    assert heatmap[40, 24] > 3 * heatmap[40, 40] > 0
    assert targets.shown.tolist() == [True]
    assert targets.images.tolist() == [0]


def test_a_box_of_one_pixel_is_an_annotated_point():
    box = BoxSupervision(_box(20 / 64, 30 / 64, 21 / 64, 31 / 64)[None, None])
    point = target_heatmaps(torch.tensor([[[20.5, 30.5]]]), (64, 64))
    torch.testing.assert_close(box.targets((64, 64)).heatmaps, point)


def test_where_two_boxes_overlap_is_no_likelier_than_elsewhere():
    one, other = _box(0.2, 0.3, 0.6, 0.7), _box(0.4, 0.3, 0.8, 0.7)
    together = BoxSupervision(torch.stack((one, other))[None]).targets((40, 40)).heatmaps
    union = BoxSupervision(_box(0.2, 0.3, 0.8, 0.7)[None, None]).targets((40, 40)).heatmaps
    torch.testing.assert_close(together, union)


def test_padding_is_no_box():
    box = _box(0.1, 0.4, 0.2, 0.5)
    padded = BoxSupervision(torch.stack((box, NOTHING))[None]).targets((32, 32))
    alone = BoxSupervision(box[None, None]).targets((32, 32))
    assert torch.equal(padded.heatmaps, alone.heatmaps)
    assert alone.negative is False
    empty = BoxSupervision(torch.stack((box, NOTHING))[:, None]).targets((32, 32))
    assert (empty.shown.tolist(), empty.negative) == ([True, False], True)
    assert torch.allclose(empty.heatmaps[1], torch.full((32, 32), 1 / 32**2))


@pytest.mark.parametrize('size', [(64, 64), (48, 96)])
def test_a_box_that_spans_the_image_is_uniform(size):
    heatmaps = BoxSupervision(_box(0.0, 0.0, 1.0, 1.0)[None, None]).targets(size).heatmaps
    assert float(heatmaps.min()) == pytest.approx(1 / (size[0] * size[1]), rel=1e-4)


def test_targets_are_made_in_single_precision_in_any_step():
    boxes = BoxSupervision(_box(0.25, 0.5, 0.5, 0.75)[None, None])
    with torch.autocast('cpu', torch.bfloat16):
        mixed = boxes.targets((64, 64)).heatmaps
    assert torch.equal(mixed, boxes.targets((64, 64)).heatmaps)


def test_annotated_points_are_shares_of_width_and_height():
    points = torch.tensor([[[0.25, 0.5], [0.75, 0.5]], [[torch.nan] * 2] * 2], dtype=torch.float64)
    target = PointSupervision(points, torch.tensor([1, 0]), torch.tensor([0, 1]))
    targets = target.targets((48, 96))

    expected = target_heatmaps(torch.tensor([[[24.0, 24.0], [72.0, 24.0]]]), (48, 96))
    torch.testing.assert_close(targets.heatmaps[:1], expected)
    assert torch.allclose(targets.heatmaps[1], torch.full((48, 96), 1 / (48 * 96)))
    assert (targets.actions.tolist(), targets.images.tolist()) == ([1, 0], [0, 1])
    assert targets.shown.tolist() == [True, False]


@pytest.mark.parametrize(('second_row', 'negative'), [(torch.nan, True), (0.5, False)])
def test_an_image_without_any_point_is_negative_also_after_a_move(second_row, negative):
    points = torch.tensor([[[0.25, 0.5]], [[second_row] * 2]])
    target = PointSupervision(points, torch.tensor([1, 0]), torch.tensor([0, 1]))

    assert target.targets((48, 48)).negative is negative
    # A copy on a GPU is not asked for what its points are.
    moved = target.moved(lambda tensor: torch.ones_like(tensor))
    assert moved.targets((48, 48)).negative is negative


def test_targets_are_on_average_where_the_points_are() -> None:
    points = np.random.default_rng(0).uniform(20, 230, (400, 2))
    shares = torch.from_numpy(shares_of(points, (256, 256)))[:, None]
    index = torch.arange(400)
    heatmaps = (
        PointSupervision(shares, torch.zeros_like(index), index).targets((192, 192)).heatmaps
    )
    found = heatmaps.flatten(1).argmax(dim=1).numpy()
    # The same point in an image of three quarters of the size.
    expected = (points + 0.5) * 0.75 - 0.5
    offset = np.stack((found % 192, found // 192), axis=1) - expected
    assert np.abs(offset).max() < 0.501
    np.testing.assert_allclose(offset.mean(axis=0), 0, atol=0.05)


@pytest.mark.parametrize('side', [32, 64, 192])
def test_images_of_every_size_have_a_point_at_the_same_share(annotations: Path, side: int) -> None:
    """The second action of the first image is at (40, 44) and (41, 44) of 64 x 64 pixels."""
    samples = list(open_annotations(annotations))
    reader = ClipReader(UniformSampling(2), (side, side))
    example = ImageDataset(samples, reader, None)[Draw((0,), (0,))]
    assert isinstance(example, ImageExample)
    np.testing.assert_allclose(
        example.annotated[0].points[1], [[40.5 / 64, 44.5 / 64], [41.5 / 64, 44.5 / 64]]
    )


def test_features_have_the_points_of_their_images(annotations: Path) -> None:
    samples = list(open_annotations(annotations))
    images = {str(sample.image_path): row for row, sample in enumerate(samples)}
    videos = {samples[0].demonstration: 0}
    nothing = np.zeros((len(samples), 1, 4, 2, 2), np.float16)
    dataset = FeatureDataset(samples, FeatureCache((nothing,), (nothing,), images, videos))
    example = dataset[Draw((0,), (0,))]
    np.testing.assert_allclose(example.annotated[0].points[0], [[20.5 / 64, 20.5 / 64]])

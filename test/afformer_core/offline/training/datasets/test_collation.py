# SPDX-License-Identifier: Apache-2.0
"""Annotated points as training sees them."""

from pathlib import Path

import numpy as np
import pytest
import torch

from afformer_core.offline.data.annotations import open_annotations
from afformer_core.offline.data.clip_reader import ClipReader
from afformer_core.offline.data.frame_sampling import UniformSampling
from afformer_core.offline.training.datasets.batch import PointSupervision
from afformer_core.offline.training.datasets.collation import ImageExample, shares_of
from afformer_core.offline.training.datasets.feature_cache import FeatureCache
from afformer_core.offline.training.datasets.feature_data import FeatureDataset
from afformer_core.offline.training.datasets.image_data import ImageDataset
from afformer_core.offline.training.datasets.samplers import Draw


def test_an_image_reaches_from_half_a_pixel_before_its_first_centre() -> None:
    points = np.array([[-0.5, -0.5], [319.5, 179.5], [159.5, 0.0]])
    shares = shares_of(points, (320, 180))
    np.testing.assert_allclose(shares, np.array([[0, 0], [1, 1], [0.5, 0.5 / 180]]))


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

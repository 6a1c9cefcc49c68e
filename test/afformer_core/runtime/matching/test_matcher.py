# SPDX-License-Identifier: Apache-2.0
"""The matcher on small maps whose correspondences are known."""

from __future__ import annotations

import numpy as np
import pytest

from afformer_core.runtime.matching.contact import ContactPositions, cell_centres, distances
from afformer_core.runtime.matching.feature_maps import (
    FeatureMap,
    FeaturePyramid,
    PointDescriptors,
    similarity_maps,
)
from afformer_core.runtime.matching.matcher import DescribedContact, heatmap_size

FRAME_SIZE = (90, 120)


def random_pyramid(seed: int) -> FeaturePyramid:
    """Two maps of 32 and 48 channels."""
    rng = np.random.default_rng(seed)
    maps = [rng.normal(size=shape).astype(np.float32) for shape in ((32, 6, 8), (48, 12, 16))]
    return tuple(map(FeatureMap, maps))


def contact(
    image: FeaturePyramid, *points: tuple[float, float, float], size: tuple[int, int] = FRAME_SIZE
) -> DescribedContact:
    """A contact at points (x, y) of probabilities."""
    found = np.array(points)
    logs = np.log(found[:, 2]).astype(np.float32)
    return DescribedContact.of(image, ContactPositions(found[:, :2], logs), size)


@pytest.mark.parametrize(
    ('image', 'heatmap'),
    [
        ((480, 640), (96, 128)),
        ((640, 360), (128, 72)),
        ((24, 30), (102, 128)),
        ((1, 1), (128, 128)),
        ((3, 2000), (1, 128)),
    ],
)
def test_a_heatmap_has_the_aspect_of_the_image(
    image: tuple[int, int], heatmap: tuple[int, int]
) -> None:
    assert heatmap_size(image) == heatmap


def test_a_position_that_resembles_much_of_the_image_outweighs_no_other() -> None:
    # The common mean is 0, so that the cosines are -0.6, -0.6 and 0.8, and 0.8, 0.8 and 0.6.
    image = (FeatureMap(np.array([[[0.6, 0.6, -0.8]], [[0.8, 0.8, 0.6]]], np.float32)),)
    mean = -image[0].mean
    values = np.array([[-1, 0], [0, 1]], np.float32)
    positions = ContactPositions(
        np.array([[0.2, 0.5], [0.6, 0.5]]), np.log(np.array([0.1, 0.9], np.float32))
    )
    known = DescribedContact(positions, PointDescriptors((values,), (mean,)), (), FRAME_SIZE)

    found = known.match(image, (1, 3))

    assert np.exp(found.logits[0]).tolist() == pytest.approx([0.45, 0.45, 0.1], abs=2e-3)
    assert found.similarity == pytest.approx(0.8)


def test_logits_of_impossible_positions_are_finite() -> None:
    image = (FeatureMap(np.array([[[2, -2, -2, -2]]], np.float32) * 1e3),)
    known = contact(image, (0.125, 0.5, 1.0))

    assert known.match(image, (1, 4)).logits.tolist() == [pytest.approx([0, -60, -60, -60])]


@pytest.mark.parametrize('size', [FRAME_SIZE, (30, 90), (160, 60)])
def test_a_point_is_matched_back_to_the_surroundings_of_the_contact(
    size: tuple[int, int],
) -> None:
    frame, image = random_pyramid(5), random_pyramid(6)
    known = contact(frame, (0.41, 0.37, 0.4), (0.93, 0.08, 0.1), (1.0, 1.0, 0.5), size=size)

    found = known.return_probability(image, (0.55, 0.3))

    rows, columns = heatmap_size(size)
    half = tuple(FeatureMap(one.features.astype(np.float16).astype(np.float32)) for one in frame)
    descriptors = PointDescriptors.of(image, [(0.55, 0.3)])
    powers = np.exp(30 * similarity_maps(descriptors, half, (rows, columns)).ravel())
    centres = cell_centres((rows, columns))
    # Cell by cell around that of each position.
    cells = (np.floor(known.positions.points * (columns, rows)) + 0.5) / (columns, rows)
    cells = np.minimum(cells, 1 - 0.5 / np.array([columns, rows]))
    near = distances(centres, cells, (rows, columns)) <= 0.05
    expected = max(powers[one].sum() for one in near.T) / powers.sum()
    assert found == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize('size', [(1, 1), (2, 3000), (900, 1)])
def test_frames_of_any_aspect_are_matched_back(size: tuple[int, int]) -> None:
    image = random_pyramid(8)
    known = contact(image, (0.5, 0.5, 1.0), size=size)

    assert 0.5 < known.return_probability(image, (0.5, 0.5)) <= 1

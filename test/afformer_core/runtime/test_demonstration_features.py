# SPDX-License-Identifier: Apache-2.0
"""Features of a demonstration, and of its contact, to compare images with."""

import numpy as np
import pytest

from afformer_core.runtime.demonstration_features import DemonstrationFeatures
from afformer_core.runtime.features import ImageFeatures
from afformer_core.runtime.matching.descriptors import describe_contact


def features(*frames: list[list[float]]) -> np.ndarray:
    """float32 [T, C, 1, N] of frames that list the C features of N positions."""
    return np.stack([np.array(frame, np.float32).T[:, None] for frame in frames])


# Mean (1, 2), deviations (1, 2).
ENDS = features([[0, 0], [2, 4]], [[90, 90], [90, 90]], [[0, 4], [2, 0]])


def test_the_first_and_the_last_frame_count() -> None:
    # (3, 2) is (2, 0) away from the mean: half way between two of the four positions.
    image = features([[3, 2]])[0]
    flat = np.ones((1, 1), np.float32)

    assert DemonstrationFeatures(ENDS).feature_similarity(image, flat) == pytest.approx(
        np.sqrt(0.5), abs=1e-5
    )
    assert DemonstrationFeatures(ENDS[:1]).feature_similarity(
        features([[3, 6]])[0], flat
    ) == pytest.approx(1, abs=1e-4)


def test_a_position_is_described_by_its_direction_from_the_mean() -> None:
    flat = np.ones((1, 1), np.float32)

    # (1, 2) and (-3, 2) deviations away.
    for position, direction in (
        ([2, 6], [0.4472136, 0.8944272]),
        ([-2, 6], [-0.8320503, 0.5547002]),
    ):
        found = DemonstrationFeatures(ENDS).describe(features([position])[0], flat)
        assert found.tolist() == pytest.approx(direction, abs=1e-5)
        assert found.dtype == np.float32


def test_what_is_above_a_third_of_the_maximum_describes_the_peak() -> None:
    image = features([[2, 2], [1, 4], [0, 2]])[0]
    weights = np.array([[0.6, 0.3, 0.2]], np.float32)

    # Directions (1, 0) and (0, 1) by 0.6 and 0.3; the third has just a third of the maximum.
    found = DemonstrationFeatures(ENDS).describe(image, weights)
    assert found.tolist() == pytest.approx([2 / np.sqrt(5), 1 / np.sqrt(5)], abs=1e-4)


def test_a_larger_heatmap_is_averaged_to_the_size_of_the_features() -> None:
    image = features([[2, 2], [1, 4]])[0]
    heatmap = np.zeros((4, 8), np.float32)
    heatmap[:, 2], heatmap[:2, 6] = 1.0, 1.0

    found = DemonstrationFeatures(ENDS).describe(image, heatmap)
    assert found.tolist() == pytest.approx([2 / np.sqrt(5), 1 / np.sqrt(5)], abs=1e-4)


def test_the_surroundings_count_by_the_smeared_heatmap() -> None:
    image = np.tile(np.array([2, 4], np.float32)[:, None, None], (1, 8, 8))
    image[:, :, 5:] = np.array([2, 2], np.float32)[:, None, None]
    heatmap = np.zeros((8, 8), np.float32)
    heatmap[4, 3] = 1

    # The columns to the left are similar by 1, those to the right by 1 / sqrt(2). The heatmap is
    # smeared by one position, and positions below a tenth of the maximum do not count: of a
    # Gaussian, those nearer than 2.14.
    rows, columns = np.mgrid[-2:3, -2:3]
    weights = np.exp(-(rows**2 + columns**2) / 2) * (rows**2 + columns**2 <= 4.6)
    share = weights[:, columns[0] >= 2].sum() / weights.sum()
    expected = 1 - share * (1 - np.sqrt(0.5))
    assert DemonstrationFeatures(ENDS).feature_similarity(image, heatmap) == pytest.approx(
        expected, abs=2e-3
    )


def test_of_many_positions_every_second_is_enough() -> None:
    # All 12 x 16 positions count: every second one of them, those in even columns.
    image = np.tile(np.array([2, 4], np.float32)[:, None, None], (1, 12, 16))
    image[:, :, 1::2] = np.array([2, 2], np.float32)[:, None, None]
    flat = np.full((12, 16), 1 / 192, np.float32)

    assert DemonstrationFeatures(ENDS).feature_similarity(image, flat) == pytest.approx(
        1, abs=1e-4
    )


@pytest.fixture(scope='module')
def images() -> list[ImageFeatures]:
    """Two images at random: eight channels for the decoder, and two stages for matching."""
    rng = np.random.default_rng(0)
    # Real backbones also have large features that all positions share.
    return [
        ImageFeatures(
            rng.normal(size=(8, 6, 6)).astype(np.float32),
            tuple(
                (rng.normal(size=(channels, side, side)) + 2.0).astype(np.float32)
                for channels, side in ((32, 4), (48, 8))
            ),
        )
        for _ in range(2)
    ]


@pytest.fixture(scope='module')
def with_contact(images: list[ImageFeatures]) -> DemonstrationFeatures:
    """The first image as a demonstration, with its contact at row 5 and column 9 of 16x16."""
    logits = np.full((16, 16), -30.0, np.float32)
    logits[5, 9] = 0.0
    return DemonstrationFeatures(
        images[0].decoder[None], describe_contact(images[0].stages, logits)
    )


def heatmap(row: int, column: int) -> np.ndarray:
    probabilities = np.zeros((16, 16), np.float32)
    probabilities[row, column] = 1.0
    return probabilities


def test_the_contact_itself_is_the_most_similar(
    with_contact: DemonstrationFeatures, images: list[ImageFeatures]
) -> None:
    similarities = np.array(
        [
            [with_contact.similarities(images[0], heatmap(y, x)).contact for x in range(16)]
            for y in range(16)
        ]
    )

    row, column = np.unravel_index(similarities.argmax(), similarities.shape)
    assert max(abs(int(row) - 5), abs(int(column) - 9)) <= 1
    assert similarities.max() > 0.5
    assert np.median(similarities) < 0.3


def test_another_image_is_less_similar_to_the_contact(
    with_contact: DemonstrationFeatures, images: list[ImageFeatures]
) -> None:
    own, other = (with_contact.similarities(image, heatmap(5, 9)).contact for image in images)

    assert other < own - 0.3


def test_frames_and_contact_are_averaged_five_to_one(
    with_contact: DemonstrationFeatures, images: list[ImageFeatures]
) -> None:
    found = with_contact.similarities(images[1], heatmap(5, 9))

    frames = with_contact.feature_similarity(images[1].decoder, heatmap(5, 9))
    assert abs(frames - found.contact) > 0.1
    assert found.features == pytest.approx((5 * frames + found.contact) / 6)


def test_without_a_contact_only_the_frames_count(images: list[ImageFeatures]) -> None:
    alone = DemonstrationFeatures(images[0].decoder[None])

    found = alone.similarities(images[1], heatmap(5, 9))

    expected = alone.feature_similarity(images[1].decoder, heatmap(5, 9))
    assert found == (expected, 0.0)

# SPDX-License-Identifier: Apache-2.0
"""Features of a demonstration, and of its contact, to compare images with."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from afformer_core.models import afformer_matching, afformer_small
from afformer_core.models.afformer import Afformer
from afformer_core.models.backbones.encoder import pack_levels, unpack_levels
from afformer_core.models.matching.matching_decoder import MatchingDecoder
from afformer_core.runtime.matching.correspondence import (
    ContactFeatures,
    compared_stages,
    features_to_compare,
)
from afformer_core.runtime.matching.joined_features import JoinedFeatures
from afformer_core.runtime.presence import DemonstrationFeatures
from afformer_core.runtime.session import Memory


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


LAYOUT = JoinedFeatures(
    replace(afformer_small(('press',), (64, 64)), maximum_frames=2),
    replace(afformer_matching((), (128, 128)), maximum_frames=2),
)


@pytest.fixture(scope='module')
def encoded() -> np.ndarray:
    """Matching features of two frames, at random."""
    rng = np.random.default_rng(0)
    shape = (2, LAYOUT.matching.feature_channels, *LAYOUT.matching.feature_size)
    # What all positions share is much of what a backbone gives.
    return (rng.normal(size=shape) + 2.0).astype(np.float32)


@pytest.fixture(scope='module')
def joined(encoded: np.ndarray) -> np.ndarray:
    """The same, joined with features of a decoder's encoder."""
    shape = (2, LAYOUT.decoder.feature_channels, *LAYOUT.decoder.feature_size)
    return LAYOUT.join(np.random.default_rng(1).normal(size=shape).astype(np.float32), encoded)


@pytest.fixture(scope='module')
def contact_features(encoded: np.ndarray, joined: np.ndarray) -> ContactFeatures:
    """The contact at row 5, column 9 of the 16x16 positions of the first frame."""
    decoder = Afformer(LAYOUT.matching).eval().decoder
    assert isinstance(decoder, MatchingDecoder)
    contact = torch.full((1, 16, 16), -30.0)
    contact[0, 5, 9] = 0.0
    stages = [
        torch.from_numpy(each)[None] for each in compared_stages(encoded[0], LAYOUT.matching)
    ]
    described = decoder.matcher.describe(stages, contact)
    memory = Memory((described.features[0].numpy(),), (described.weights[0].numpy(),))
    found = features_to_compare(joined, memory, LAYOUT)
    assert isinstance(found, ContactFeatures)
    return found


def heatmap(row: int, column: int) -> np.ndarray:
    probabilities = np.zeros((16, 16), np.float32)
    probabilities[row, column] = 1.0
    return probabilities


def test_the_contact_itself_is_the_most_similar(
    contact_features: ContactFeatures, joined: np.ndarray
) -> None:
    similarities = np.array(
        [
            [contact_features.contact_similarity(joined[0], heatmap(y, x)) for x in range(16)]
            for y in range(16)
        ]
    )

    row, column = np.unravel_index(similarities.argmax(), similarities.shape)
    assert max(abs(int(row) - 5), abs(int(column) - 9)) <= 1
    assert similarities.max() > 0.5
    assert np.median(similarities) < 0.3


def test_another_image_is_less_similar(
    contact_features: ContactFeatures, joined: np.ndarray
) -> None:
    own = contact_features.contact_similarity(joined[0], heatmap(5, 9))

    assert contact_features.contact_similarity(joined[1], heatmap(5, 9)) < own - 0.3


def test_frames_and_contact_are_joined_five_to_one(
    contact_features: ContactFeatures, joined: np.ndarray
) -> None:
    found = contact_features.feature_similarity(joined[1], heatmap(5, 9))

    frames = DemonstrationFeatures(LAYOUT.split(joined)[0])
    alone = frames.feature_similarity(LAYOUT.split(joined[1])[0], heatmap(5, 9))
    contact = contact_features.contact_similarity(joined[1], heatmap(5, 9))
    assert abs(alone - contact) > 0.1
    assert found == pytest.approx((5 * alone + contact) / 6)
    assert contact_features.similarities(joined[1], heatmap(5, 9)) == (found, contact)
    decoder = LAYOUT.split(joined[1])[0]
    assert frames.similarities(decoder, heatmap(5, 9)) == (alone, 0.0)


def test_stages_are_unpacked_as_the_network_unpacks_them(encoded: np.ndarray) -> None:
    kept = LAYOUT.matching.frame_channels[:2], LAYOUT.matching.frame_scales[:2]
    count = sum(channels * scale**2 for channels, scale in zip(*kept, strict=True))
    packed = torch.from_numpy(encoded[:1, :count])

    found = compared_stages(encoded[0], LAYOUT.matching)

    expected = unpack_levels(packed, kept[1], kept[0])
    assert torch.equal(pack_levels(expected), packed)
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_array_equal(one, other[0].numpy())

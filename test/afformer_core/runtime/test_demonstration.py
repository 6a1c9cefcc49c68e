# SPDX-License-Identifier: Apache-2.0
"""Frames of demonstrations as they are sampled, encoded and compared; the rotation shown."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from afformer_core.media.video_frames import uniform_indices
from afformer_core.runtime.demonstration import (
    DemonstrationFeatures,
    EncodedFrames,
    FrameFeatures,
    FrameSampler,
    ImageFeatures,
    Sense,
    ShownRotation,
)


def feed(maximum: int, count: int) -> FrameSampler[int]:
    sampler: FrameSampler[int] = FrameSampler(maximum)
    for frame in range(count):
        sampler.offer(frame)
    return sampler


@pytest.mark.parametrize('count', [1, 7, 8, 9, 31, 32])
def test_exactly_uniform_up_to_four_times_the_maximum(count: int) -> None:
    sampler = feed(8, count)

    assert sampler.selection() == uniform_indices(count, 8)
    assert sampler.count == count


def test_long_streams_stay_even() -> None:
    sampler = feed(8, 10_000)
    selection = sampler.selection()
    gaps = [later - earlier for earlier, later in itertools.pairwise(selection)]

    assert len(selection) == 8
    assert selection[0] == 0
    assert max(gaps) - min(gaps) <= 512
    assert len(sampler.kept) <= 32


def test_empty() -> None:
    assert FrameSampler[int](8).selection() == []


@pytest.mark.parametrize(('before', 'after'), [(3, 5), (3, 500), (40, 5), (40, 4000)])
def test_absorbing_a_continuation_keeps_the_frames_even(before: int, after: int) -> None:
    sampler = feed(8, before)
    later = sampler.continuation()
    for frame in range(before, before + after):
        later.offer(frame)
    sampler.absorb(later)

    assert sampler.kept[0] == 0
    assert min(before + after, 16) <= len(sampler.kept) <= 32
    assert np.ptp(np.diff(sampler.kept)) == 0
    assert sampler.count == before + after


def test_a_continuation_that_is_dropped_changes_nothing() -> None:
    sampler = feed(8, 10)
    later = sampler.continuation()
    for frame in range(10, 500):
        later.offer(frame)

    assert sampler.kept == list(range(10))
    assert sampler.count == 10


@pytest.mark.parametrize(
    ('count', 'kept'),
    [
        (8, [0, 1, 2, 3, 4, 5, 6, 7]),
        (9, [0, 2, 4, 6, 8]),
        (16, [0, 2, 4, 6, 8, 10, 12, 14]),
        (17, [0, 4, 8, 12, 16]),
        (20, [0, 4, 8, 12, 16]),
    ],
)
def test_every_second_goes_when_there_are_four_times_as_many(count: int, kept: list[int]) -> None:
    sampler = feed(2, count)

    assert sampler.kept == kept
    assert sampler.selection() == [kept[0], kept[-1]]


def test_an_absorbed_continuation_has_the_stride_of_both() -> None:
    sampler = feed(2, 7)
    later = sampler.continuation()
    for frame in range(7, 20):
        later.offer(frame)
    assert later.kept == [8, 10, 12, 14, 16, 18]
    sampler.absorb(later)

    assert sampler.kept == [0, 4, 8, 12, 16]


IMAGES = np.zeros((2, 8, 8, 3), np.uint8)
FEATURES = np.zeros((2, 4, 1, 1), np.float32)


def test_frames_are_stacked_in_order_and_contiguous() -> None:
    features = np.arange(8, dtype=np.float32).reshape(2, 2, 2).transpose(2, 0, 1)
    stage = np.arange(6, dtype=np.float32).reshape(1, 2, 3)
    frames = ImageFeatures(features, (stage,)), ImageFeatures(features + 1, (stage - 5,))
    encoded = EncodedFrames.stack(list(zip(IMAGES, frames, strict=True)))

    assert len(encoded) == len(encoded.features) == 2
    assert encoded.features.decoder.flags.c_contiguous
    np.testing.assert_array_equal(encoded.features[1].decoder, features + 1)
    np.testing.assert_array_equal(encoded.features[1].stages[0], stage - 5)
    np.testing.assert_array_equal(encoded.features.select([1, 1]).stages[0][0], stage - 5)


@pytest.mark.parametrize(
    ('images', 'features', 'message'),
    [
        (IMAGES.astype(np.float32), FEATURES, 'expected uint8'),
        (IMAGES[0], FEATURES, 'expected uint8'),
        (IMAGES, FEATURES[:1], 'as many of both'),
    ],
)
def test_what_cannot_be(images: np.ndarray, features: np.ndarray, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        EncodedFrames(images, FrameFeatures(features))


@pytest.mark.parametrize(
    ('decoder', 'stage', 'message'),
    [
        (FEATURES.astype(np.float64), FEATURES, 'features are float64'),
        (FEATURES, FEATURES[0], r'float32 \(4, 1, 1\); expected float32'),
        (FEATURES, FEATURES[:1], r'features of \[1, 2\] frames are given'),
        (FEATURES[:0], FEATURES[:0], r'features of \[0\] frames are given'),
    ],
)
def test_features_that_do_not_fit(decoder: np.ndarray, stage: np.ndarray, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        FrameFeatures(decoder, (stage,))


def test_frames_of_another_size_are_resized_to_that_of_the_first() -> None:
    features = ImageFeatures(FEATURES[0])
    frames = [(np.full((*size, 3), 9, np.uint8), features) for size in ((8, 6), (8, 6), (6, 8))]

    images = EncodedFrames.stack(frames).images

    assert images.shape == (3, 8, 6, 3)
    assert (images == 9).all()


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


CLOCKWISE = ShownRotation(Sense.CLOCKWISE, '')
COUNTERCLOCKWISE = ShownRotation(Sense.COUNTERCLOCKWISE, '')
UNCLEAR = ShownRotation.unknown('nothing turns')


def test_of_several_demonstrations_those_count_whose_sense_is_known():
    assert ShownRotation.together([UNCLEAR, CLOCKWISE, CLOCKWISE]) == CLOCKWISE
    assert ShownRotation.together([UNCLEAR]) == UNCLEAR


def test_demonstrations_of_different_senses_have_none():
    together = ShownRotation.together([CLOCKWISE, COUNTERCLOCKWISE])
    assert together.sense is None
    assert together.problem == 'the demonstrations turn it in different directions'


@pytest.mark.parametrize('fields', [(None, ''), (Sense.CLOCKWISE, 'nothing turns')])
def test_there_is_a_sense_or_a_problem(fields):
    with pytest.raises(ValueError, match='expected one of both'):
        ShownRotation(*fields)

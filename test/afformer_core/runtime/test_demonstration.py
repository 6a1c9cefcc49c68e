# SPDX-License-Identifier: Apache-2.0
"""Frames of demonstrations as they are sampled, encoded and compared; the rotation shown."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

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


MAXIMA, COUNTS = st.integers(2, 9), st.integers(0, 300)


@given(MAXIMA, COUNTS)
def test_every_frame_of_the_least_stride_that_leaves_four_times_the_maximum_is_kept(
    maximum: int, count: int
) -> None:
    strides = (range(0, count, 2**power) for power in itertools.count())
    kept = next(frames for frames in strides if len(frames) <= 4 * maximum)

    assert feed(maximum, count).kept == list(kept)


@given(MAXIMA, COUNTS)
def test_the_selection_is_even(maximum: int, count: int) -> None:
    selection = feed(maximum, count).selection()

    assert len(selection) == min(maximum, count)
    distances = np.abs(np.subtract(selection, np.linspace(0, count - 1, len(selection))))
    exact = count <= 4 * maximum
    assert (distances <= (0.5 if exact else 0.75 * (count - 1) / (maximum - 1))).all()


@given(MAXIMA, COUNTS, COUNTS)
def test_a_continuation_changes_nothing_until_it_is_absorbed_and_then_is_part_of_the_stream(
    maximum: int, before: int, after: int
) -> None:
    sampler, whole = feed(maximum, before), feed(maximum, before + after)
    later = sampler.continuation()
    for frame in range(before, before + after):
        later.offer(frame)
    assert (sampler.kept, sampler.count) == (feed(maximum, before).kept, before)

    sampler.absorb(later)

    assert (sampler.kept, sampler.count) == (whole.kept, whole.count)


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
    # A position of the last frame, away from the mean at right angles to those of the first.
    image = features([[0, 4]])[0]
    flat = np.ones((1, 1), np.float32)

    assert DemonstrationFeatures(ENDS).feature_similarity(image, flat) == pytest.approx(
        1, abs=1e-4
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

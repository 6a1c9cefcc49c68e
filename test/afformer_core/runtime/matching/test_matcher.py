# SPDX-License-Identifier: Apache-2.0
"""The matcher on small maps whose correspondences are known."""

import numpy as np
import pytest

from afformer_core.runtime.features import Stages
from afformer_core.runtime.matching.descriptors import ContactDescriptors, describe_contact
from afformer_core.runtime.matching.matcher import (
    contact_similarity,
    correlate,
    similarity_maps,
)

# Two compared stages of 32 and 48 channels; the finer one has 8x8 positions, the contact 16x16.
# The third stage is not compared.
SHAPES = ((32, 4, 4), (48, 8, 8), (5, 16, 16))


def random_stages(seed: int) -> Stages:
    rng = np.random.default_rng(seed)
    return tuple(rng.normal(size=shape).astype(np.float32) for shape in SHAPES)


def contact_at(row: int, column: int) -> np.ndarray:
    logits = np.full((16, 16), -20.0, np.float32)
    logits[row, column] = 0.0
    return logits


def matched(source: Stages, contact: np.ndarray, target: Stages) -> np.ndarray:
    return correlate(describe_contact(source, contact), target, (16, 16))


def best(correlation: np.ndarray) -> tuple[int, int]:
    return divmod(int(correlation.argmax()), correlation.shape[1])


def is_near(correlation: np.ndarray, row: int, column: int) -> bool:
    """Cosines are interpolated, so that the best position may be the neighbour."""
    found = best(correlation)
    return max(abs(found[0] - row), abs(found[1] - column)) <= 1


def test_the_same_image_matches_at_the_contact() -> None:
    image = random_stages(1)

    assert best(matched(image, contact_at(5, 10), image)) == (5, 10)


def test_a_moved_element_is_found_at_its_new_position() -> None:
    image = random_stages(2)
    moved = tuple(np.roll(stage, stage.shape[-1] // 4, axis=2) for stage in image)

    assert is_near(matched(image, contact_at(6, 7), moved), 6, 11)


def test_features_that_all_positions_share_do_not_count() -> None:
    image = random_stages(3)
    offset = tuple(stage + 100.0 for stage in image)

    np.testing.assert_allclose(
        matched(offset, contact_at(9, 4), offset),
        matched(image, contact_at(9, 4), image),
        atol=0.01,
    )


def test_the_likelier_of_two_contacts_decides() -> None:
    image = random_stages(4)
    contact = contact_at(3, 3)
    contact[12, 12] = -3.0

    assert is_near(matched(image, contact, image), 3, 3)


@pytest.mark.parametrize('row', [0, 15])
def test_contacts_at_the_border_are_matched_there(row: int) -> None:
    image = random_stages(7)

    assert best(matched(image, contact_at(row, 15), image)) == (row, 15)


def one_stage(candidates: list[list[float]], logs: list[float]) -> ContactDescriptors:
    """Candidates of two channels in one stage, whose frame has the mean (0, 3)."""
    return ContactDescriptors(
        (np.array(candidates, np.float32),),
        np.array(logs, np.float32),
        (np.array([0, 3], np.float32),),
    )


# The image's mean is (2, 1), so that (1, 2) is common to both images.
IMAGE = (np.array([[[4, 0]], [[0, 2]]], np.float32),)


def test_the_mean_of_both_images_is_subtracted_before_the_cosines() -> None:
    contact = one_stage([[3, 2], [1, 0]], [-1.0, -1.0])

    found = similarity_maps(contact.candidates, contact.means, IMAGE, (1, 2))

    # (2, 0) and (0, -2) with (3, -2), and with (-1, 0).
    cosine = 3 / np.sqrt(13)
    np.testing.assert_allclose(found[0], [[cosine, 2 / np.sqrt(13)], [-1, 0]], rtol=1e-5)


def test_logits_add_probabilities_and_similarities_of_the_candidates() -> None:
    contact = one_stage([[3, 2], [1, 0]], [-0.5, -1.5])

    found = correlate(contact, IMAGE, (1, 2))

    at_first = np.logaddexp(2 * -0.5 + 20 * 3 / np.sqrt(13), 2 * -1.5 + 20 * 2 / np.sqrt(13))
    at_second = np.logaddexp(2 * -0.5 - 20, 2 * -1.5 + 20 * 0)
    np.testing.assert_allclose(found, [[at_first, at_second]], rtol=1e-5)


def test_the_similarity_at_a_point_is_weighted_by_the_candidates() -> None:
    contact = one_stage([[3, 2], [1, 0]], [-0.5, -1.5])

    found = contact_similarity(contact, IMAGE, (0.25, 0.5))

    similarities = np.array([3, 2]) / np.sqrt(13)
    weights = np.exp(np.array([-0.5, -1.5]) + 20 * similarities)
    assert found == pytest.approx(float(weights @ similarities / weights.sum()), abs=1e-5)


def test_between_two_positions_their_cosines_are_interpolated() -> None:
    contact = one_stage([[3, 2]], [0.0])

    # Centres are at 0.25 and 0.75 of the width: three quarters of the way from -1 to 3 / sqrt(13).
    found = contact_similarity(contact, IMAGE, (0.375, 0.5))

    assert found == pytest.approx(0.75 * 3 / np.sqrt(13) - 0.25, abs=1e-5)


def test_candidates_are_those_of_highest_probability_and_interpolated() -> None:
    stages = random_stages(8)
    contact = contact_at(4, 6)
    contact[4, 7] = -1.0

    described = describe_contact(stages, contact)

    assert [candidates.shape for candidates in described.candidates] == [(64, 32), (64, 48)]
    total = np.log(1 + np.exp(-1.0))
    np.testing.assert_allclose(described.log_probabilities[:2], [-total, -1 - total], atol=1e-3)
    # Row 4.5 of 16 and column 6.5 of 16 are at 1.75 and 2.75 between the centres of 8x8 cells.
    expected = np.zeros(48)
    for row, share_down in ((1, 0.25), (2, 0.75)):
        for column, share_across in ((2, 0.25), (3, 0.75)):
            expected += share_down * share_across * stages[1][:, row, column]
    np.testing.assert_allclose(described.candidates[1][0], expected, atol=1e-5)
    np.testing.assert_allclose(described.means[0], stages[0].mean(axis=(1, 2)), atol=1e-6)


def test_descriptors_must_fit_their_probabilities_and_means() -> None:
    candidates, mean = np.zeros((3, 4), np.float32), np.zeros(4, np.float32)
    with pytest.raises(ValueError, match=r'shapes \[\(3, 4\)\]; expected \[\(2, 4\)\]'):
        ContactDescriptors((candidates,), np.zeros(2, np.float32), (mean,))
    with pytest.raises(ValueError, match=r'expected \[\(3, 5\)\]'):
        ContactDescriptors((candidates,), np.zeros(3, np.float32), (np.zeros(5, np.float32),))

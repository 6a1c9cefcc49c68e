# SPDX-License-Identifier: Apache-2.0
"""A contact that is marked, read or found: its most probable positions in the first frame."""

from __future__ import annotations

import numpy as np
import pytest

from afformer_core.runtime.matching.contact import (
    ContactCandidate,
    ContactPositions,
    ReadContact,
    cell_centres,
    distances,
    on_grid,
)

# A diagonal of 500 pixels.
SIZE = (300, 400)
CANDIDATES = (ContactCandidate(0.25, 0.5, 0.6), ContactCandidate(0.75, 0.25, 0.3))


def random_map(rows: int, columns: int) -> np.ndarray:
    return np.random.default_rng(4).normal(size=(rows, columns)).astype(np.float32)


def pixels(positions: ContactPositions) -> np.ndarray:
    return positions.points * SIZE[::-1]


def test_a_mark_is_a_narrow_normal_distribution() -> None:
    found = ContactPositions.marked((0.3, 0.4), None, SIZE)

    # The standard deviation is 1 % of 500 pixels; positions are within two of them.
    away = np.linalg.norm(pixels(found) - (120, 120), axis=1) / 5
    assert sorted(away.round(6).tolist()) == [0, *[1] * 4, *[1.414214] * 4, *[2] * 4]
    expected = -np.square(away) / 2
    np.testing.assert_allclose(
        found.log_probabilities, expected - np.log(np.exp(expected).sum()), atol=1e-6
    )


@pytest.mark.parametrize('mark', [(0.0, 1.0), (1.0, 0.0), (0.002, 0.999)])
def test_positions_of_a_mark_at_the_border_are_in_the_frame(mark: tuple[float, float]) -> None:
    found = ContactPositions.marked(mark, None, SIZE).points

    assert len(found) == 13
    assert found[0].tolist() == pytest.approx(mark)
    assert found.min() >= 0
    assert found.max() <= 1


@pytest.mark.parametrize(('off', 'count'), [(0.0, 32), (2.4, 32), (2.6, 13)])
def test_a_mark_on_a_candidate_chooses_the_map_around_it(off: float, count: int) -> None:
    read = ReadContact(random_map(60, 80), CANDIDATES)

    found = ContactPositions.marked((0.75 + off / 400, 0.25), read, SIZE)

    assert len(found.points) == count
    if count == 32:
        # Cells of 5 pixels within 25 pixels of the second candidate, the highest 32 of them.
        near = np.linalg.norm(cell_centres((60, 80)) * SIZE[::-1] - (300, 75), axis=1) <= 25
        highest = np.sort(read.log_probabilities.ravel()[near])[::-1][:32]
        np.testing.assert_allclose(np.diff(found.log_probabilities), np.diff(highest), atol=1e-5)
        assert np.linalg.norm(pixels(found) - (300, 75), axis=1).max() <= 25


def test_a_mark_on_a_candidate_without_a_cell_near_it_is_a_mark() -> None:
    read = ReadContact(np.zeros((1, 2), np.float32), (ContactCandidate(0.6, 0.1, 1.0),))

    assert len(ContactPositions.marked((0.6, 0.1), read, SIZE).points) == 13


def test_each_candidate_has_its_probability_distributed_as_in_the_map() -> None:
    logits = np.log(np.array([[8, 2, 1, 3], [5, 5, 2, 2]], np.float32))
    candidates = ContactCandidate(0.1, 0.4, 0.6), ContactCandidate(0.9, 0.6, 0.2)

    found = ContactPositions.read(ReadContact(logits, candidates), (90, 200))

    shares = np.zeros((2, 4))
    rows, columns = (found.points[:, ::-1] * (2, 4)).astype(int).T
    shares[rows, columns] = np.exp(found.log_probabilities)
    # 0.6 and 0.2 of 0.8.
    expected = np.array([[8, 2, 1, 3], [5, 5, 2, 2]]) * [0.75 / 20, 0.75 / 20, 1 / 32, 1 / 32]
    np.testing.assert_allclose(shares, expected, atol=1e-6)
    assert found.log_probabilities[0] == found.log_probabilities.max()


def test_candidates_are_the_nearest_in_pixels() -> None:
    # In shares, the upper right cell is nearer to the candidate at the lower right.
    candidates = ContactCandidate(0.25, 0.25, 0.9), ContactCandidate(0.75, 0.95, 0.1)
    read = ReadContact(np.zeros((2, 2), np.float32), candidates)

    found = ContactPositions.read(read, (400, 100))

    assert np.exp(found.log_probabilities).tolist() == pytest.approx([0.45, 0.45, 0.05, 0.05])


def test_the_most_probable_positions_of_a_map_are_found() -> None:
    logits = random_map(6, 9)

    found = ContactPositions.found(logits)

    order = np.argsort(-logits.ravel())[:32]
    np.testing.assert_allclose(found.points, cell_centres((6, 9))[order])
    assert np.exp(found.log_probabilities).sum() == pytest.approx(1, abs=1e-5)
    differences = np.diff(found.log_probabilities)
    np.testing.assert_allclose(differences, np.diff(logits.ravel()[order]), atol=1e-5)


def test_distances_are_shares_of_the_diagonal() -> None:
    first, second = np.array([[0.5, 0.5], [0, 0]]), np.array([[0, 0], [0.5, 1], [0.75, 0]])

    assert distances(first, second, SIZE).tolist() == [
        pytest.approx([0.5, 0.3, np.hypot(100, 150) / 500]),
        pytest.approx([0, np.hypot(200, 300) / 500, 0.6]),
    ]


def test_a_map_on_a_grid_keeps_its_probability() -> None:
    probabilities = np.array([[1, 2, 0, 0], [3, 4, 0, 30]], np.float64)
    with np.errstate(divide='ignore'):
        logits = np.log(probabilities).astype(np.float32) + 5

    found = on_grid(logits, (1, 2))

    assert np.exp(found).tolist() == [pytest.approx([0.25, 0.75])]
    assert on_grid(logits, (2, 4))[0, 3] == pytest.approx(np.log(1e-20))


def test_a_contact_that_was_read_is_a_finite_map_with_candidates() -> None:
    with pytest.raises(ValueError, match=r'float64 \(3, 4\); expected float32'):
        ReadContact(np.zeros((3, 4)), CANDIDATES)
    with pytest.raises(ValueError, match='with a finite value'):
        ReadContact(np.full((3, 4), -np.inf, np.float32), CANDIDATES)
    with pytest.raises(ValueError, match='has 0 candidates'):
        ReadContact(np.zeros((3, 4), np.float32), ())

# SPDX-License-Identifier: Apache-2.0
"""The matcher on small maps whose correspondences are known."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from afformer_core.runtime.matching.matcher import (
    ContactCandidate,
    ContactPositions,
    DescribedContact,
    FeatureMap,
    FeaturePyramid,
    PointDescriptors,
    ReadContact,
    cell_centres,
    distances,
    feature_pyramid,
    heatmap_size,
    on_grid,
    similarity_maps,
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


def features(*channels: list[list[float]]) -> FeatureMap:
    return FeatureMap(np.array(channels, np.float32))


def random_features(seed: int, *shape: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


@pytest.mark.parametrize(
    ('position', 'value'),
    [
        ((0.25, 0.25), 0),  # the centre of the first cell
        ((0.5, 0.25), 5),
        ((0.625, 0.5), 17.5),
        ((0.75, 0.75), 30),
        ((1.0, 1.0), 30),  # beyond the last cell's centre
        ((0.0, 0.5), 10),
    ],
)
def test_a_descriptor_is_interpolated(position: tuple[float, float], value: float) -> None:
    assert features([[0, 10], [20, 30]]).describe([position]).tolist() == [[value]]


def test_descriptors_are_in_the_order_of_the_points() -> None:
    found = features([[7, 8, 9]], [[1, 2, 4]]).describe([(0.9, 0.1), (0.5, 0.9)])

    assert found.tolist() == [[9, 4], [8, 2]]


def test_the_mean_of_both_images_is_subtracted_before_the_cosines() -> None:
    # The means are (2, 1) and (0, 3), so that (1, 2) is subtracted.
    image = features([[4, 0]], [[0, 2]])

    found = image.cosines(np.array([[3, 2], [1, 0]], np.float32), np.array([0, 3], np.float32))

    # (2, 0) and (0, -2) with (3, -2), and with (-1, 0).
    cosine = 3 / np.sqrt(13)
    np.testing.assert_allclose(found[:, 0], [[cosine, -1], [2 / np.sqrt(13), 0]], rtol=1e-5)


@pytest.mark.parametrize('shared', [0.0, 1000.0])
def test_large_features_that_all_positions_share_leave_the_cosines_exact(shared: float) -> None:
    image, other = random_features(0, 48, 5, 7) + shared, random_features(1, 48, 3, 4) + shared
    points = FeatureMap(other).describe([(0.2, 0.9), (0.6, 0.3)])

    found = FeatureMap(image).cosines(points, FeatureMap(other).mean)

    means = [each.mean(axis=(1, 2), dtype=np.float64) for each in (image, other)]
    common = (means[0] + means[1]) / 2
    own, rest = points - common, image - common[:, None, None]
    products = np.einsum('kc,chw->khw', own, rest) / np.linalg.norm(own, axis=1)[:, None, None]
    np.testing.assert_allclose(found, products / np.linalg.norm(rest, axis=0), atol=5e-5)


@pytest.mark.parametrize('scale', [0.5, 7.7])
def test_the_cosines_of_an_even_image_and_itself_are_at_most_one(scale: float) -> None:
    image = FeatureMap(np.tile(scale * random_features(0, 112)[:, None, None], (1, 24, 32)))

    found = image.cosines(image.describe([(0.3, 0.4), (0.91, 0.13)]), image.mean)

    assert np.abs(found).max() < 1 + 1e-5


@pytest.mark.parametrize('size', [(12, 35), (5, 7), (3, 2), (1, 9)])
def test_cosines_are_interpolated_to_the_size_as_opencv_does(size: tuple[int, int]) -> None:
    image = FeatureMap(random_features(2, 6, 4, 5))
    points = PointDescriptors((random_features(3, 3, 6),), (random_features(4, 6),))

    found = similarity_maps(points, (image,), size)

    cosines = image.cosines(points.values[0], points.means[0])
    expected = [cv2.resize(one, size[::-1], interpolation=cv2.INTER_LINEAR) for one in cosines]
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_the_cosines_of_all_maps_have_the_same_weight() -> None:
    coarse, fine = features([[1, -1]]), features([[1, 0, 0, -1]])
    points = PointDescriptors.of((coarse, fine, fine), [(0.125, 0.5)])

    found = similarity_maps(points, (coarse, fine, fine), (1, 4))

    assert found[0].tolist() == [pytest.approx([1, 0.5 / 3, -0.5 / 3, -1])]


def test_a_pyramid_has_the_compared_stages_at_each_scale_in_order() -> None:
    scales = [[np.full((1, 1, 1), 10 * scale + stage) for stage in range(3)] for scale in (1, 2)]

    found = feature_pyramid([tuple(stages) for stages in scales])

    assert [float(level.features[0, 0, 0]) for level in found] == [10, 11, 20, 21]


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
def test_a_point_is_matched_back_to_the_surroundings_of_the_contact(size: tuple[int, int]) -> None:
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

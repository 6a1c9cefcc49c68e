# SPDX-License-Identifier: Apache-2.0
"""Surfaces of one scene in numbers: a tilted wall, a board, a round bar, a step, holes, noise."""

import numpy as np
import pytest

from afformer_core.geometry.camera import Calibration, DepthImage
from afformer_core.geometry.surface import SurfacePoint, SurfaceSettings, measure_surfaces

MATRIX = np.array([[300.0, 0, 159.5], [0, 310.0, 119.5], [0, 0, 1]])
CALIBRATION = Calibration(320, 240, MATRIX, '', (), (0.0, 0.0), 'camera')

# Peak; position in metres; of the covariance xx, yy, zz, xy, xz, yz in square millimetres; normal,
# which on the wall and the board is (-0.2822, 0.1881, -0.9407) apart from the noise.
POINTS = (
    (
        (100.3, 120.4),
        (-0.20979, 0.00309, 1.06312),
        (14.204, 11.776, 2.337, -0.513, -4.401, 2.541),
        (-0.2779, 0.1909, -0.9414),
    ),
    (
        (157.2, 120.1),
        (-0.00693, 0.00175, 0.90331),
        (9.115, 8.498, 1.9, -0.02, -3.16, 1.791),
        (-0.3206, 0.1946, -0.927),
    ),
    (
        (151.9, 100.0),
        (-0.02267, -0.05629, 0.89484),
        (9.051, 8.128, 1.82, 0.15, -3.06, 1.57),
        (-0.3163, 0.1887, -0.9297),
    ),
    (
        (142.5, 100.0),
        (-0.05683, -0.06309, 1.00296),
        (11.593, 10.224, 2.103, 0.122, -3.734, 1.866),
        (-0.3011, 0.1777, -0.9369),
    ),
    (
        (239.5, 90.2),
        (0.21851, -0.07745, 0.81942),
        (7.292, 7.0, 0.362, 0.011, -0.268, -0.089),
        (-0.0495, -0.0079, -0.9987),
    ),
    (
        (222.5, 90.0),
        (0.17517, -0.07938, 0.83413),
        (5.321, 7.312, 5.555, 0.467, -5.155, -0.642),
        (-0.7019, -0.0135, -0.7122),
    ),
    (
        (100, 195.5),
        (-0.2224, 0.27491, 1.12133),
        (16.099, 14.841, 3.281, -2.026, -5.692, 3.985),
        (-0.2977, 0.2006, -0.9333),
    ),
    (
        (100, 206.0),
        (-0.22676, 0.31902, 1.14332),
        (16.543, 15.486, 2.88, -2.089, -5.374, 3.777),
        (-0.2769, 0.183, -0.9433),
    ),
    (
        (51, 33),
        (-0.38181, -0.29457, 1.05569),
        (15.353, 10.344, 2.219, 0.334, -4.507, 1.936),
        (-0.2693, 0.1983, -0.9424),
    ),
    (
        (18.3, 160.7),
        (-0.56603, 0.15983, 1.20262),
        (26.507, 16.096, 17.205, -3.326, -15.136, 5.078),
        (-0.3319, 0.1406, -0.9328),
    ),
    (
        (0, 0),
        (-0.57953, -0.42019, 1.09002),
        (22.906, 12.724, 29.071, 3.767, -16.854, -6.07),
        None,
    ),
    (
        (190.6, 215.2),
        (0.10688, 0.31827, 1.03096),
        (11.06, 12.684, 2.194, -0.843, -3.501, 2.969),
        (-0.2874, 0.1887, -0.939),
    ),
)
PROBLEMS = (
    ((149.0, 100.0), 'a depth edge of 33 mm runs 0.5 pixels from the peak'),
    ((100, 199.0), 'a depth edge of 11 mm runs 0.5 pixels from the peak'),
    ((62.0, 33.0), 'the depth image has a hole at the peak'),
    ((-1, 5), 'the peak (-1.0, 5.0) lies outside the image'),
)


def inverse_depth() -> np.ndarray:
    """Of the wall alone."""
    v, u = np.mgrid[:240, :320]
    return 1 + 0.3 * (u - 159.5) / 300 - 0.2 * (v - 119.5) / 310


def scene(*, factor: float = 1.0) -> DepthImage:
    """240 x 320; its noise is the same everywhere, three times as much below column 30."""
    v, u = np.mgrid[:240, :320]
    metres = 1 / inverse_depth()
    metres[60:180, 150:165] -= 0.1
    # The edges of the bar lie 0.03 m behind its front.
    across = (u[:, 220:260] - 239.5) / 20
    metres[:, 220:260] = 0.85 - 0.03 * np.sqrt(1 - across**2)
    metres[200:, :140] += 0.012
    metres[30:36, 60:66] = 0
    hashed = (u * 73856093) ^ (v * 19349663)
    for shift, prime in ((15, 2246822519), (13, 3266489917), (16, 1)):
        hashed = (hashed ^ (hashed >> shift)) * prime % 2**32
    noise = factor * (hashed / 2**32 - 0.5) * np.where(u < 30, 0.04, 0.01)
    return DepthImage((metres * (1 + noise)).astype(np.float32), 'camera', 0)


def measured(*peaks: tuple[float, float]) -> tuple[SurfacePoint, ...]:
    settings = SurfaceSettings(noise=0.003)
    return measure_surfaces(scene(), CALIBRATION, (240, 320), peaks, settings)


@pytest.fixture(scope='module')
def points() -> tuple[SurfacePoint, ...]:
    return measured(*(peak for peak, *_ in POINTS))


def test_positions(points: tuple[SurfacePoint, ...]) -> None:
    found = [(point.position is not None and point.position.tolist()) for point in points]

    np.testing.assert_allclose(found, [position for _, position, *_ in POINTS], atol=1e-5)


def test_covariances(points: tuple[SurfacePoint, ...]) -> None:
    found = []
    for point in points:
        assert point.covariance is not None
        (xx, xy, xz), (_, yy, yz), (_, _, zz) = (1e6 * point.covariance).tolist()
        found.append((xx, yy, zz, xy, xz, yz))

    np.testing.assert_allclose(found, [one for _, _, one, _ in POINTS], atol=2e-3)


def test_normals(points: tuple[SurfacePoint, ...]) -> None:
    for point, (_, _, _, normal) in zip(points, POINTS, strict=True):
        assert (point.normal is None) == (normal is None)
        if normal is not None:
            assert point.normal == pytest.approx(normal, abs=1e-4)


def test_problems() -> None:
    points = measured(*(peak for peak, _ in PROBLEMS))

    assert [point.problem for point in points] == [problem for _, problem in PROBLEMS]
    assert [point.position for point in points] == [None] * len(PROBLEMS)


def peaks_in(rows: range, columns: range) -> list[tuple[float, float]]:
    return [(float(column), float(row)) for row in rows for column in columns]


@pytest.mark.parametrize('factor', [1.0, 2.0])
def test_points_and_normals_are_given_and_accurate(factor: float) -> None:
    """On the wall and on the board, 15 pixels wide, also by a noisier sensor than thought."""
    normal = np.array([-0.3, 0.2, -1.0]) / np.sqrt(1.13)
    settings = SurfaceSettings(noise=0.003)
    for nearer, peaks in (
        (0.0, peaks_in(range(12, 196, 11), range(76, 140, 9))),
        (0.1, peaks_in(range(66, 175, 4), range(157, 159))),
    ):
        found = measure_surfaces(scene(factor=factor), CALIBRATION, (240, 320), peaks, settings)

        known = [
            (point, 1 / inverse_depth()[int(v), int(u)] - nearer)
            for point, (u, v) in zip(found, peaks, strict=True)
            if point.position is not None
        ]
        assert len(known) >= 0.9 * len(peaks)
        errors = np.array([point.position[2] - depth for point, depth in known])
        assert np.median(np.abs(errors)) <= 0.003
        deviations = np.sqrt([point.covariance[2, 2] for point, _ in known])
        assert 0.5 < np.median(np.abs(errors) / deviations) / 0.6745 < 1.35
        cosines = [point.normal @ normal for point, _ in known if point.normal is not None]
        assert len(cosines) >= 0.9 * len(known)
        assert np.mean(np.array(cosines) >= np.cos(np.radians(10))) >= 0.95


@pytest.mark.parametrize(
    'peaks',
    [
        peaks_in(range(66, 175, 2), range(149, 151)),
        peaks_in(range(66, 175, 2), range(164, 166)),
        peaks_in(range(199, 201), range(10, 130, 2)),
        peaks_in(range(30, 36), range(60, 66)),
    ],
    ids=['left of the board', 'right of the board', 'a step of 12 mm', 'a hole'],
)
def test_no_point_from_edges_and_holes(peaks: list[tuple[float, float]]) -> None:
    found = measured(*peaks)

    assert sum(point.position is not None for point in found) <= 0.03 * len(peaks)

# SPDX-License-Identifier: Apache-2.0
"""Planes and steps in a window of known values, in standard deviations of their noise."""

import numpy as np
import pytest

from afformer_core.geometry.neighbourhood import OFFSETS, REACH, disc_window
from afformer_core.geometry.plane_fit import Fits, fit_surfaces

WINDOW = disc_window(9)
U, V = OFFSETS[: WINDOW.count].T.astype(np.float32)
VALID = np.ones(len(U), bool)
CENTRE = np.zeros((1, 2))


def fitted(values: np.ndarray, valid: np.ndarray = VALID) -> Fits:
    """Of one window."""
    return fit_surfaces(
        [WINDOW], values[None].astype(np.float32), valid[None], CENTRE, np.array([0.5]), 1.75
    )


def test_a_plane() -> None:
    fits = fitted(0.5 + 0.2 * U - 0.1 * V)

    assert fits.found.all()
    assert fits.pixels.all()
    np.testing.assert_allclose(fits.coefficients, [[0.5, 0.2 * REACH, -0.1 * REACH]], atol=1e-5)


def test_covariance_is_that_of_the_coefficients() -> None:
    rng = np.random.default_rng(0)
    found = [fits for _ in range(300) if (fits := fitted(rng.standard_normal(len(U)))).found]

    assert len(found) >= 290
    spread = np.cov([fits.coefficients[0] for fits in found], rowvar=False)
    np.testing.assert_allclose(np.diag(spread), np.diag(found[0].covariances[0]), rtol=0.3)


def test_a_step_in_the_middle() -> None:
    fits = fitted(np.where(U > 0, 3.0, 0.0) + 0.1 * V)

    assert not fits.found.any()
    assert fits.steps[0] is not None
    assert fits.steps[0].distance == pytest.approx(0.5)
    assert fits.steps[0].height == pytest.approx(3, abs=0.01)


def test_what_lies_beyond_a_step_is_cut_off() -> None:
    fits = fitted(np.where(U > 4, 3.0, 0.0) + 0.1 * V)

    assert fits.found.all()
    assert fits.pixels[0].tolist() == (U <= 4).tolist()
    assert fits.beside[0].tolist() == (OFFSETS[:, 0] <= 4).tolist()
    np.testing.assert_allclose(fits.coefficients, [[0, 0, 0.1 * REACH]], atol=1e-5)


def test_a_strip_between_two_steps() -> None:
    fits = fitted(np.where(np.abs(V) > 3, -30.0, 0.0))

    assert fits.found.all()
    assert fits.pixels[0].tolist() == (np.abs(V) <= 3).tolist()


def test_a_curved_surface_is_no_step() -> None:
    values = -0.06 * (U + 1) ** 2
    fits = fitted(values + np.random.default_rng(1).standard_normal(len(U)))

    assert fits.found.all()
    # The slope in the middle.
    assert fits.coefficients[0, 1] / REACH == pytest.approx(-0.12, abs=0.06)


def test_one_pixel_far_off_does_not_count() -> None:
    values = np.zeros(len(U))
    values[1] = 500

    fits = fitted(values)

    assert fits.found.all()
    assert np.flatnonzero(~fits.pixels[0]).tolist() == [1]
    np.testing.assert_allclose(fits.coefficients, 0, atol=1e-6)


@pytest.mark.parametrize('valid', [np.arange(len(U)) < 11, V == 0])
def test_too_few_pixels_or_one_line(valid: np.ndarray) -> None:
    fits = fitted(np.zeros(len(U)), valid)

    assert not fits.found.any()
    assert fits.steps == [None]


def test_windows_of_several_sizes() -> None:
    rng = np.random.default_rng(2)
    windows = [disc_window(radius) for radius in (16, 7, 9)]
    values = rng.standard_normal((3, windows[0].count)).astype(np.float32)
    values[2] += 6 * (OFFSETS[: windows[0].count, 0] > 0)
    valid = rng.random(values.shape) < 0.9
    valid &= np.arange(windows[0].count) < [[window.count] for window in windows]
    peaks, least_steps = rng.uniform(-0.5, 0.5, (3, 2)), np.full(3, 0.5)

    fits = fit_surfaces(windows, values, valid, peaks, least_steps, 1.75)

    assert fits.found.tolist() == [True, True, False]
    for row, window in enumerate(windows):
        alone = fit_surfaces(
            [window],
            values[[row], : window.count],
            valid[[row], : window.count],
            peaks[[row]],
            least_steps[[row]],
            1.75,
        )
        assert (alone.steps[0] is None) == (fits.steps[row] is None)
        np.testing.assert_array_equal(alone.pixels[0], fits.pixels[row, : window.count])
        np.testing.assert_allclose(alone.coefficients[0], fits.coefficients[row], atol=1e-6)


def test_no_windows() -> None:
    fits = fit_surfaces(
        [], np.zeros((0, 45), np.float32), np.zeros((0, 45), bool), CENTRE[:0], np.zeros(0), 1.75
    )

    assert fits.found.shape == (0,)

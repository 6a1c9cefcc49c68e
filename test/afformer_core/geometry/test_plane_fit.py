# SPDX-License-Identifier: Apache-2.0
"""Planes and steps in a window of known values, in standard deviations of their noise."""

import numpy as np
import pytest

from afformer_core.geometry.plane_fit import Plane, Step, beside, disc_window, fit_surface

WINDOW = disc_window(9)
U, V = WINDOW.offsets.T.astype(np.float32)
VALID = np.ones(len(U), bool)


def fitted(values: np.ndarray, valid: np.ndarray = VALID) -> Plane | Step | None:
    return fit_surface(WINDOW, values.astype(np.float32), valid, (0.0, 0.0), 0.5, 1.75)


def test_a_plane() -> None:
    plane = fitted(0.5 + 0.2 * U - 0.1 * V)

    assert isinstance(plane, Plane)
    assert plane.pixels.all()
    np.testing.assert_allclose(plane.coefficients, [0.5, 0.2 * 9, -0.1 * 9], atol=1e-5)


def test_covariance_is_that_of_the_coefficients() -> None:
    random = np.random.default_rng(0)
    planes = [fitted(random.standard_normal(len(U))) for _ in range(300)]
    found = [plane for plane in planes if isinstance(plane, Plane)]

    assert len(found) >= 290
    spread = np.cov([plane.coefficients for plane in found], rowvar=False)
    np.testing.assert_allclose(np.diag(spread), np.diag(found[0].covariance), rtol=0.3)


def test_a_step_in_the_middle() -> None:
    step = fitted(np.where(U > 0, 3.0, 0.0) + 0.1 * V)

    assert isinstance(step, Step)
    assert step.place == pytest.approx(0.5)
    assert step.height == pytest.approx(3, abs=0.01)


def test_what_lies_beyond_a_step_is_cut_off() -> None:
    plane = fitted(np.where(U > 4, 3.0, 0.0) + 0.1 * V)

    assert isinstance(plane, Plane)
    assert plane.pixels.tolist() == (U <= 4).tolist()
    np.testing.assert_allclose(plane.coefficients, [0, 0, 0.9], atol=1e-5)
    (cut,) = plane.cuts
    np.testing.assert_allclose(cut, [1, 0, 4.5])
    assert beside(disc_window(12), cut).sum() == (disc_window(12).offsets[:, 0] <= 4).sum()


def test_a_strip_between_two_steps() -> None:
    plane = fitted(np.where(np.abs(V) > 3, -30.0, 0.0))

    assert isinstance(plane, Plane)
    assert plane.pixels.tolist() == (np.abs(V) <= 3).tolist()


def test_a_curved_surface_is_no_step() -> None:
    values = -0.06 * (U + 1) ** 2
    plane = fitted(values + np.random.default_rng(1).standard_normal(len(U)))

    assert isinstance(plane, Plane)
    # The slope in the middle.
    assert plane.coefficients[1] / 9 == pytest.approx(-0.12, abs=0.06)


def test_one_pixel_far_off_does_not_count() -> None:
    values = np.zeros(len(U))
    values[WINDOW.middle + 1] = 500

    plane = fitted(values)

    assert isinstance(plane, Plane)
    assert not plane.pixels[WINDOW.middle + 1]
    np.testing.assert_allclose(plane.coefficients, 0, atol=1e-6)


@pytest.mark.parametrize('valid', [np.arange(len(U)) < 11, V == 0])
def test_too_few_pixels_or_one_line(valid: np.ndarray) -> None:
    assert fitted(np.zeros(len(U)), valid) is None

# SPDX-License-Identifier: Apache-2.0
"""Planes and steps in a window of known values, in standard deviations of their noise."""

import numpy as np
import pytest

from afformer_core.geometry.plane_fit import (
    OFFSETS,
    REACH,
    FoundStep,
    PlaneFit,
    disc_window,
    fit_surface,
)

WINDOW = disc_window(9)
U, V = OFFSETS[: WINDOW.count].T.astype(np.float32)
VALID = np.ones(len(U), bool)


def fitted(values: np.ndarray, valid: np.ndarray = VALID) -> PlaneFit | FoundStep | None:
    return fit_surface(WINDOW, values.astype(np.float32), valid, np.zeros(2), 0.5, 1.75)


def test_a_plane() -> None:
    fit = fitted(0.5 + 0.2 * U - 0.1 * V)

    assert fit.pixels.all()
    np.testing.assert_allclose(fit.coefficients, [0.5, 0.2 * REACH, -0.1 * REACH], atol=1e-5)


def test_covariance_is_that_of_the_coefficients() -> None:
    rng = np.random.default_rng(0)
    fits = [fitted(rng.standard_normal(len(U))) for _ in range(300)]
    found = [fit for fit in fits if isinstance(fit, PlaneFit)]

    assert len(found) >= 290
    spread = np.cov([fit.coefficients for fit in found], rowvar=False)
    np.testing.assert_allclose(np.diag(spread), np.diag(found[0].covariance), rtol=0.3)


def test_a_step_in_the_middle() -> None:
    step = fitted(np.where(U > 0, 3.0, 0.0) + 0.1 * V)

    assert isinstance(step, FoundStep)
    assert step.distance == pytest.approx(0.5)
    assert step.height == pytest.approx(3, abs=0.01)


def test_what_lies_beyond_a_step_is_cut_off() -> None:
    fit = fitted(np.where(U > 4, 3.0, 0.0) + 0.1 * V)

    assert fit.pixels.tolist() == (U <= 4).tolist()
    assert fit.beside.tolist() == (OFFSETS[:, 0] <= 4).tolist()
    np.testing.assert_allclose(fit.coefficients, [0, 0, 0.1 * REACH], atol=1e-5)


def test_a_strip_between_two_steps() -> None:
    fit = fitted(np.where(np.abs(V) > 3, -30.0, 0.0))

    assert fit.pixels.tolist() == (np.abs(V) <= 3).tolist()


def test_a_curved_surface_is_no_step() -> None:
    values = -0.06 * (U + 1) ** 2
    fit = fitted(values + np.random.default_rng(1).standard_normal(len(U)))

    # The slope in the middle.
    assert fit.coefficients[1] / REACH == pytest.approx(-0.12, abs=0.06)


def test_one_pixel_far_off_does_not_count() -> None:
    values = np.zeros(len(U))
    values[1] = 500

    fit = fitted(values)

    assert np.flatnonzero(~fit.pixels).tolist() == [1]
    np.testing.assert_allclose(fit.coefficients, 0, atol=1e-6)


@pytest.mark.parametrize('valid', [np.arange(len(U)) < 11, V == 0])
def test_too_few_pixels_or_one_line(valid: np.ndarray) -> None:
    assert fitted(np.zeros(len(U)), valid) is None

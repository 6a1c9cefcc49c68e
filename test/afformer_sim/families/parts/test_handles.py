# SPDX-License-Identifier: Apache-2.0
"""Handles: that they fit, and what is refused."""

from dataclasses import replace

import numpy as np
import pytest

from afformer_sim.bodies.grip import Fingertip, Hook, Pinch
from afformer_sim.families.parts.carpentry import rod, shaded
from afformer_sim.families.parts.handles import FORMS, HandleStyle, sample_style

GREY = (0.5, 0.5, 0.5)
BAR = HandleStyle(
    form='bar', length=0.1, radius=0.008, level=0.035, vertical=False, colour=GREY, rose=False
)


@pytest.mark.parametrize('form', FORMS)
@pytest.mark.parametrize('vertical', [False, True])
def test_a_handle_fits_its_room(form: str, vertical: bool) -> None:
    style = replace(BAR, form=form, vertical=vertical, rose=True)
    width, height = (0.05, 0.09) if vertical else (0.09, 0.05)
    hull = style.build(width, height).hull
    assert np.ptp(hull[:, 0]) <= width + 1e-9
    assert np.ptp(hull[:, 1]) <= height + 1e-9
    # a slanting foot ends in the front
    assert hull[:, 2].min() > -0.003


def test_a_bar_is_hooked_a_knob_pinched_and_a_recess_touched() -> None:
    grips = [
        replace(BAR, form=form).build(0.2, 0.2).grips[0] for form in ('bow', 'ball', 'recess')
    ]
    assert [type(grip) for grip in grips] == [Hook, Pinch, Fingertip]


def test_a_finger_fits_behind_every_sampled_bar() -> None:
    rng = np.random.default_rng(2)
    for _ in range(100):
        style = sample_style(rng, GREY, ('bar', 'rail', 'bow'))
        assert style.level - style.radius > 0.018


def test_an_unknown_form_is_refused() -> None:
    with pytest.raises(ValueError, match="form is 'ring'; expected one of bar, "):
        replace(BAR, form='ring')


def test_a_room_too_small_for_a_hand_is_refused() -> None:
    with pytest.raises(ValueError, match=r'room is 0\.020 m; a .* needs 0\.05 m'):
        BAR.build(0.02, 0.2)


def test_a_rod_without_length_is_refused() -> None:
    with pytest.raises(ValueError, match='cannot go from'):
        rod((0, 0, 0), (0, 0, 0.01), 0.006, GREY, rounded=True)


def test_a_rod_reaches_from_one_point_to_the_other() -> None:
    points = rod((0, 0.1, 0), (0, 0.3, 0), 0.02, GREY, rounded=True).corners()
    assert points[:, 1].min() == pytest.approx(0.1)
    assert points[:, 1].max() == pytest.approx(0.3)


def test_shading_goes_to_white_and_to_black() -> None:
    assert shaded(GREY, 1.0) == (1.0, 1.0, 1.0)
    assert shaded(GREY, -1.0) == (0.0, 0.0, 0.0)

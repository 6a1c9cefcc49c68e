# SPDX-License-Identifier: Apache-2.0
import cv2
import numpy as np
import pytest

from afformer_core.drawing.overlay import grey_colours, heat_colours

# What people without red, green or blue cones see, in linear RGB (Viénot, Brettel and Mollon).
DICHROMACIES = {
    'protanopia': [[0.11238, 0.88762, 0], [0.11238, 0.88762, 0], [0.00401, -0.00401, 1]],
    'deuteranopia': [[0.29275, 0.70725, 0], [0.29275, 0.70725, 0], [-0.02234, 0.02234, 1]],
}


def _lightness(colours):
    """CIE L* of sRGB values 0 to 1."""
    return cv2.cvtColor(colours[None].astype(np.float32), cv2.COLOR_RGB2LAB)[0, :, 0]


def test_equal_steps_of_the_value_are_equal_steps_of_lightness():
    lightness = _lightness(heat_colours() / 255)
    straight = np.linspace(lightness[0], lightness[-1], 256)
    assert lightness[-1] - lightness[0] > 90
    np.testing.assert_allclose(lightness, straight, atol=6)


@pytest.mark.parametrize('name', DICHROMACIES)
def test_the_order_is_seen_by_colour_blind_people(name):
    linear = (heat_colours() / 255) ** 2.2
    seen = np.clip(linear @ np.array(DICHROMACIES[name]).T, 0, 1) ** (1 / 2.2)
    assert np.diff(_lightness(seen)[::8]).min() > 0


def test_greys_are_grey():
    np.testing.assert_array_equal(grey_colours()[[0, 100, 255]], [[0] * 3, [100] * 3, [255] * 3])

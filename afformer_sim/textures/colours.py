# SPDX-License-Identifier: Apache-2.0
"""Random colours of panels and elements."""

from __future__ import annotations

import colorsys

import numpy as np

from afformer_sim.bodies.solid import Colour


def panel_colour(rng: np.random.Generator) -> Colour:
    """Draw a grey of any brightness, or in three of ten cases a colour."""
    saturation = rng.uniform(0, 0.12) if rng.random() < 0.7 else rng.uniform(0.2, 0.7)
    return colorsys.hsv_to_rgb(rng.random(), saturation, rng.uniform(0.12, 0.95))


def element_colour(rng: np.random.Generator, panel: Colour) -> Colour:
    """Draw a colour that differs from the panel's by more than 0.18 in some channel."""
    while True:
        saturation = rng.uniform(0, 0.1) if rng.random() < 0.6 else rng.uniform(0.4, 0.95)
        colour = colorsys.hsv_to_rgb(rng.random(), saturation, rng.uniform(0.06, 0.97))
        if np.abs(np.subtract(colour, panel)).max() > 0.18:
            return colour


def contrasting_colour(rng: np.random.Generator, colour: Colour) -> Colour:
    """Draw a colour that is visible on another one: nearly white or black, sometimes vivid."""
    if rng.random() < 0.25:
        return colorsys.hsv_to_rgb(rng.random(), 0.9, 0.9 if max(colour) < 0.5 else 0.5)
    shade = rng.uniform(0.8, 1) if sum(colour) < 1.4 else rng.uniform(0, 0.15)
    return (shade, shade, shade)

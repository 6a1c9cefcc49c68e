# SPDX-License-Identifier: Apache-2.0
"""Looks of a hand made of meshes: skin or glove, nails, sleeve, watch and ring."""

from __future__ import annotations

import colorsys
from dataclasses import dataclass

import numpy as np

from afformer_sim.bodies.hand import HandAppearance
from afformer_sim.bodies.solid import Colour

_GLOVED = 0.1
_WATCH, _RING, _POLISH = 0.3, 0.25, 0.15
# Latex and nitrile gloves, rubber gloves of a kitchen, and work gloves.
_GLOVES: tuple[Colour, ...] = (
    (0.25, 0.45, 0.75),
    (0.08, 0.08, 0.09),
    (0.90, 0.89, 0.86),
    (0.92, 0.76, 0.18),
    (0.80, 0.25, 0.30),
    (0.45, 0.44, 0.42),
)
# Skin from light to dark.
_TONES = np.array(
    [
        [0.96, 0.80, 0.70],
        [0.90, 0.70, 0.58],
        [0.80, 0.59, 0.45],
        [0.66, 0.46, 0.34],
        [0.48, 0.32, 0.23],
        [0.31, 0.20, 0.15],
    ]
)


@dataclass(frozen=True)
class HandStyle:
    """Style of a hand apart from its size and side; equal styles are painted identically.

    Attributes:
        seed: seed of everything painted.
        colour: colour of the skin or glove.
        glove: True for a glove.
        polish: colour of the nails, or None for their own.
        sleeve: colour of the sleeve, or None for a bare arm.
        sleeve_start: position of its cuff, as a share of the way from wrist to elbow.
        sleeve_width: distance of its cloth from the skin, metres.
        watch: colour of a watch's strap, or None.
        ring: finger with a ring, or None.
        curl: bend of the fingers that hold nothing, 0 to 1.
    """

    seed: int
    colour: Colour
    glove: bool
    polish: Colour | None
    sleeve: Colour | None
    sleeve_start: float
    sleeve_width: float
    watch: Colour | None
    ring: int | None
    curl: float


def sample_hand_style(appearance: HandAppearance, rng: np.random.Generator) -> HandStyle:
    """Draw the look of a hand; its appearance determines the sleeve or bare arm."""
    glove = bool(rng.random() < _GLOVED)
    colour = _GLOVES[int(rng.integers(len(_GLOVES)))] if glove else _skin_tone(rng)
    bare_wrist = appearance.sleeve is None or appearance.sleeve_start > 0.3
    strap: Colour | None = None
    if bare_wrist and not glove and rng.random() < _WATCH:
        strap = colorsys.hsv_to_rgb(rng.uniform(0, 0.12), rng.uniform(0, 0.7), rng.uniform(0, 0.6))
    polish: Colour | None = None
    if rng.random() < _POLISH:
        polish = colorsys.hsv_to_rgb(rng.random(), rng.uniform(0.4, 0.9), rng.uniform(0.3, 0.9))
    return HandStyle(
        seed=int(rng.integers(1 << 32)),
        colour=colour,
        glove=glove,
        polish=polish,
        sleeve=appearance.sleeve,
        sleeve_start=appearance.sleeve_start,
        sleeve_width=float(rng.uniform(0.004, 0.014)),
        watch=strap,
        ring=int(rng.integers(1, 5)) if not glove and rng.random() < _RING else None,
        curl=float(rng.uniform(0.45, 1.0)),
    )


def _skin_tone(rng: np.random.Generator) -> Colour:
    position = rng.uniform(0, len(_TONES) - 1)
    tone = np.array(
        [np.interp(position, np.arange(len(_TONES)), _TONES[:, channel]) for channel in range(3)]
    )
    red, green, blue = (tone * (1 + rng.normal(0, 0.03, 3))).clip(0.05, 0.98).tolist()
    return (red, green, blue)

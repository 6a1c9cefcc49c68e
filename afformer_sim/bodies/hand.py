# SPDX-License-Identifier: Apache-2.0
"""Hands made of capsules: palm, five fingers and a forearm, posed by their fingertips."""

from __future__ import annotations

import colorsys
import math
from dataclasses import dataclass

import numpy as np

from afformer_sim.bodies.solid import Colour

THUMB, INDEX, MIDDLE, RING, LITTLE = range(5)

# The palm's axes: x to the thumb, y to the fingers, z out of the back of the hand; metres.
_ROOTS = np.array(
    [
        [0.036, -0.012, -0.008],
        [0.030, 0.045, 0.0],
        [0.010, 0.049, 0.003],
        [-0.011, 0.045, 0.001],
        [-0.030, 0.037, -0.003],
    ]
)
_LENGTHS = np.array(
    [[0.042, 0.034], [0.045, 0.044], [0.049, 0.049], [0.046, 0.045], [0.036, 0.035]]
)
_CURLED = np.array(
    [
        [0.012, 0.045, -0.030],
        [0.026, 0.032, -0.042],
        [0.010, 0.030, -0.045],
        [-0.010, 0.026, -0.043],
        [-0.026, 0.022, -0.038],
    ]
)
_WRIST = np.array([0.0, -0.048, 0.0])
_FOREARM = 0.26
FINGERTIP_RADIUS = 0.0075


@dataclass(frozen=True)
class Capsule:
    """Rounded rod from `start` to `end` ([3] metres each), with its radius and colour."""

    start: np.ndarray
    end: np.ndarray
    radius: float
    colour: Colour


@dataclass(frozen=True)
class HandAppearance:
    """Looks of a hand: skin or glove, sleeve, size, left or right."""

    colour: Colour
    sleeve: Colour | None
    sleeve_start: float
    scale: float
    left: bool

    @property
    def thumb_side(self) -> float:
        """Sign of the thumb's direction on the palm's x axis: 1 (left hand) or -1."""
        return 1.0 if self.left else -1.0


@dataclass(frozen=True)
class HandPose:
    """Position of a hand.

    Attributes:
        palm: [3] metres, the palm's middle.
        rotation: [3, 3], its columns the directions right of the hand (seen from its back), to the
            fingers, and out of its back.
        tips: fingertip centres by finger, [3] metres each; the other fingers are curled.
        elbow: [3] metres.
    """

    palm: np.ndarray
    rotation: np.ndarray
    tips: dict[int, np.ndarray]
    elbow: np.ndarray


def sample_appearance(rng: np.random.Generator) -> HandAppearance:
    """Draw a skin tone (or a glove in one of five cases), a sleeve, a size and a side."""
    if rng.random() < 0.8:
        tone = rng.random()
        hue = rng.uniform(0.03, 0.09)
        colour = colorsys.hsv_to_rgb(hue, 0.35 + 0.25 * tone, 0.95 - 0.62 * tone)
    else:
        colour = colorsys.hsv_to_rgb(rng.random(), rng.uniform(0, 0.8), rng.uniform(0.1, 0.95))
    sleeve = None
    if rng.random() < 0.7:
        sleeve = colorsys.hsv_to_rgb(rng.random(), rng.uniform(0, 0.8), rng.uniform(0.08, 0.9))
    start, scale = rng.uniform(0.1, 0.6), rng.uniform(0.75, 1.0)
    return HandAppearance(colour, sleeve, start, scale, bool(rng.random() < 0.35))


def knuckle(appearance: HandAppearance, finger: int) -> np.ndarray:
    """Return the root of a finger in the palm's axes, [3] metres."""
    return _mirror(_ROOTS[finger], appearance)


def reach(appearance: HandAppearance, finger: int) -> float:
    """Return the length of an almost stretched finger, in metres."""
    return 0.94 * float(_LENGTHS[finger].sum()) * appearance.scale


def elbow_from_wrist(
    appearance: HandAppearance, palm: np.ndarray, rotation: np.ndarray, toward: np.ndarray
) -> np.ndarray:
    """Return the elbow of an arm that leaves the wrist in the direction `toward`, [3] metres."""
    wrist: np.ndarray = palm + rotation @ _mirror(_WRIST, appearance)
    return wrist + _FOREARM * toward


def hand_capsules(appearance: HandAppearance, pose: HandPose) -> list[Capsule]:
    """Build the hand's capsules; a finger whose tip is given in the pose ends exactly there."""
    scale, colour = appearance.scale, appearance.colour

    def in_world(local: np.ndarray) -> np.ndarray:
        return np.asarray(pose.palm + pose.rotation @ _mirror(local, appearance))

    dorsal, forward = pose.rotation[:, 2], pose.rotation[:, 1]
    wrist = in_world(_WRIST)
    capsules = []
    for finger in range(5):
        root = in_world(_ROOTS[finger])
        held = finger in pose.tips
        tip = pose.tips[finger] if held else in_world(_CURLED[finger])
        side = pose.rotation[:, 0] * appearance.thumb_side
        bend = 0.6 * dorsal + side if finger == THUMB else dorsal + (0 if held else 1) * forward
        middle, tip = _bend_finger(root, tip, _LENGTHS[finger] * scale, bend)
        thick = 1.15 if finger == THUMB else 0.85 if finger == LITTLE else 1.0
        capsules += [
            Capsule(wrist, root, 0.0135 * scale, colour),
            Capsule(root, middle, 0.0095 * scale * thick, colour),
            Capsule(middle, tip, FINGERTIP_RADIUS, colour),
        ]
    across = (in_world(_ROOTS[INDEX]), in_world(_ROOTS[LITTLE]))
    capsules.append(Capsule(*across, 0.0115 * scale, colour))
    capsules.append(Capsule(wrist, pose.elbow, 0.025 * scale, colour))
    if appearance.sleeve is not None:
        cuff = wrist + appearance.sleeve_start * (pose.elbow - wrist)
        capsules.append(Capsule(cuff, pose.elbow, 0.034 * scale, appearance.sleeve))
    return capsules


def _bend_finger(
    root: np.ndarray, tip: np.ndarray, lengths: np.ndarray, bend: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return the middle joint of a finger of two bones whose ends are given, and its tip.

    A finger that is too short is lengthened, because the contact matters more than the bones.
    """
    span = tip - root
    distance = max(float(np.linalg.norm(span)), 1e-6)
    along = span / distance
    first, second = lengths * max(1.0, distance / (0.995 * lengths.sum()))
    if distance < abs(first - second) + 1e-3:
        distance = abs(first - second) + 1e-3
    base = (first**2 - second**2 + distance**2) / (2 * distance)
    height = math.sqrt(max(first**2 - base**2, 0.0))
    sideways = bend - (bend @ along) * along
    sideways /= max(float(np.linalg.norm(sideways)), 1e-6)
    return root + base * along + height * sideways, tip


def _mirror(local: np.ndarray, appearance: HandAppearance) -> np.ndarray:
    return local * appearance.scale * [appearance.thumb_side, 1, 1]

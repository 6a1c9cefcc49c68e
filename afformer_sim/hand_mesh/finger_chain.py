# SPDX-License-Identifier: Apache-2.0
"""Three bones of a finger between two given ends."""

from __future__ import annotations

import numpy as np

# Bend of the last joint as a share of the middle one's: tendons couple them.
_COUPLING = 0.65
_LARGEST_BEND = 1.9
_BENDS = np.linspace(0.03, _LARGEST_BEND, 120)


def bend_finger(
    root: np.ndarray, tip: np.ndarray, lengths: np.ndarray, bend: np.ndarray
) -> np.ndarray:
    """Return the joints of a finger whose ends are given: float64 [4, 3], from root to tip.

    The bones lie in one plane, and the last joint bends 0.65 times as far as the middle one. A
    finger that is too short is lengthened, and one that cannot bend enough is shortened, because
    the tip matters more than the bones.

    Args:
        root, tip: [3] metres.
        lengths: [3] metres, of the bones from the root.
        bend: [3], direction in which the joints leave the line from root to tip.
    """
    span = tip - root
    distance = max(float(np.linalg.norm(span)), 1e-6)
    along = span / distance
    sideways = bend - (bend @ along) * along
    sideways /= max(float(np.linalg.norm(sideways)), 1e-6)
    joints = flat_finger(lengths, _bend_for(distance, lengths))
    # turned in its plane and scaled so that its end is the tip
    end = joints[-1]
    reached = float(np.hypot(*end))
    cosine, sine = end / reached
    turned = joints @ np.array([[cosine, -sine], [sine, cosine]]) * (distance / reached)
    placed: np.ndarray = root + turned[:, :1] * along + turned[:, 1:] * sideways
    return placed


def flat_finger(lengths: np.ndarray, bend: float) -> np.ndarray:
    """Return the joints of a finger in its plane: float64 [4, 2], the first bone along x.

    Args:
        lengths: [3] metres.
        bend: angle of the middle joint, radians; it bends to negative y.
    """
    angles = np.array([0.0, -bend, -(1 + _COUPLING) * bend])
    steps = lengths[:, None] * np.column_stack([np.cos(angles), np.sin(angles)])
    return np.concatenate([np.zeros((1, 2)), np.cumsum(steps, axis=0)])


def _bend_for(distance: float, lengths: np.ndarray) -> float:
    """Return the angle of the middle joint at which the ends are `distance` apart."""
    angles = np.stack([0 * _BENDS, -_BENDS, -(1 + _COUPLING) * _BENDS])
    x = (lengths[:, None] * np.cos(angles)).sum(axis=0)
    y = (lengths[:, None] * np.sin(angles)).sum(axis=0)
    reaches = np.hypot(x, y)
    return float(np.interp(-distance, -reaches, _BENDS))

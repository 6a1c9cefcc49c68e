# SPDX-License-Identifier: Apache-2.0
"""Texture of a panel: printed frame, display, labels and decals."""

from __future__ import annotations

import cv2
import numpy as np

from afformer_sim.bodies.fixture import Panel
from afformer_sim.textures.decals import apply_decals
from afformer_sim.textures.surface_noise import grain
from afformer_sim.textures.wear import apply_wear

_WORDS = (
    'START',
    'STOP',
    'AUTO',
    'ECO',
    'MODE',
    'TIMER',
    'LIGHT',
    'FAN',
    'HIGH',
    'LOW',
    'SET',
    'ON',
    'OFF',
    'MENU',
    'OK',
    'HEAT',
    'DEFROST',
    'WASH',
    'SPIN',
    'RINSE',
    'GRILL',
    'BAKE',
    '1',
    '2',
    '3',
    '4',
    '5',
    '6',
    '7',
    '8',
    '9',
    '0',
    '+',
    '-',
    '30',
    '60',
    '90',
    'A',
    'B',
)


def paint_panel(
    panel: Panel, rng: np.random.Generator, *, held_out: bool = False, side: int = 384
) -> np.ndarray:
    """Paint the panel's front: grain, frame, display, labels, decals and wear.

    Args:
        panel: the panel.
        rng: source of randomness.
        held_out: see `paint_decal`.
        side: longer side of the texture, in pixels.

    Returns:
        uint8 [H, W, 3] RGB, upright.
    """
    scale = side / max(panel.width, panel.height)
    width, height = round(panel.width * scale), round(panel.height * scale)
    image = np.full((height, width, 3), panel.colour, np.float32) * 255
    image *= 1 + grain(rng, height, width)[..., None]
    image += np.linspace(-1, 1, height)[:, None, None] * rng.uniform(-14, 14)
    ink = 235.0 if sum(panel.colour) < 1.4 else 30.0
    if rng.random() < 0.4:
        inset = int(rng.uniform(2, 8))
        cv2.rectangle(
            image,
            (inset, inset),
            (width - 1 - inset, height - 1 - inset),
            (ink, ink, ink),
            int(rng.integers(1, 4)),
        )
    if rng.random() < 0.4:
        apply_decals(image, rng, held_out=held_out)
    if panel.display is not None:
        _paint_display(image, panel, scale, rng)
    if panel.labels:
        _paint_labels(image, panel, scale, ink, rng)
    if rng.random() < 0.4:
        apply_wear(image, rng)
    return np.clip(image, 0, 255).astype(np.uint8)


def _paint_display(
    image: np.ndarray, panel: Panel, scale: float, rng: np.random.Generator
) -> None:
    assert panel.display is not None
    x, y, w, h = panel.display
    left, top = _pixel(panel, scale, x - w / 2, y + h / 2)
    right, bottom = _pixel(panel, scale, x + w / 2, y - h / 2)
    dark = rng.uniform(5, 60, 3).tolist()
    cv2.rectangle(image, (left, top), (right, bottom), dark, -1)
    size = 0.028 * (bottom - top)
    text = f'{rng.integers(0, 24):02d}:{rng.integers(0, 60):02d}'
    (text_width, text_height), _ = cv2.getTextSize(text, 0, size, 2)
    if text_width > right - left:
        size *= 0.9 * (right - left) / text_width
        (text_width, text_height), _ = cv2.getTextSize(text, 0, size, 2)
    cv2.putText(
        image,
        text,
        ((left + right - text_width) // 2, (top + bottom + text_height) // 2),
        0,
        size,
        rng.uniform(120, 255, 3).tolist(),
        2,
        cv2.LINE_AA,
    )


def _paint_labels(
    image: np.ndarray, panel: Panel, scale: float, ink: float, rng: np.random.Generator
) -> None:
    above = rng.random() < 0.5
    size = rng.uniform(0.3, 0.45)
    for label in panel.labels:
        word = str(rng.choice(_WORDS))
        (text_width, text_height), _ = cv2.getTextSize(word, 0, size, 1)
        edge = label.y + (0.5 if above else -0.5) * label.height
        u, v = _pixel(panel, scale, label.x, edge)
        v += -4 if above else text_height + 4
        cv2.putText(
            image, word, (u - text_width // 2, v), 0, size, (ink, ink, ink), 1, cv2.LINE_AA
        )


def _pixel(panel: Panel, scale: float, x: float, y: float) -> tuple[int, int]:
    return (round((x + panel.width / 2) * scale), round((panel.height / 2 - y) * scale))

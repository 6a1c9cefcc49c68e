# SPDX-License-Identifier: Apache-2.0
"""Texture of a panel: printed frame, display, labels, decals and wear."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np

from afformer_sim.bodies.fixture import Panel
from afformer_sim.textures.decals import apply_decals
from afformer_sim.textures.surface_texture import fractal, grain

# Factor by which smooth masks are smaller than the image.
_SHRINK = 4
_SIDE = 384


def apply_wear(image: np.ndarray, rng: np.random.Generator) -> None:
    """Add wear to the image of a surface, in place; about a quarter remain like new.

    Args:
        image: uint8 or float32 [H, W, 3] RGB, up to 255.
        rng: source of randomness.
    """
    height, width = image.shape[:2]
    # opacity of the layer over the image, and its brightness times opacity
    cover = np.zeros((height, width), np.float32)
    shade = np.zeros((height, width), np.float32)
    kinds: tuple[tuple[float, Callable[..., np.ndarray], float, float], ...] = (
        (0.25, _faded, 0.5, 1.0),
        (0.4, _smudges, 0.05, 0.45),
        (0.2, _rubbed_edges, 0.1, 0.9),
        (0.4, _scratches, 0.0, 1.0),
    )
    for share, paint, darkest, brightest in kinds:
        if rng.random() < share:
            mask = paint(rng, height, width)
            cover += mask * (1 - cover)
            shade += mask * (np.float32(rng.uniform(darkest, brightest)) - shade)
    if cover.any():
        tint = 255 * (1 + rng.uniform(-0.08, 0.08, 3)) * (1.05, 1.0, 0.92)
        overlay = cv2.merge([shade * np.float32(level) for level in tint])
        worn = image * cv2.merge([1 - cover] * 3) + overlay
        image[:] = np.clip(worn, 0, 255)


def _faded(rng: np.random.Generator, height: int, width: int) -> np.ndarray:
    """Draw a large soft spot, like sun bleaching or wear by hands."""
    y, x = np.ogrid[: height // _SHRINK + 1, : width // _SHRINK + 1]
    centre = rng.uniform(0, 1, 2) * (len(y), x.shape[1])
    reach = rng.uniform(0.2, 0.6, 2) * max(len(y), x.shape[1])
    squared = ((y - centre[0]) / reach[0]) ** 2 + ((x - centre[1]) / reach[1]) ** 2
    return _enlarge(np.float32(rng.uniform(0.1, 0.4)) * np.exp(-squared), height, width)


def _smudges(rng: np.random.Generator, height: int, width: int) -> np.ndarray:
    """Draw dirt where clouds of noise are dense."""
    cells = int(rng.integers(2, 7))
    clouds = fractal(rng, height // _SHRINK + 1, width // _SHRINK + 1, cells, 4)
    mask = np.clip(clouds - np.float32(rng.uniform(0, 0.4)), 0, 1)
    return _enlarge(np.minimum(mask * np.float32(rng.uniform(0.3, 1)), 0.6), height, width)


def _rubbed_edges(rng: np.random.Generator, height: int, width: int) -> np.ndarray:
    """Draw wear near the image's border, unevenly strong."""
    rows, columns = height // _SHRINK + 1, width // _SHRINK + 1
    y, x = np.arange(rows), np.arange(columns)
    border = np.minimum(np.minimum(y, rows - 1 - y)[:, None], np.minimum(x, columns - 1 - x)[None])
    reach = rng.uniform(0.02, 0.07) * max(rows, columns)
    clouds = np.clip(0.5 + 1.5 * fractal(rng, rows, columns, 6, 3), 0, 1)
    mask = np.float32(rng.uniform(0.3, 0.8)) * clouds * np.exp(-border / reach)
    return _enlarge(mask, height, width)


def _scratches(rng: np.random.Generator, height: int, width: int) -> np.ndarray:
    """Draw thin lines, most of them in roughly the same direction."""
    mask = np.zeros((height, width), np.uint8)
    common, spread = rng.uniform(0, 2 * np.pi), rng.choice([0.15, 0.5, 3])
    for _ in range(int(rng.integers(1, 16))):
        angle = common + rng.normal(0, spread)
        length = max(height, width) * rng.exponential(0.15)
        position = rng.uniform(0, 1, 2) * (width, height)
        ahead = length / 2 * np.array([np.cos(angle), np.sin(angle)])
        bow = rng.normal(0, 0.06) * ahead[::-1] * (1, -1)
        t = np.linspace(-1, 1, 7)[:, None]
        points = np.round(4 * (position + t * ahead + (1 - t**2) * bow))
        strength = rng.uniform(40, 200)
        cv2.polylines(mask, [points.astype(np.int32)], False, strength, 1, cv2.LINE_AA, shift=2)
    return np.asarray(mask * np.float32(1 / 255))


def _enlarge(mask: np.ndarray, height: int, width: int) -> np.ndarray:
    return cv2.resize(mask.astype(np.float32), (width, height), interpolation=cv2.INTER_LINEAR)


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


def paint_panel(panel: Panel, rng: np.random.Generator, *, held_out: bool = False) -> np.ndarray:
    """Paint the panel's front: grain, frame, display, labels, decals and wear.

    Args:
        panel: the panel.
        rng: source of randomness.
        held_out: see `paint_decal`.

    Returns:
        uint8 [H, W, 3] RGB, upright, its longer side of 384 pixels.
    """
    scale = _SIDE / max(panel.width, panel.height)
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

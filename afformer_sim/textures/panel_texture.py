# SPDX-License-Identifier: Apache-2.0
"""Texture of a panel: printed frame, display, labels, decals and wear.

Decals are photographs, logos, labels and codes.
"""

from __future__ import annotations

import colorsys
import math
from collections.abc import Callable

import cv2
import numpy as np

from afformer_sim.bodies.fixture import Panel
from afformer_sim.textures.surface_texture import fractal, grain
from afformer_sim.textures.texture_images import crop_texture_image

_Colour = tuple[int, int, int]

_TRAINING_WORDS = (
    'CAUTION', 'HOT', 'SERIAL NO.', 'CLASS A', '230 V', '60 W', 'MODEL 4', 'NORVA', 'Lumeto',
    'CLEAN WEEKLY', 'PULL TAB', 'THIS SIDE UP', 'TESTED', 'REF 2071', 'Do not cover', '2 kg',
)  # fmt: skip
_HELD_OUT_WORDS = (
    'WARNING', 'FRAGILE', 'TYPE B', '50 Hz', 'ORBELA', 'Kestin', 'KEEP DRY', 'LOT 88315',
    'Inspected', 'NO STEP', '5 bar',
)  # fmt: skip
# Numbers of corners of regular polygons; of stars if negative.
_TRAINING_SHAPES = (3, 4, 40)
_HELD_OUT_SHAPES = (5, 6, -5)


def paint_decal(rng: np.random.Generator, *, held_out: bool = False, side: int = 48) -> np.ndarray:
    """Paint a decal: a framed photograph, a logo, a label, or a code to scan.

    Held-out photographs, words, shapes of logos and kinds of code never occur in training.

    Args:
        held_out: True for the held-out ones, False for those of training.
        side: longer side in pixels, at least 8.

    Returns:
        uint8 [H, W, 4] RGB and opacity.
    """
    kinds: tuple[Callable[..., np.ndarray], ...] = (_image, _logo, _label, _code)
    return kinds[int(rng.integers(len(kinds)))](rng, side, held_out=held_out)


def apply_decals(image: np.ndarray, rng: np.random.Generator, *, held_out: bool) -> None:
    """Paint 0 to 3 decals (see `paint_decal`) onto an image, float32 [H, W, 3] RGB, in place."""
    shorter = min(image.shape[:2])
    for _ in range(int(rng.integers(4))):
        side = max(8, round(shorter * rng.uniform(0.1, 0.35)))
        if side > shorter // 2:
            return
        _stick(image, _turn(paint_decal(rng, held_out=held_out, side=side), rng), rng)


def _stick(image: np.ndarray, decal: np.ndarray, rng: np.random.Generator) -> None:
    height, width = decal.shape[:2]
    top = int(rng.integers(max(1, image.shape[0] - height)))
    left = int(rng.integers(max(1, image.shape[1] - width)))
    region = image[top : top + height, left : left + width]
    decal = decal[: region.shape[0], : region.shape[1]]
    opacity = decal[..., 3:].astype(np.float32) * np.float32(rng.uniform(0.7, 1) / 255)
    region[:] = region + opacity * (decal[..., :3] - region.astype(np.float32))


def _turn(decal: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Rotate a decal in two of five cases: a little askew, or sideways."""
    degrees = float(rng.choice([0, 0, 0, 90, rng.uniform(-12, 12)]))
    if degrees == 0:
        return decal
    height, width = decal.shape[:2]
    cosine, sine = (abs(f(math.radians(degrees))) for f in (math.cos, math.sin))
    size = (math.ceil(width * cosine + height * sine), math.ceil(width * sine + height * cosine))
    matrix = cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), degrees, 1)
    matrix[:, 2] += (size[0] - width) / 2, (size[1] - height) / 2
    return cv2.warpAffine(decal, matrix, size, flags=cv2.INTER_LINEAR)


def _image(rng: np.random.Generator, side: int, *, held_out: bool) -> np.ndarray:
    height, width = _size(rng, side, 0.6, 1)
    top, left = (side - height) // 2, (side - width) // 2
    crop = crop_texture_image(rng, side, held_out=held_out)[top:, left:][:height, :width]
    decal = np.dstack([crop, np.full((height, width), 255, np.uint8)])
    thickness = int(rng.integers(0, max(2, side // 10)))
    if thickness:
        frame = (*_ink(rng), 255)
        cv2.rectangle(decal, (0, 0), (width - 1, height - 1), frame, 2 * thickness - 1)
    return decal


def _logo(rng: np.random.Generator, side: int, *, held_out: bool) -> np.ndarray:
    """Paint a few nested shapes; half of the logos have a transparent background."""
    ground = (*_ink(rng), 255 if rng.random() < 0.5 else 0)
    decal = np.full((side, side, 4), ground, np.uint8)
    shapes = _HELD_OUT_SHAPES if held_out else _TRAINING_SHAPES
    radius = side * rng.uniform(0.35, 0.48)
    for _ in range(int(rng.integers(1, 4))):
        corners = _corners(int(rng.choice(shapes)), radius, rng.uniform(0, 2 * math.pi))
        points = np.round(16 * (corners + (side - 1) / 2)).astype(np.int32)
        cv2.fillPoly(decal, [points], (*_ink(rng), 255), cv2.LINE_AA, 4)
        radius *= rng.uniform(0.4, 0.8)
    return decal


def _corners(count: int, radius: float, turn: float) -> np.ndarray:
    """Return the corners [K, 2] of a regular polygon, or a star for a negative `count`."""
    star = count < 0
    angles = turn + np.linspace(0, 2 * math.pi, abs(count) * (2 if star else 1), endpoint=False)
    radii = np.full(len(angles), radius)
    if star:
        radii[1::2] *= 0.45
    return np.stack([radii * np.cos(angles), radii * np.sin(angles)], axis=1)


def _label(rng: np.random.Generator, side: int, *, held_out: bool) -> np.ndarray:
    """Paint one to three lines of words on a plate, which may have a coloured head."""
    height, width = _size(rng, side, 0.3, 0.7, upright=False)
    ink, ground = _pair(rng)
    decal = np.full((height, width, 4), (*ground, 255), np.uint8)
    head = height // 4 if rng.random() < 0.3 else 0
    decal[:head, :, :3] = _ink(rng)
    plate = decal[head:]
    lines = int(rng.integers(1, 4)) if height >= 24 else 1
    words = _HELD_OUT_WORDS if held_out else _TRAINING_WORDS
    for line in range(lines):
        _write(plate, str(rng.choice(words)), (2 * line + 1) / (2 * lines), 0.6 / lines, ink)
    if rng.random() < 0.5:
        cv2.rectangle(decal, (0, 0), (width - 1, height - 1), (*ink, 255), 1)
    return decal


def _write(plate: np.ndarray, word: str, middle: float, share: float, ink: _Colour) -> None:
    """Write a word at the height `middle`, `share` high (in heights of the plate)."""
    height, width = plate.shape[:2]
    (word_width, word_height), _ = cv2.getTextSize(word, 0, 1, 2)
    size = min(share * height / word_height, 0.86 * width / word_width)
    left = round((width - size * word_width) / 2)
    base = round(middle * height + size * word_height / 2)
    thickness = max(1, round(2 * size))
    cv2.putText(plate, word, (left, base), 0, size, (*ink, 255), thickness, cv2.LINE_AA)


def _code(rng: np.random.Generator, side: int, *, held_out: bool) -> np.ndarray:
    """Paint bars or, if held out, a square of dark and bright cells."""
    if held_out:
        height, width, cells = side, side, (int(rng.integers(9, 22)),) * 2
    else:
        height, width = _size(rng, side, 0.4, 0.8, upright=False)
        cells = (1, int(rng.integers(18, 40)))
    ink, ground = _pair(rng)
    decal = np.full((height, width, 4), (*ground, 255), np.uint8)
    margin = max(1, side // 12)
    marks = rng.integers(0, 2, cells).astype(np.uint8)
    size = (width - 2 * margin, height - 2 * margin)
    dark = cv2.resize(marks, size, interpolation=cv2.INTER_NEAREST).astype(bool)
    decal[margin : margin + size[1], margin : margin + size[0], :3][dark] = ink
    return decal


def _size(
    rng: np.random.Generator, side: int, least: float, most: float, *, upright: bool = True
) -> tuple[int, int]:
    """Draw height and width; the shorter one is a random share of `side`."""
    short = max(4, round(side * rng.uniform(least, most)))
    return (side, short) if upright and rng.random() < 0.5 else (short, side)


def _pair(rng: np.random.Generator) -> tuple[_Colour, _Colour]:
    """Draw an ink and a background on which it is legible."""
    dark = _ink(rng, 0.0, 0.3)
    bright = (245, 245, 245) if rng.random() < 0.5 else _ink(rng, 0.85)
    return (bright, dark) if rng.random() < 0.25 else (dark, bright)


def _ink(rng: np.random.Generator, least: float = 0.1, most: float = 1.0) -> _Colour:
    hue, saturation, value = rng.random(), rng.uniform(0, 0.9), rng.uniform(least, most)
    red, green, blue = colorsys.hsv_to_rgb(hue, saturation, value)
    return round(255 * red), round(255 * green), round(255 * blue)


# Factor by which smooth masks are smaller than the image.
_SHRINK = 4
_SIDE = 384


def apply_wear(image: np.ndarray, rng: np.random.Generator) -> None:
    """Add wear to the image of a surface, in place; about a quarter remain like new.

    Args:
        image: uint8 or float32 [H, W, 3] RGB, up to 255.
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
    'START', 'STOP', 'AUTO', 'ECO', 'MODE', 'TIMER', 'LIGHT', 'FAN', 'HIGH', 'LOW', 'SET', 'ON',
    'OFF', 'MENU', 'OK', 'HEAT', 'DEFROST', 'WASH', 'SPIN', 'RINSE', 'GRILL', 'BAKE',
    *'1234567890+-', '30', '60', '90', *'AB',
)  # fmt: skip


def paint_panel(panel: Panel, rng: np.random.Generator, *, held_out: bool = False) -> np.ndarray:
    """Paint the panel's front: grain, frame, display, labels, decals and wear.

    Args:
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
        corner = (width - 1 - inset, height - 1 - inset)
        cv2.rectangle(image, (inset, inset), corner, (ink, ink, ink), int(rng.integers(1, 4)))
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
    position = ((left + right - text_width) // 2, (top + bottom + text_height) // 2)
    bright = rng.uniform(120, 255, 3).tolist()
    cv2.putText(image, text, position, 0, size, bright, 2, cv2.LINE_AA)


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
        position = (u - text_width // 2, v)
        cv2.putText(image, word, position, 0, size, (ink, ink, ink), 1, cv2.LINE_AA)


def _pixel(panel: Panel, scale: float, x: float, y: float) -> tuple[int, int]:
    return (round((x + panel.width / 2) * scale), round((panel.height / 2 - y) * scale))

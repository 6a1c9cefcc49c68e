# SPDX-License-Identifier: Apache-2.0
"""Textures of walls, tables and fronts: crops of photographs, and procedural patterns.

A pattern is a function of a random generator and a side in pixels that returns float32 [side,
side], whose levels from 0 to 1 a ramp of colours shows. Most patterns of equal cells can be tiled
without a seam. Held-out scenes show none of the patterns of training.
"""

from __future__ import annotations

import colorsys
import math
from collections.abc import Callable
from functools import lru_cache

import cv2
import numpy as np

from afformer_sim.textures.texture_images import crop_texture_image

_TEXTURE_IMAGES = 0.5


def paint_surface(
    rng: np.random.Generator, *, held_out: bool = False, side: int = 128
) -> np.ndarray:
    """Paint a random surface: half of them are cut out of photographs, the others are patterns.

    Args:
        held_out: True for photographs or patterns that are kept out of training, False for those
            of training.
        side: side in pixels.

    Returns:
        uint8 [side, side, 3] RGB.
    """
    if rng.random() < _TEXTURE_IMAGES:
        return crop_texture_image(rng, side, held_out=held_out)
    patterns = HELD_OUT_PATTERNS if held_out else TRAINING_PATTERNS
    return paint_pattern(rng, str(rng.choice(list(patterns))), side)


def paint_pattern(rng: np.random.Generator, name: str, side: int = 128) -> np.ndarray:
    """Paint a pattern in random colours.

    Args:
        name: a key of `TRAINING_PATTERNS` or `HELD_OUT_PATTERNS`.
        side: side in pixels.

    Returns:
        uint8 [side, side, 3] RGB.
    """
    levels = (TRAINING_PATTERNS | HELD_OUT_PATTERNS)[name](rng, side)
    steps = np.clip(levels * 255, 0, 255).astype(np.uint8)
    image = cv2.applyColorMap(steps, _ramp(rng))
    if rng.random() < 0.5:
        shade = 1 + grain(rng, side, side)
        image = cv2.multiply(image, cv2.merge([shade] * 3), dtype=cv2.CV_8U)
    return image


def _ramp(rng: np.random.Generator) -> np.ndarray:
    """Draw the colours of the levels from 0 to 1, uint8 [256, 1, 3]."""
    stops = _colours(rng, int(rng.integers(2, 5)))
    # most surfaces have similar colours, a few quite different ones
    strength = rng.uniform(0.1, 1)
    stops = stops[0] + strength * (stops - stops[0])
    positions = np.linspace(0, 255, len(stops))
    levels = np.arange(256)
    colours = [np.interp(levels, positions, channel) for channel in stops.T]
    return np.stack(colours, axis=1).astype(np.uint8)[:, None]


def _colours(rng: np.random.Generator, count: int) -> np.ndarray:
    """Draw colours that are nearly grey, of earth or wood, or any: float64 [count, 3] to 255."""
    taste = rng.random()
    if taste < 0.3:
        hsv = rng.uniform((0.02, 0.1, 0.15), (0.13, 0.65, 0.95), (count, 3))
        return np.array([colorsys.hsv_to_rgb(*colour) for colour in hsv]) * 255
    colours: np.ndarray = rng.uniform(20, 245, (count, 3))
    if taste < 0.75:
        grey = colours.mean(axis=1, keepdims=True)
        colours = grey + 0.25 * (colours - grey)
    return colours


def grain(rng: np.random.Generator, height: int, width: int) -> np.ndarray:
    """Draw smooth noise about 0 of at most a few per cent, float32 [height, width]."""
    cell = int(rng.choice([2, 8, 40]))
    stretch = 1 if rng.random() < 0.6 else 8
    shape = (max(2, height // cell), max(2, width // (cell * stretch)))
    noise = rng.standard_normal(shape, np.float32) * np.float32(rng.uniform(0, 0.06))
    return np.asarray(cv2.resize(noise, (width, height), interpolation=cv2.INTER_LINEAR))


def fractal(
    rng: np.random.Generator, height: int, width: int, cells: int = 4, octaves: int = 4
) -> np.ndarray:
    """Draw clouds: smooth noise about 0 of standard deviation near 0.3, float32 [height, width].

    Args:
        height, width: size in pixels.
        cells: number of cells of the coarsest noise along each side.
        octaves: number of refinements; each halves the size of cells and the amplitude.
    """
    clouds = np.zeros((height, width), np.float32)
    for octave in range(octaves):
        count = cells << octave
        noise = rng.standard_normal((count, count), np.float32) * 0.4 / (1 << octave)
        clouds += cv2.resize(noise, (width, height), interpolation=cv2.INTER_LINEAR)
    return clouds


Pattern = Callable[[np.random.Generator, int], np.ndarray]


def _plain(rng: np.random.Generator, side: int) -> np.ndarray:
    return 0.05 * fractal(rng, side, side, 2, 3)


def _stripes(rng: np.random.Generator, side: int) -> np.ndarray:
    rows, columns = _grid(side)
    across = (columns, rows, columns + rows)[int(rng.integers(3))]
    wave = np.sin(across * np.float32(2 * math.pi * _count(rng, 2, 16) / side))
    return np.asarray(0.5 + wave * np.float32(rng.uniform(0.6, 6)))


def _boards(rng: np.random.Generator, side: int) -> np.ndarray:
    count = _count(rng, 2, 9)
    position, _ = _cells(side, count)
    gap = (position % 1) < rng.uniform(0.02, 0.08)
    streaks = rng.standard_normal((side, 6), np.float32) * 0.12
    grain = cv2.resize(streaks, (side, side), interpolation=cv2.INTER_LINEAR)
    tones = rng.uniform(0.3, 0.7, count).astype(np.float32)[position.astype(int)]
    levels = np.where(gap, np.float32(1), tones + grain)
    return np.asarray(levels.T if rng.random() < 0.5 else levels)


def _tiles(rng: np.random.Generator, side: int) -> np.ndarray:
    count = _count(rng, 2, 12)
    y, x = _cells(side, count)
    joint = np.minimum(y % 1, x % 1) < rng.uniform(0.03, 0.12)
    tones = rng.uniform(0.2, 0.2 + rng.uniform(0, 0.5), (count, count)).astype(np.float32)
    return np.asarray(np.where(joint, np.float32(1), tones[y.astype(int), x.astype(int)]))


def _checks(rng: np.random.Generator, side: int) -> np.ndarray:
    y, x = _cells(side, 2 * _count(rng, 1, 8))
    odd = (y.astype(int) + x.astype(int)) % 2
    return np.asarray(odd.astype(np.float32))


def _blotches(rng: np.random.Generator, side: int) -> np.ndarray:
    cells = int(rng.choice([3, 5, 8, 14]))
    return 0.5 + rng.uniform(0.8, 2.5) * fractal(rng, side, side, cells, 3)


def _wood(rng: np.random.Generator, side: int) -> np.ndarray:
    """Draw wood grain: distances from an axis that lies almost in the board."""
    y, x = _cells(side, 1)
    warp = fractal(rng, side, 8, 3, 3)
    warp = cv2.resize(warp, (side, side), interpolation=cv2.INTER_LINEAR)
    x = x - rng.uniform(0, 1) + 0.15 * warp
    y = (y - rng.uniform(0, 1)) * np.float32(rng.uniform(0, 0.3))
    rings = np.sqrt(x * x + y * y + np.float32(0.001)) * np.float32(rng.uniform(6, 22))
    rings = rings % 1 * np.float32(rng.uniform(0.5, 1))
    return np.asarray(rings + 0.3 * np.roll(warp, side // 3, 1))


def _brick(rng: np.random.Generator, side: int) -> np.ndarray:
    count = 2 * _count(rng, 2, 6)
    y, _ = _cells(side, count)
    row = y.astype(int)
    x = (_cells(side, count / 2)[1] + (row % 2) * np.float32(0.5)) % (count // 2)
    width = np.float32(rng.uniform(0.05, 0.14))
    mortar = (y % 1 < width) | (x % 1 < width / 2)
    tones = rng.uniform(0.3, 0.8, (count, count)).astype(np.float32)
    return np.asarray(np.where(mortar, np.float32(0), tones[row, x.astype(int)]))


def _speckle(rng: np.random.Generator, side: int) -> np.ndarray:
    cells = max(8, int(side / rng.uniform(1.2, 4)))
    noise = rng.standard_normal((cells, cells), np.float32)
    grains = cv2.resize(noise, (side, side), interpolation=cv2.INTER_CUBIC)
    return np.asarray(0.4 + np.float32(rng.uniform(0.1, 0.5)) * np.abs(grains) ** 1.5)


def _gradient(rng: np.random.Generator, side: int) -> np.ndarray:
    y, x = (position - np.float32(rng.uniform(0, 1)) for position in _cells(side, 1))
    if rng.random() < 0.4:
        return np.asarray(np.sqrt(x * x + y * y))
    angle = rng.uniform(0, 2 * math.pi)
    return np.asarray(0.5 + x * np.float32(math.cos(angle)) + y * np.float32(math.sin(angle)))


def _fabric(rng: np.random.Generator, side: int) -> np.ndarray:
    """Draw a weave: at every other crossing the weft is above the warp."""
    y, x = _cells(side, 2 * _count(rng, 6, 20))
    over = (y.astype(int) + x.astype(int)) % 2 == 0
    bulge = np.sin(np.where(over, y, x) % 1 * np.float32(math.pi))
    dyed = np.float32(rng.uniform(-0.3, 0.3)) * over
    return np.asarray(0.3 + 0.5 * bulge + dyed + 0.3 * fractal(rng, side, side, 8, 3))


def _terrazzo(rng: np.random.Generator, side: int) -> np.ndarray:
    levels = np.zeros((side, side), np.float32)
    count = int(rng.integers(40, 110))
    positions = rng.integers(0, side, (count, 1, 2))
    radii = rng.uniform(0.01, rng.uniform(0.025, 0.07), (count, 1, 1)) * side
    corners = positions + radii * rng.uniform(-1, 1, (count, 5, 2))
    tones = rng.uniform(0.25, 1, count).tolist()
    for chip, tone in zip(np.round(corners).astype(np.int32), tones, strict=True):
        cv2.fillConvexPoly(levels, cv2.convexHull(chip), tone)
    return levels


def _marble(rng: np.random.Generator, side: int) -> np.ndarray:
    rows, columns = _grid(side)
    angle = rng.uniform(0, math.pi)
    down, right = (np.float32(share(angle) / side) for share in (math.sin, math.cos))
    along = rows * down + columns * right
    turbulence = fractal(rng, side, side, 3, 5) * np.float32(rng.uniform(0.4, 0.9))
    veins = np.abs(np.sin((along * np.float32(rng.uniform(1, 4)) + turbulence) * math.pi))
    return np.asarray(1 - veins ** np.float32(rng.uniform(0.15, 0.5)) + 0.3 * turbulence)


def _hexagons(rng: np.random.Generator, side: int) -> np.ndarray:
    """Draw a honeycomb: each pixel belongs to the nearer one of two grids of points."""
    y, x = _cells(side, _count(rng, 2, 8))
    height = np.float32(math.sqrt(3))
    distances = []
    for shift in (0, 0.5):
        across = np.abs((x + np.float32(shift)) % 1 - np.float32(0.5))
        up = np.abs((y + height * np.float32(shift)) % height - height / 2)
        distances.append(np.maximum(across, across / 2 + up * (height / 2)))
    inside = 0.5 - np.minimum(*distances)
    return np.asarray(np.where(inside < rng.uniform(0.02, 0.07), np.float32(1), 0.3 * inside))


def _dots(rng: np.random.Generator, side: int) -> np.ndarray:
    count = _count(rng, 3, 14)
    y, x = _cells(side, count)
    if rng.random() < 0.5:
        x = x + 0.5 * (y.astype(int) % 2)
    distance = np.hypot(x % 1 - np.float32(0.5), y % 1 - np.float32(0.5))
    edge = np.float32(rng.uniform(0.12, 0.42))
    return np.asarray((edge - distance) * np.float32(0.5 / np.float32(count / side)) + 0.5)


def _plaid(rng: np.random.Generator, side: int) -> np.ndarray:
    bands = rng.uniform(0, 0.5, int(rng.integers(4, 9))).astype(np.float32)
    period = side // _count(rng, 1, 3)
    profile = cv2.resize(bands[None], (period, 1), interpolation=cv2.INTER_NEAREST)[0]
    line = np.resize(profile, side)
    return line[:, None] + line[None, :]


def _herringbone(rng: np.random.Generator, side: int) -> np.ndarray:
    """Draw blocks of 2 cells, lying and standing; a cell's diagonal determines its block."""
    count = 4 * _count(rng, 1, 4)
    y, x = _cells(side, count)
    row, column = y.astype(int), x.astype(int)
    diagonal = (column - row) % 4
    lying = diagonal < 2
    along = np.where(lying, diagonal + x % 1, 3 - diagonal + y % 1)
    across = np.where(lying, y % 1, x % 1)
    edge = np.minimum(np.minimum(along, 2 - along), np.minimum(across, 1 - across))
    first = np.where(lying, column - diagonal, row - (3 - diagonal)) % count
    tones = rng.uniform(0.2, 0.75, (2, count, count)).astype(np.float32)
    blocks = tones[lying.astype(int), first, np.where(lying, row, column)]
    return np.asarray(np.where(edge < rng.uniform(0.03, 0.09), np.float32(1), blocks))


def _cobbles(rng: np.random.Generator, side: int) -> np.ndarray:
    """Draw cells of random points: each pixel belongs to the nearest one."""
    points = rng.integers(0, side, (int(rng.integers(25, 120)), 2))
    empty = np.ones((side, side), np.uint8)
    empty[points[:, 1], points[:, 0]] = 0
    distance, label = cv2.distanceTransformWithLabels(
        empty, cv2.DIST_L2, 3, labelType=cv2.DIST_LABEL_PIXEL
    )
    tones = rng.uniform(0.3, 0.9, int(label.max()) + 1).astype(np.float32)
    return np.asarray(tones[label] - distance * np.float32(rng.uniform(1, 5) / side))


def _by_name(*patterns: Pattern) -> dict[str, Pattern]:
    return {pattern.__name__.removeprefix('_'): pattern for pattern in patterns}


TRAINING_PATTERNS = _by_name(
    _plain, _stripes, _boards, _tiles, _checks, _blotches,
    _wood, _brick, _speckle, _gradient, _fabric, _terrazzo,
)  # fmt: skip
HELD_OUT_PATTERNS = _by_name(_marble, _hexagons, _dots, _plaid, _herringbone, _cobbles)


def _count(rng: np.random.Generator, least: int, most: int) -> int:
    return int(rng.integers(least, most + 1))


def _cells(side: int, count: float) -> tuple[np.ndarray, np.ndarray]:
    """Return rows and columns in cells, `count` to a side, float32 [side, side] each."""
    rows, columns = _grid(side)
    return rows * np.float32(count / side), columns * np.float32(count / side)


@lru_cache(maxsize=4)
def _grid(side: int) -> tuple[np.ndarray, np.ndarray]:
    """Return row and column numbers, float32 [side, side] each, read-only."""
    rows, columns = np.mgrid[:side, :side].astype(np.float32)
    rows.flags.writeable = columns.flags.writeable = False
    return rows, columns

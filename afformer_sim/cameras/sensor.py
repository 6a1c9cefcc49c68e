# SPDX-License-Identifier: Apache-2.0
"""Defects of real lenses and sensors in colour images.

A lens distorts radially: a point at the distance r from the image's centre, in half diagonals,
appears at r (1 + k r²) times a factor. That factor zooms in just enough that the image has no
empty border: the corners stay in place for k < 0 (barrel), and the middles of the longer edges for
k > 0 (pincushion).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
import simplejpeg


@lru_cache(maxsize=64)
def distortion_maps(size: tuple[int, int], distortion: float) -> tuple[np.ndarray, np.ndarray]:
    """Return the two maps with which `cv2.remap` converts the ideal image to a lens's image."""
    middle, half_diagonal, zoom = _frame(size, distortion)
    width, height = size
    x = np.arange(width) - middle[0]
    y = np.arange(height)[:, None] - middle[1]
    seen = np.hypot(x, y) / half_diagonal / zoom
    ideal = seen
    for _ in range(4):
        # Newton's method: a cubic equation has no simpler solution, and this one is nearly linear
        error = ideal * (1 + distortion * ideal**2) - seen
        ideal = ideal - error / (1 + 3 * distortion * ideal**2)
    shrink = 1 / (zoom * (1 + distortion * ideal**2))
    columns, rows = middle[0] + x * shrink, middle[1] + y * shrink
    maps = cv2.convertMaps(columns.astype(np.float32), rows.astype(np.float32), cv2.CV_16SC2)
    return maps[0], maps[1]


def _frame(size: tuple[int, int], distortion: float) -> tuple[np.ndarray, float, float]:
    """Return the image's centre [2], half its diagonal in pixels, and the zoom."""
    middle = (np.array(size) - 1) / 2
    half_diagonal = float(np.hypot(*middle))
    kept = 1.0 if distortion < 0 else float(middle.min()) / half_diagonal
    return middle, half_diagonal, 1 / (1 + distortion * kept**2)


# Noise is cut from a larger sheet that is generated once, which is ten times as fast.
_NOISE_MARGIN = 64
_NOISE_UNIT = 32
_DISTORTIONS = (0.02, 0.03, 0.04, 0.05, 0.06)
_VIGNETTINGS = (0.1, 0.2, 0.3, 0.4)

# Mean grey level that automatic exposure aims at, and the limits of its factor.
_EXPECTED_LEVEL = 105.0
_LEAST_EXPOSURE, _MOST_EXPOSURE = 0.8, 2.5


@dataclass(frozen=True)
class Sensor:
    """Defects of one camera; those with a default are absent by default.

    Attributes:
        gain: [3] RGB factors.
        gamma: exponent of the tone curve.
        blur: standard deviation in pixels.
        noise: standard deviation in grey levels of 255.
        distortion: radial distortion, see `lens`; negative for barrel, positive for pincushion.
        vignetting: share of the light that is lost in the corners, from 0 to below 1.
        chromatic_shift: pixels by which red is too far out in the corners, and blue too far in.
        smear: maximum movement of the image during an exposure, pixels.
        smear_angle: direction of that movement, radians.
        banding: share of the light lost in dark rows under flickering lamps, from 0 to below 1.
        quality: JPEG quality of the compressed image, 1 to 100, or None.
        automatic: True if dark images are exposed longer, and bright ones shorter.
    """

    gain: np.ndarray
    gamma: float
    blur: float
    noise: float
    distortion: float = 0.0
    vignetting: float = 0.0
    chromatic_shift: float = 0.0
    smear: float = 0.0
    smear_angle: float = 0.0
    banding: float = 0.0
    quality: int | None = None
    automatic: bool = False

    def distort_points(self, points: np.ndarray, size: tuple[int, int]) -> np.ndarray:
        """Map points of the ideal image to this camera's: float64 [P, 2] (x, y) pixels.

        Points within 94 % of the half extents of the ideal image stay in the image.

        Args:
            points: [P, 2] pixels, centres at integers, as a pinhole camera projects them.
            size: (width, height) of the image.
        """
        points = np.array(points, float)
        if self.distortion == 0:
            return points
        middle, half_diagonal, zoom = _frame(size, self.distortion)
        offset = points - middle
        squared = (offset**2).sum(axis=1, keepdims=True) / half_diagonal**2
        return np.asarray(middle + offset * zoom * (1 + self.distortion * squared))

    def expose(self, image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Add the camera's defects to a clean image; uint8 [H, W, 3] RGB both."""
        exposed = self._expose_lens(image)
        if self.smear > 0:
            kernel = _smear_kernel(self.smear * rng.uniform(0.3, 1), self.smear_angle)
            exposed = cv2.filter2D(exposed, -1, kernel, borderType=cv2.BORDER_REPLICATE)
        if self.banding > 0:
            bands = _bands(image.shape, self.banding, rng)
            exposed = cv2.multiply(exposed, bands, dtype=cv2.CV_8U)
        levels = (np.arange(256)[:, None] / 255) ** self.gamma
        exposure = 1.0
        if self.automatic:
            mean = max(float(image[::8, ::8].mean()), 1.0)
            exposure = min(max(_EXPECTED_LEVEL / mean, _LEAST_EXPOSURE), _MOST_EXPOSURE)
        table = np.clip(levels * self.gain * exposure, 0, 1) * 255
        exposed = cv2.LUT(exposed, table[None].astype(np.uint8))
        if self.noise > 0:
            noise = _noise(image.shape, rng)
            strength = self.noise / _NOISE_UNIT
            exposed = cv2.addWeighted(exposed, 1, noise, strength, 0, dtype=cv2.CV_8U)
        if self.quality is not None:
            coded = simplejpeg.encode_jpeg(exposed, self.quality, colorsubsampling='420')
            exposed = simplejpeg.decode_jpeg(coded)
        return exposed

    def _expose_lens(self, exposed: np.ndarray) -> np.ndarray:
        height, width = exposed.shape[:2]
        if self.distortion:
            maps = distortion_maps((width, height), self.distortion)
            exposed = cv2.remap(exposed, *maps, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        if self.chromatic_shift > 0:
            exposed = _shift_colours(exposed, self.chromatic_shift)
        if self.blur > 0.25:
            exposed = cv2.GaussianBlur(exposed, (0, 0), self.blur)
        if self.vignetting > 0:
            light = _vignette((width, height), self.vignetting)
            exposed = cv2.multiply(exposed, light, dtype=cv2.CV_8U)
        return exposed


def sample_sensor(rng: np.random.Generator, *, moving: bool = False) -> Sensor:
    """Draw an ordinary camera: three of five distort nothing, most have two or three defects.

    Args:
        moving: True if the camera or its subject moves, so that images are often smeared.
    """

    def sometimes(share: float, value: float) -> float:
        return value if rng.random() < share else 0.0

    bend = float(rng.choice(_DISTORTIONS)) * float(rng.choice([-1, -1, 1]))
    smear = rng.uniform(1.5, 6) if moving else rng.uniform(1.5, 3)
    quality = int(rng.integers(35, 90))
    return Sensor(
        gain=rng.uniform(0.85, 1.1) * rng.uniform(0.94, 1.06, 3),
        gamma=rng.uniform(0.75, 1.15),
        blur=rng.uniform(0, 0.8),
        noise=rng.uniform(0, 5),
        distortion=sometimes(0.4, bend),
        vignetting=sometimes(0.35, float(rng.choice(_VIGNETTINGS))),
        chromatic_shift=sometimes(0.3, rng.uniform(0.3, 1.2)),
        smear=sometimes(0.5 if moving else 0.08, smear),
        smear_angle=rng.uniform(0, math.pi),
        banding=sometimes(0.1, rng.uniform(0.03, 0.12)),
        quality=quality if rng.random() < 0.3 else None,
        automatic=True,
    )


def _shift_colours(exposed: np.ndarray, shift: float) -> np.ndarray:
    """Enlarge red and shrink blue about the centre, by `shift` pixels in the corners."""
    height, width = exposed.shape[:2]
    middle = np.array([(width - 1) / 2, (height - 1) / 2])
    red, green, blue = cv2.split(exposed)
    channels = [green]
    for index, channel, sign in ((0, red, 1), (2, blue, -1)):
        scale = 1 + sign * shift / math.hypot(*middle)
        matrix = np.column_stack([scale * np.eye(2), (1 - scale) * middle])
        moved = cv2.warpAffine(channel, matrix, (width, height), borderMode=cv2.BORDER_REPLICATE)
        channels.insert(index, moved)
    return cv2.merge(channels)


def _smear_kernel(length: float, angle: float) -> np.ndarray:
    """Draw a line through the middle of a square of odd side, float32, whose sum is 1."""
    reach = math.ceil(length / 2)
    y, x = np.mgrid[-reach : reach + 1, -reach : reach + 1]
    along = x * math.cos(angle) + y * math.sin(angle)
    along = np.clip(along, -length / 2, length / 2)
    distance = np.hypot(x - along * math.cos(angle), y - along * math.sin(angle))
    kernel = np.maximum(0, 1 - distance)
    return np.asarray((kernel / kernel.sum()).astype(np.float32))


def _bands(shape: tuple[int, ...], strength: float, rng: np.random.Generator) -> np.ndarray:
    """Compute the brightness of each pixel under a flickering lamp, float32 of the given shape."""
    period = shape[0] * rng.uniform(0.25, 0.9)
    phase = rng.uniform(0, 2 * math.pi)
    rows = 1 - strength * np.sin(np.arange(shape[0]) * (math.pi / period) + phase) ** 2
    return np.repeat(rows.astype(np.float32), shape[1] * shape[2]).reshape(shape)


@lru_cache(maxsize=32)
def _vignette(size: tuple[int, int], strength: float) -> np.ndarray:
    width, height = size
    y, x = np.ogrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
    aspect = height / width
    squared = (x**2 + (aspect * y) ** 2) / (1 + aspect**2)
    light = (1 - strength * squared).astype(np.float32)
    return cv2.merge([light] * 3)


def _noise(shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    """Cut noise of `_NOISE_UNIT` standard deviation from a cached sheet: int8 [H, W, 3]."""
    down, right = (int(offset) for offset in rng.integers(0, _NOISE_MARGIN, 2))
    height, width = shape[:2]
    return _noise_sheet((width, height))[down : down + height, right : right + width]


@lru_cache(maxsize=8)
def _noise_sheet(size: tuple[int, int]) -> np.ndarray:
    rng = np.random.default_rng(0)
    width, height = size
    shape = (height + _NOISE_MARGIN, width + _NOISE_MARGIN)
    # the noise of sensors is mostly in brightness
    brightness = 0.9 * rng.standard_normal((*shape, 1), np.float32)
    colour = 0.43 * rng.standard_normal((*shape, 3), np.float32)
    return np.asarray(np.clip((brightness + colour) * _NOISE_UNIT, -127, 127).astype(np.int8))

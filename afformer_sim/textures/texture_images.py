# SPDX-License-Identifier: Apache-2.0
"""Crops of photographs from the wheels of scikit-image and scikit-learn.

Nothing is downloaded. The 20 photographs are split by name, so that held-out scenes and training
share none: 13 are for training and 7 (35 %) are held out. The right image of scikit-image's stereo
pair, its drawings and its test patterns are excluded.
"""

from __future__ import annotations

import colorsys
import math
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from afformer_core.errors import how_to_install

# By name, whether they show a scene instead of a surface. The first part of a name is the package;
# the rest is the file's path in it.
TRAINING_TEXTURE_IMAGES = {
    'skimage/data/astronaut.png': True,
    'skimage/data/brick.png': False,
    'skimage/data/camera.png': False,
    'skimage/data/cell.png': False,
    'skimage/data/clock_motion.png': False,
    'skimage/data/coffee.png': True,
    'skimage/data/grass.png': False,
    'skimage/data/hubble_deep_field.jpg': False,
    'skimage/data/ihc.png': False,
    'skimage/data/motorcycle_left.png': True,
    'skimage/data/page.png': False,
    'skimage/data/rocket.jpg': True,
    'sklearn/datasets/images/flower.jpg': True,
}
HELD_OUT_TEXTURE_IMAGES = {
    'skimage/data/chelsea.png': True,
    'skimage/data/coins.png': True,
    'skimage/data/gravel.png': False,
    'skimage/data/moon.png': False,
    'skimage/data/retina.jpg': False,
    'skimage/data/text.png': False,
    'sklearn/datasets/images/china.jpg': True,
}
# Pixels; larger photographs are shrunk, because a texture cannot show more detail.
_LONGEST_SHORT_SIDE = 384
_BRIGHTNESS = np.array([0.299, 0.587, 0.114])


def crop_texture_image(
    rng: np.random.Generator, side: int, *, held_out: bool = False
) -> np.ndarray:
    """Cut a square out of a photograph, randomly mirrored and with changed colours.

    Args:
        side: side of the result in pixels; the crop is scaled to it.
        held_out: True for one of `HELD_OUT_TEXTURE_IMAGES`, False for one of
            `TRAINING_TEXTURE_IMAGES`.

    Returns:
        uint8 [side, side, 3] RGB.

    Raises:
        ModuleNotFoundError: scikit-image or scikit-learn is not installed.
        FileNotFoundError: the package is installed without its photographs.
    """
    names = tuple(HELD_OUT_TEXTURE_IMAGES if held_out else TRAINING_TEXTURE_IMAGES)
    pixels, grey = _read(names[int(rng.integers(len(names)))])
    height, width = pixels.shape[:2]
    extent = int(min(height, width) * rng.uniform(0.3, 1))
    top = int(rng.integers(height - extent + 1))
    left = int(rng.integers(width - extent + 1))
    crop = pixels[top : top + extent, left : left + extent]
    interpolation = cv2.INTER_AREA if extent > side else cv2.INTER_LINEAR
    image = cv2.resize(crop, (side, side), interpolation=interpolation)
    if rng.random() < 0.5:
        image = cv2.flip(image, 1)
    return cv2.transform(image, _tint(rng) if grey else _jitter(rng))


def _jitter(rng: np.random.Generator) -> np.ndarray:
    """Draw a change of hue, saturation, contrast and brightness.

    Returns:
        float64 [3, 4], for `cv2.transform`.
    """
    saturation = rng.uniform(0.2, 1.3)
    angle = rng.normal(0, 0.35)
    cosine, sine = math.cos(angle), math.sin(angle) / math.sqrt(3)
    # a rotation about the axis of the greys changes only the hue
    hue = np.full((3, 3), (1 - cosine) / 3) + cosine * np.eye(3)
    hue += sine * np.array([[0, -1, 1], [1, 0, -1], [-1, 1, 0]])
    colours = saturation * hue + (1 - saturation) * _BRIGHTNESS
    contrast = rng.uniform(0.45, 1.15)
    balance = rng.uniform(0.9, 1.1, (3, 1))
    offset = np.full((3, 1), 128 * (1 - contrast) + rng.uniform(-35, 35))
    return np.hstack([contrast * balance * colours, offset])


def _tint(rng: np.random.Generator) -> np.ndarray:
    """Draw a map from grey to a dark and a bright colour of about one hue.

    Returns:
        float64 [3, 4], for `cv2.transform`.
    """
    hue, saturation = rng.random(), rng.uniform(0, 0.6)
    dark = np.array(colorsys.hsv_to_rgb(hue, saturation, rng.uniform(0, 0.4))) * 255
    hue += rng.normal(0, 0.08)
    bright = np.array(colorsys.hsv_to_rgb(hue % 1, saturation, rng.uniform(0.6, 1.1))) * 255
    slope = (bright - dark)[:, None] * _BRIGHTNESS / 255
    return np.hstack([slope, dark[:, None]])


@cache
def _read(name: str) -> tuple[np.ndarray, bool]:
    """Read a photograph, uint8 [H, W, 3] RGB, and whether all of its pixels are grey."""
    with Image.open(locate_texture_image(name)) as image:
        grey = image.mode == 'L'
        colours = image.convert('RGB')
    scale = _LONGEST_SHORT_SIDE / min(colours.size)
    if scale < 1:
        size = (round(colours.width * scale), round(colours.height * scale))
        colours = colours.resize(size, Image.Resampling.BOX)
    return np.asarray(colours), grey


def locate_texture_image(name: str) -> Path:
    """Return the path of a photograph in a package.

    Raises:
        ModuleNotFoundError: scikit-image or scikit-learn is not installed.
        FileNotFoundError: the package is installed without its photographs.
    """
    # importing the packages would take a second, although only their files are needed
    package, _, path = name.partition('/')
    spec = find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise ModuleNotFoundError(
            f'the package {package!r}, from which the simulator takes photographs, is not '
            f'installed. Run {how_to_install("sim")}',
            name=package,
        )
    file = Path(spec.submodule_search_locations[0]) / path
    if not file.is_file():
        raise FileNotFoundError(
            f'{file} does not exist, although the wheel of {package!r} has it. Install '
            f'that package again, as {how_to_install("sim")} does'
        )
    return file

# SPDX-License-Identifier: Apache-2.0
"""Pictures that MuJoCo glues onto the panel and the room around it."""

from __future__ import annotations

import cv2
import numpy as np

from afformer_core.sim.appliance import Appliance

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


def paint_panel(appliance: Appliance, random: np.random.Generator, side: int = 384) -> np.ndarray:
    """The panel's front: grain, frame, display, labels and a maker's name.

    Returns:
        uint8 [H, W, 3] RGB, upright; its long side is `side`.
    """
    scale = side / max(appliance.width, appliance.height)
    width, height = round(appliance.width * scale), round(appliance.height * scale)
    image = np.full((height, width, 3), appliance.colour, np.float32) * 255
    image *= 1 + _grain(random, height, width)[..., None]
    image += np.linspace(-1, 1, height)[:, None, None] * random.uniform(-14, 14)
    ink = 235.0 if sum(appliance.colour) < 1.4 else 30.0
    if random.random() < 0.4:
        inset = int(random.uniform(2, 8))
        cv2.rectangle(
            image,
            (inset, inset),
            (width - 1 - inset, height - 1 - inset),
            (ink, ink, ink),
            int(random.integers(1, 4)),
        )
    if appliance.display is not None:
        _paint_display(image, appliance, scale, random)
    if appliance.labels:
        _paint_labels(image, appliance, scale, ink, random)
    return np.clip(image, 0, 255).astype(np.uint8)


def paint_surface(random: np.random.Generator, side: int = 128) -> np.ndarray:
    """A wall or table top: stripes, tiles, blotches or nothing much. uint8 [side, side, 3] RGB."""
    base, other = random.uniform(20, 245, (2, 3))
    if random.random() < 0.6:
        base = base.mean() + 0.25 * (base - base.mean())
    rows, columns = np.mgrid[:side, :side]
    period = int(random.choice([8, 16, 32, 64]))
    pattern = {
        'plain': np.zeros((side, side)),
        'stripes': ((columns // period) % 2).astype(float),
        'boards': (rows % period < 2).astype(float),
        'tiles': ((rows % period < 2) | (columns % period < 2)).astype(float),
        'checks': (((rows // period) + (columns // period)) % 2).astype(float),
        'blotches': _grain(random, side, side, coarse=True) * 4 + 0.5,
    }[str(random.choice(['plain', 'stripes', 'boards', 'tiles', 'checks', 'blotches']))]
    mix = np.clip(pattern, 0, 1)[..., None] * random.uniform(0.1, 0.8)
    image: np.ndarray = base * (1 - mix) + other * mix
    image *= 1 + _grain(random, side, side)[..., None]
    return np.clip(image, 0, 255).astype(np.uint8)


def _grain(
    random: np.random.Generator, height: int, width: int, coarse: bool = False
) -> np.ndarray:
    """Smooth noise about 0, float32 [height, width]."""
    cell = int(random.choice([16, 32])) if coarse else int(random.choice([2, 8, 40]))
    stretch = 1 if random.random() < 0.6 else 8
    shape = (max(2, height // cell), max(2, width // (cell * stretch)))
    noise = random.normal(0, 0.1 if coarse else random.uniform(0, 0.06), shape)
    return cv2.resize(noise.astype(np.float32), (width, height), interpolation=cv2.INTER_LINEAR)


def _paint_display(
    image: np.ndarray, appliance: Appliance, scale: float, random: np.random.Generator
) -> None:
    assert appliance.display is not None
    x, y, w, h = appliance.display
    left, top = _pixel(appliance, scale, x - w / 2, y + h / 2)
    right, bottom = _pixel(appliance, scale, x + w / 2, y - h / 2)
    dark = random.uniform(5, 60, 3).tolist()
    cv2.rectangle(image, (left, top), (right, bottom), dark, -1)
    size = 0.028 * (bottom - top)
    text = f'{random.integers(0, 24):02d}:{random.integers(0, 60):02d}'
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
        random.uniform(120, 255, 3).tolist(),
        2,
        cv2.LINE_AA,
    )


def _paint_labels(
    image: np.ndarray, appliance: Appliance, scale: float, ink: float, random: np.random.Generator
) -> None:
    above = random.random() < 0.5
    size = random.uniform(0.3, 0.45)
    for element in appliance.elements:
        word = str(random.choice(_WORDS))
        (text_width, text_height), _ = cv2.getTextSize(word, 0, size, 1)
        edge = element.y + (0.5 if above else -0.5) * element.height
        u, v = _pixel(appliance, scale, element.x, edge)
        v += -4 if above else text_height + 4
        cv2.putText(
            image, word, (u - text_width // 2, v), 0, size, (ink, ink, ink), 1, cv2.LINE_AA
        )


def _pixel(appliance: Appliance, scale: float, x: float, y: float) -> tuple[int, int]:
    return (round((x + appliance.width / 2) * scale), round((appliance.height / 2 - y) * scale))

# SPDX-License-Identifier: Apache-2.0
"""Overlay of a heatmap and its peaks on an image, with the captions of measures."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from functools import cache
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

_WHITE = (255, 255, 255)
_BLACK = (0, 0, 0)
_HELD = (255, 176, 0)
_GREY = (150, 150, 150)
_BEST = (0, 230, 255)

RgbImage = NDArray[np.uint8]


class Pixel(Protocol):
    """A pixel of an image."""

    @property
    def u(self) -> float:
        """Column, sub-pixel."""

    @property
    def v(self) -> float:
        """Row, sub-pixel."""


class OverlayStyle(Enum):
    """Styles of a result: of this image, of an earlier image, or of none."""

    CURRENT = 'current'
    HELD = 'held'
    ABSTAINED = 'abstained'


def draw_overlay(
    image: RgbImage,
    heatmap: NDArray[np.float32],
    peaks: Sequence[Pixel],
    caption: str,
    opacity: float,
    distances: Sequence[float | None] = (),
    style: OverlayStyle = OverlayStyle.CURRENT,
    *,
    unsure: bool = False,
) -> RgbImage:
    """Draw a heatmap and its peaks over an image.

    Args:
        image: uint8 RGB [H, W, 3].
        heatmap: float32 [H, W], not negative; shown relative to its maximum.
        peaks: best first, in pixels of the image; numbered from 1.
        caption: ASCII text in the upper left corner; may be empty.
        opacity: opacity of the heatmap at its maximum, 0 to 1.
        distances: distances of the peaks along the optical axis, metres, written beside their
            numbers; None if unknown; empty to write none.
        style: held results have an amber frame and dashed peaks, abstained ones a grey heatmap in
            a grey frame.
        unsure: whether the best peak is uncertain: a white ring with a question mark replaces its
            dot.

    Returns:
        uint8 RGB [H, W, 3], a new array.

    Raises:
        ValueError: the sizes differ, or there are not as many distances as peaks.
    """
    if image.shape[:2] != heatmap.shape:
        raise ValueError(
            f'image is {image.shape[:2]} and heatmap {heatmap.shape}; expected equal sizes'
        )
    if distances and len(distances) != len(peaks):
        raise ValueError(
            f'there are {len(distances)} distances for {len(peaks)} peaks; expected one for each, '
            'or none'
        )
    canvas = _blend(image, heatmap, opacity, style)
    scale = _scale(image)
    _draw_frame(canvas, style, scale)
    labels = [_label(number, distances) for number in range(1, len(peaks) + 1)]
    for number, (peak, label) in reversed(list(enumerate(zip(peaks, labels, strict=True)))):
        best = number == 0
        _draw_peak(
            canvas,
            (peak.u, peak.v),
            label,
            best=best,
            style=style,
            scale=scale,
            unsure=unsure and best,
        )
    if caption:
        _draw_caption(canvas, caption, scale)
    return canvas


def draw_mark(image: RgbImage, pixel: tuple[float, float]) -> RgbImage:
    """Draw a mark in an image, like the best peak.

    Args:
        image: uint8 RGB [H, W, 3].
        pixel: (x, y) of the mark.

    Returns:
        uint8 RGB [H, W, 3], a new array.
    """
    canvas = np.array(image, np.uint8)
    _draw_peak(canvas, pixel, '', best=True, style=OverlayStyle.CURRENT, scale=_scale(image))
    return canvas


def draw_numbered(image: RgbImage, pixels: Sequence[Pixel]) -> RgbImage:
    """Draw pixels like the peaks after the best one, numbered from 1.

    Args:
        image: uint8 RGB [H, W, 3].
        pixels: best first.

    Returns:
        uint8 RGB [H, W, 3], a new array.
    """
    canvas = np.array(image, np.uint8)
    for number, pixel in reversed(list(enumerate(pixels, 1))):
        _draw_peak(
            canvas,
            (pixel.u, pixel.v),
            str(number),
            best=False,
            style=OverlayStyle.CURRENT,
            scale=_scale(image),
        )
    return canvas


def _scale(image: RgbImage) -> float:
    return float(max(0.35, min(image.shape[:2]) / 480))


def _blend(
    image: RgbImage, heatmap: NDArray[np.float32], opacity: float, style: OverlayStyle
) -> RgbImage:
    top = float(heatmap.max())
    if top <= 0:
        return np.array(image)
    levels = np.asarray(cv2.convertScaleAbs(heatmap, alpha=255 / top), np.uint8)
    # the square root keeps the flanks of a sharp peak visible
    weights = np.sqrt(np.arange(256, dtype=np.float32) / 255)[:, None] * np.float32(opacity)
    colours = grey_colours() if style is OverlayStyle.ABSTAINED else heat_colours()
    # tables of the added and the kept part let whole images be blended in bytes
    added = np.rint(colours * weights).astype(np.uint8)
    kept = np.rint(255 * (1 - np.repeat(weights, 3, axis=1))).astype(np.uint8)
    under = cv2.multiply(image, _of_levels(levels, kept), scale=1 / 255)
    return np.asarray(cv2.add(under, _of_levels(levels, added)), dtype=np.uint8)


def _of_levels(levels: RgbImage, table: RgbImage) -> RgbImage:
    """Look up a table [256, 3] for each level [H, W]: [H, W, 3]."""
    return np.asarray(cv2.applyColorMap(levels, table[:, None, :]), dtype=np.uint8)


def _draw_frame(canvas: RgbImage, style: OverlayStyle, scale: float) -> None:
    if style is OverlayStyle.CURRENT:
        return
    colour = _HELD if style is OverlayStyle.HELD else _GREY
    corner = (canvas.shape[1] - 1, canvas.shape[0] - 1)
    cv2.rectangle(canvas, (0, 0), corner, colour, max(1, round(8 * scale)))


def _label(number: int, distances: Sequence[float | None]) -> str:
    distance = distances[number - 1] if distances else None
    return str(number) if distance is None else f'{number}: {distance:.2f} m'


def _draw_peak(
    canvas: RgbImage,
    pixel: tuple[float, float],
    label: str,
    *,
    best: bool,
    style: OverlayStyle,
    scale: float,
    unsure: bool = False,
) -> None:
    radius = round((11 if best else 7) * scale)
    thickness = max(1, round(2 * scale))
    colour = _HELD if style is OverlayStyle.HELD else _BEST if best and not unsure else _WHITE
    # fractional bits draw the mark between pixels, where the peak is
    centre = (round(pixel[0] * 16), round(pixel[1] * 16))
    axes = (radius * 16, radius * 16)
    arc, step = (35, 60) if style is OverlayStyle.HELD else (360, 360)
    for shade, width in ((_BLACK, thickness + 2), (colour, thickness)):
        for begin in range(0, 360, step):
            cv2.ellipse(canvas, centre, axes, 0, begin, begin + arc, shade, width, cv2.LINE_AA, 4)
    if unsure:
        _draw_question(canvas, pixel, 0.5 * scale)
    elif best:
        cv2.circle(canvas, centre, max(1, round(2 * scale)) * 16, _WHITE, -1, cv2.LINE_AA, 4)
    at = (round(pixel[0]) + radius + thickness, round(pixel[1]) - radius)
    draw_text(canvas, label, at, 0.5 * scale)


def _draw_question(canvas: RgbImage, pixel: tuple[float, float], size: float) -> None:
    (width, height), _ = cv2.getTextSize('?', cv2.FONT_HERSHEY_SIMPLEX, size, 1)
    draw_text(canvas, '?', (round(pixel[0] - width / 2), round(pixel[1] + height / 2)), size)


def _draw_caption(canvas: RgbImage, caption: str, scale: float) -> None:
    size = 0.55 * scale
    (width, height), baseline = cv2.getTextSize(caption, cv2.FONT_HERSHEY_SIMPLEX, size, 1)
    if width > canvas.shape[1] - 12:
        size *= max(0.3, (canvas.shape[1] - 12) / width)
        (width, height), baseline = cv2.getTextSize(caption, cv2.FONT_HERSHEY_SIMPLEX, size, 1)
    bar = canvas[: height + baseline + 10, : width + 12]
    bar[...] = bar // 3
    draw_text(canvas, caption, (6, height + 5), size)


def draw_text(canvas: RgbImage, text: str, at: tuple[int, int], size: float) -> None:
    """Write ASCII text in white with a dark edge; its lower left corner is at (x, y)."""
    thickness = max(1, round(1.6 * size))
    for colour, width in ((_BLACK, thickness + 2), (_WHITE, thickness)):
        cv2.putText(canvas, text, at, cv2.FONT_HERSHEY_SIMPLEX, size, colour, width, cv2.LINE_AA)


@cache
def heat_colours() -> NDArray[np.uint8]:
    """Return the colours of heatmaps, uint8 RGB [256, 3], from the least to the greatest value.

    Inferno: equal steps of the value look like equal steps, brighter is always more, and people
    with any kind of colour blindness see the same order.
    """
    levels = np.arange(256, dtype=np.uint8).reshape(1, 256)
    colours = cv2.applyColorMap(levels, cv2.COLORMAP_INFERNO)[0, :, ::-1]
    return _constant(np.ascontiguousarray(colours))


@cache
def grey_colours() -> NDArray[np.uint8]:
    """Return greys, uint8 RGB [256, 3], for heatmaps of images in which nothing was found."""
    levels = np.arange(256, dtype=np.uint8)
    return _constant(np.repeat(levels[:, None], 3, axis=1))


def _constant(colours: NDArray[np.uint8]) -> NDArray[np.uint8]:
    colours.setflags(write=False)
    return colours


def presence_caption(presence: float | None, confidence: float, similarity: float) -> str:
    """Describe a presence, 0 to 1, or its features if it is None.

    Args:
        presence: presence; None for a model that is not calibrated.
        confidence: confidence, 0 to 1.
        similarity: feature similarity, -1 to 1.
    """
    if presence is not None:
        return f'presence {presence:.2f}'
    return f'confidence {confidence:.2f}, feature similarity {similarity:.2f}'


def certainty_caption(certainty: float | None, threshold: float | None) -> str:
    """Describe a certainty, 0 to 1, compared with its threshold; empty if it is None."""
    if certainty is None:
        return ''
    if threshold is not None and certainty < threshold:
        return f'not sure which part: certainty {certainty:.2f} of {threshold:.2f}'
    return f'certainty {certainty:.2f}'

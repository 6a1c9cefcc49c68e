# SPDX-License-Identifier: Apache-2.0
"""The picture a person looks at: the heatmap over the image, with its peaks."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from afformer_core.runtime import Peak

_WHITE = (255, 255, 255)
_BLACK = (0, 0, 0)
_BEST = (255, 64, 64)


def draw_overlay(
    image: NDArray[np.uint8],
    heatmap: NDArray[np.float32],
    peaks: Sequence[Peak],
    caption: str,
    opacity: float,
) -> NDArray[np.uint8]:
    """Draw a grounding over its image.

    Args:
        image: uint8 RGB [H, W, 3].
        heatmap: float32 [H, W], not negative; shown relative to its maximum.
        peaks: best first, in pixels of the image; numbered from 1.
        caption: ASCII text in the upper left corner; may be empty.
        opacity: of the heatmap where it is highest, 0 to 1.

    Returns:
        uint8 RGB [H, W, 3], a new array.

    Raises:
        ValueError: the sizes differ.
    """
    if image.shape[:2] != heatmap.shape:
        raise ValueError(
            f'the image is {image.shape[:2]} and the heatmap {heatmap.shape}; both must be equal'
        )
    picture = _blend(image, heatmap, opacity)
    scale = max(0.35, min(image.shape[:2]) / 480)
    for number, peak in reversed(list(enumerate(peaks, start=1))):
        _draw_peak(picture, peak, number, scale)
    if caption:
        _draw_caption(picture, caption, scale)
    return picture


def _blend(
    image: NDArray[np.uint8], heatmap: NDArray[np.float32], opacity: float
) -> NDArray[np.uint8]:
    top = float(heatmap.max())
    share = heatmap / top if top > 0 else np.zeros_like(heatmap)
    colours = cv2.cvtColor(
        cv2.applyColorMap((share * 255).astype(np.uint8), cv2.COLORMAP_TURBO), cv2.COLOR_BGR2RGB
    )
    # The square root keeps the flanks of a sharp peak visible.
    weight = (np.sqrt(share) * np.float32(opacity))[..., None]
    return np.asarray(image + (colours.astype(np.float32) - image) * weight, dtype=np.uint8)


def _draw_peak(picture: NDArray[np.uint8], peak: Peak, number: int, scale: float) -> None:
    best = number == 1
    radius = round((11 if best else 7) * scale)
    thickness = max(1, round(2 * scale))
    # Fractional bits place the mark between pixels, as the peak is.
    centre = (round(peak.u * 16), round(peak.v * 16))
    for colour, width in ((_BLACK, thickness + 2), (_BEST if best else _WHITE, thickness)):
        cv2.circle(picture, centre, radius * 16, colour, width, cv2.LINE_AA, 4)
    if best:
        cv2.circle(picture, centre, max(1, round(2 * scale)) * 16, _WHITE, -1, cv2.LINE_AA, 4)
    at = (round(peak.u) + radius + thickness, round(peak.v) - radius)
    _draw_text(picture, str(number), at, 0.5 * scale)


def _draw_caption(picture: NDArray[np.uint8], caption: str, scale: float) -> None:
    size = 0.55 * scale
    (width, height), baseline = cv2.getTextSize(caption, cv2.FONT_HERSHEY_SIMPLEX, size, 1)
    if width > picture.shape[1] - 12:
        size *= max(0.3, (picture.shape[1] - 12) / width)
        (width, height), baseline = cv2.getTextSize(caption, cv2.FONT_HERSHEY_SIMPLEX, size, 1)
    bar = picture[: height + baseline + 10, : width + 12]
    bar[...] = bar // 3
    _draw_text(picture, caption, (6, height + 5), size)


def _draw_text(picture: NDArray[np.uint8], text: str, at: tuple[int, int], size: float) -> None:
    thickness = max(1, round(1.6 * size))
    for colour, width in ((_BLACK, thickness + 2), (_WHITE, thickness)):
        cv2.putText(picture, text, at, cv2.FONT_HERSHEY_SIMPLEX, size, colour, width, cv2.LINE_AA)

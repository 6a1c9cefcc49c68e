# SPDX-License-Identifier: Apache-2.0
"""Thumbnails of heatmaps over images, with found and annotated points, and their sources."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from afformer_core.drawing.overlay import draw_overlay
from afformer_core.media.images import encode_jpeg
from afformer_core.offline.evaluation.protocols import Heatmaps, ProtocolRow
from afformer_core.offline.reports.pages import jpeg_source

RgbImage = NDArray[np.uint8]
"""uint8 RGB [H, W, 3]."""

TILE_SIDE = 320

_BLACK = (0, 0, 0)
_WHITE = (255, 255, 255)
_CYAN = (0, 230, 255)
_OPACITY = 0.75
_QUALITY = 88
# Sixteenths of a pixel, so that a mark can lie between pixels.
_SHIFT = 4


def fit(image: RgbImage, side: int) -> RgbImage:
    """Resize an image with its aspect ratio, so that the longer side has `side` pixels."""
    height, width = image.shape[:2]
    size = _fitted((width, height), side)
    interpolation = cv2.INTER_AREA if side < max(height, width) else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(image, size, interpolation=interpolation))


def image_source(image: RgbImage) -> str:
    """Encode an image as a source inside a page."""
    return jpeg_source(encode_jpeg(image, _QUALITY))


def draw_heatmap(image: RgbImage | None, heatmap: Heatmaps, row: ProtocolRow) -> RgbImage:
    """Draw a tile of a heatmap, relative to its maximum.

    Args:
        image: image under the heatmap; None: the heatmap alone, with the aspect ratio of the row's
            image.
        heatmap: [h, w] of the whole image at any size.
        row: its row.
    """
    if image is None:
        width, height = _fitted(row.image_size, TILE_SIDE)
        tile, opacity = np.zeros((height, width, 3), np.uint8), 1.0
    else:
        tile, opacity = fit(image, TILE_SIDE), _OPACITY
    size = tile.shape[1::-1]
    resized = cv2.resize(heatmap, size, interpolation=cv2.INTER_LINEAR)
    return draw_overlay(tile, np.asarray(resized, np.float32), (), '', opacity)


def mark_peak(tile: RgbImage, position: NDArray[np.float64], row: ProtocolRow) -> None:
    """Draw a cross at a position [2] of a row's image; none if it is NaN."""
    if np.isnan(position).any():
        return
    x, y = (round(float(coordinate)) for coordinate in _on_tile(position, tile, row))
    for colour, length, width in ((_BLACK, 17, 5), (_CYAN, 15, 2)):
        cv2.drawMarker(tile, (x, y), colour, cv2.MARKER_CROSS, length, width, cv2.LINE_AA)


def mark_annotation(tile: RgbImage, row: ProtocolRow) -> None:
    """Draw the annotated points, and the outlines of elements, the demonstrated one in colour."""
    scene = row.scene
    if scene is None:
        for x, y in _subpixels(_on_tile(row.points, tile, row)):
            for colour, radius in ((_BLACK, 40), (_WHITE, 20)):
                cv2.circle(tile, (x, y), radius, colour, -1, cv2.LINE_AA, _SHIFT)
        return
    drawn = [polygon for index, polygon in enumerate(scene.polygons) if index != scene.element]
    outlines = [(polygon, *stroke) for polygon in drawn for stroke in ((_BLACK, 3), (_WHITE, 1))]
    outlines += [(scene.polygons[scene.element], *stroke) for stroke in ((_BLACK, 5), (_CYAN, 2))]
    for polygon, colour, width in outlines:
        _draw_outline(tile, polygon, row, colour, width)


def outline(tile: RgbImage, polygon: NDArray[np.float64], row: ProtocolRow) -> None:
    """Draw the outline of a part [K, 2] of a row's image in white."""
    for colour, width in ((_BLACK, 3), (_WHITE, 1)):
        _draw_outline(tile, polygon, row, colour, width)


def ring(tile: RgbImage, position: tuple[float, float]) -> None:
    """Draw a ring around a position, (x, y) as shares of the tile's width and height."""
    height, width = tile.shape[:2]
    centre = (round(position[0] * width), round(position[1] * height))
    for colour, thickness in ((_BLACK, 4), (_CYAN, 2)):
        cv2.circle(tile, centre, 6, colour, thickness, cv2.LINE_AA)


def _draw_outline(
    tile: RgbImage,
    polygon: NDArray[np.float64],
    row: ProtocolRow,
    colour: tuple[int, int, int],
    width: int,
) -> None:
    corners = np.array(_subpixels(_on_tile(polygon, tile, row)))
    cv2.polylines(tile, [corners], True, colour, width, cv2.LINE_AA, _SHIFT)


def _fitted(size: tuple[int, int], side: int) -> tuple[int, int]:
    scale = side / max(size)
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))


def _on_tile(
    positions: NDArray[np.float64], tile: RgbImage, row: ProtocolRow
) -> NDArray[np.float64]:
    return np.asarray((positions + 0.5) * np.divide(tile.shape[1::-1], row.image_size) - 0.5)


def _subpixels(positions: NDArray[np.float64]) -> list[tuple[int, int]]:
    scaled = np.rint(positions * (1 << _SHIFT)).astype(int)
    return [(int(x), int(y)) for x, y in scaled]

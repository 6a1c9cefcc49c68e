# SPDX-License-Identifier: Apache-2.0
"""Contact sheets: demonstration frames, target, prediction and ground truth, one row per line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import cv2
import numpy as np

from afformer_core.evaluation.report.qualitative_examples import QualitativeExample
from afformer_core.evaluation.report.tiles import RgbImage, fit
from afformer_core.files.atomic import write_aside
from afformer_core.media.images import encode_jpeg
from afformer_core.reports.pages import jpeg_source

_SIDE = 192
_MARGIN = 4
_CAPTION = 20
_QUALITY = 88
_FONT = (cv2.FONT_HERSHEY_SIMPLEX, 0.42)


def write_contact_sheets(
    folder: Path, examples: Mapping[str, Sequence[QualitativeExample]]
) -> list[Path]:
    """Write a JPEG for each name, such as `best.jpg`.

    Args:
        folder: created if missing.
        examples: examples by name, at least one each.

    Returns:
        the files written.
    """
    paths = []
    for name, shown_examples in examples.items():
        lines = [_line(example) for example in shown_examples]
        width = max(line.shape[1] for line in lines)
        sheet = np.concatenate(
            [np.pad(line, ((0, 0), (0, width - line.shape[1]), (0, 0))) for line in lines]
        )
        # A model's name may be a path.
        path = folder / f'{name.replace("/", "_")}.jpg'
        write_aside(path, encode_jpeg(sheet, _QUALITY))
        paths.append(path)
    return paths


def image_source(image: RgbImage) -> str:
    """Encode an image as a source inside the page."""
    return jpeg_source(encode_jpeg(image, _QUALITY))


def _line(example: QualitativeExample) -> RgbImage:
    images = () if example.image is None else (example.image,)
    drawn = example.predicted
    shown = (*example.frames, *images, *drawn.values(), example.target)
    tiles = np.concatenate([_cell(shown_example) for shown_example in shown], axis=1)
    what = (['demonstration'] if example.frames else []) + (['image'] if images else [])
    order = ' | '.join([*what, *drawn, 'ground truth'])
    text = f'{"  ".join(example.measures)}   {example.title}   ({order})'
    caption = _caption(text, tiles.shape[1])
    blank = caption.shape[1] - tiles.shape[1]
    return np.concatenate((caption, np.pad(tiles, ((0, 0), (0, blank), (0, 0)))))


def _cell(image: RgbImage) -> RgbImage:
    """Centre an image in a black square, with a margin on the right and below."""
    fitted = fit(image, _SIDE)
    height, width = fitted.shape[:2]
    top, left = (_SIDE - height) // 2, (_SIDE - width) // 2
    cell = np.zeros((_SIDE + _MARGIN, _SIDE + _MARGIN, 3), np.uint8)
    cell[top : top + height, left : left + width] = fitted
    return cell


def _caption(text: str, width: int) -> RgbImage:
    """Draw a text on a strip of at least a width."""
    (needed, _), _ = cv2.getTextSize(text, *_FONT, 1)
    strip = np.full((_CAPTION, max(width, needed + 8), 3), 32, np.uint8)
    cv2.putText(strip, text, (4, 15), *_FONT, (255, 255, 255), 1, cv2.LINE_AA)
    return strip

# SPDX-License-Identifier: Apache-2.0
"""Grids of example images."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from afformer_core.drawing.overlay import draw_overlay
from afformer_core.media.video_frames import uniform_indices
from afformer_core.offline.maskahand.pretraining.pretraining_dataset import (
    PretrainingExample,
    boxes_of,
)

_FRAMES = 3
_GAP = 4
_OPACITY = 0.6
_WHITE = 255


def example_grid(examples: Sequence[PretrainingExample], side: int = 192) -> NDArray[np.uint8]:
    """Draw a row for each target image: frames of the demonstration, the image, and its target.

    Args:
        examples: examples, at least one.
        side: side of each image, in pixels.

    Returns:
        uint8 RGB [H, W, 3].
    """
    rows = []
    for example in examples:
        targets = boxes_of([example]).targets((side, side)).heatmaps.numpy()
        shown = uniform_indices(len(example.demonstration), _FRAMES)
        frames = [_resized(example.demonstration[index], side) for index in shown]
        frames += [np.full_like(frames[0], _WHITE)] * (_FRAMES - len(frames))
        for image, target in zip(example.images, targets, strict=True):
            resized = _resized(image, side)
            overlay = draw_overlay(resized, target, (), '', _OPACITY)
            rows.append(_joined([*frames, resized, overlay], axis=1))
    return _joined(rows, axis=0)


def _resized(image: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    return np.asarray(cv2.resize(image, (side, side), interpolation=cv2.INTER_AREA), np.uint8)


def _joined(images: Sequence[NDArray[np.uint8]], axis: int) -> NDArray[np.uint8]:
    """Join images along an axis, with white between them."""
    shape = list(images[0].shape)
    shape[axis] = _GAP
    gap = np.full(shape, _WHITE, np.uint8)
    parts = [part for image in images for part in (gap, image)]
    return np.concatenate(parts[1:], axis=axis)

# SPDX-License-Identifier: Apache-2.0
"""Contact maps: the probability of a demonstration's contact at each position of a frame."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from afformer_core.arrays import FloatArray
from afformer_core.media.polygons import Point
from afformer_core.runtime.demonstration import EncodedFrames
from afformer_core.runtime.grounding import Peak
from afformer_core.runtime.peaks import NEIGHBOURHOOD, find_peaks

# Standard deviation of the contact around a mark, as a share of width and height.
_SPREAD = 0.03
_IMPOSSIBLE = -50.0


def marked_contact(mark: Point, size: tuple[int, int]) -> FloatArray:
    """Compute the logits of a contact that is normally distributed around a mark.

    Args:
        mark: (x, y) of the contact, as shares of width and height.
        size: (height, width) of the result.
    """
    height, width = size
    rows, columns = np.mgrid[:height, :width]
    positions = np.stack(((columns + 0.5) / width, (rows + 0.5) / height), axis=-1)
    return np.asarray(-np.square(positions - mark).sum(axis=2) / (2 * _SPREAD**2))


def read_contact(contact_map: FloatArray, size: tuple[int, int]) -> FloatArray:
    """Compute the logits of a contact that was read, only near its maximum.

    Other peaks are left out, because the result would otherwise be a mean of two different parts.

    Args:
        contact_map: log-probability of the contact over the first frame, [rows, columns].
        size: (height, width) of the result.
    """
    logits = on_grid(contact_map, size)
    return np.where(_around_maximum(logits), logits - logits.max(), _IMPOSSIBLE)


def contact_probability(encoded: EncodedFrames) -> float | None:
    """Compute the probability, 0 to 1, that the memory contains the right contact.

    This is the probability of the contact map around its maximum. None if the contact was not
    read, or was marked and is therefore certain.
    """
    if encoded.contact is not None or encoded.contact_map is None:
        return None
    logits = encoded.contact_map - encoded.contact_map.max()
    shares = np.exp(logits, dtype=np.float64)
    return float(shares[_around_maximum(logits)].sum() / shares.sum())


def contact_peaks(encoded: EncodedFrames, maximum: int) -> tuple[Peak, ...]:
    """Find the most probable contacts that were read, in pixels of the first frame, best first.

    The result is empty if the contact was not read, or was marked.

    Args:
        encoded: encoded frames.
        maximum: largest number of peaks, at least 1.
    """
    if encoded.contact is not None or encoded.contact_map is None:
        return ()
    height, width = encoded.contact_map.shape
    shares = np.exp(on_grid(encoded.contact_map, (height, width)))
    return find_peaks(shares, encoded.size, maximum)


def _around_maximum(logits: FloatArray) -> NDArray[np.bool_]:
    """Find the cells within a tenth of the sides of the maximum."""
    height, width = logits.shape
    row, column = divmod(int(logits.argmax()), width)
    rows, columns = np.mgrid[:height, :width]
    away = np.hypot((rows - row) / height, (columns - column) / width)
    return np.asarray(away <= NEIGHBOURHOOD)


def on_grid(contact_map: FloatArray, size: tuple[int, int]) -> FloatArray:
    """Compute the log-probability of a contact map on a grid of (height, width).

    Args:
        contact_map: log-probability [rows, columns], of any scale.
        size: (height, width) of the result.
    """
    shares = np.exp(contact_map - contact_map.max())
    resized = cv2.resize(shares.astype(np.float32), size[::-1], interpolation=cv2.INTER_AREA)
    return np.asarray(np.log(np.maximum(resized / resized.sum(), 1e-20)), np.float32)

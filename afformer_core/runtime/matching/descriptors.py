# SPDX-License-Identifier: Apache-2.0
"""Descriptors of points and contacts in an image, and similar positions in another image."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from afformer_core.arrays import FloatArray, UInt8Array
from afformer_core.media.images import resize_to_input
from afformer_core.models.matching.configuration import COMPARED_STAGES, CONTACT_CANDIDATES
from afformer_core.runtime.features import Stages
from afformer_core.runtime.peaks import NEIGHBOURHOOD

_STRIDE = 32


def resize_for_features(image: NDArray[np.uint8], long_side: int = 512) -> UInt8Array:
    """Resize an image for a network of stride 32, and keep its aspect ratio.

    Args:
        image: uint8 RGB [H, W, 3].
        long_side: target length of the longer side, in pixels; both sides are rounded to multiples
            of 32.

    Returns:
        uint8 RGB [height, width, 3].

    Raises:
        ImageError: this is not an image.
    """
    scale = long_side / max(image.shape[:2])
    height, width = (
        max(_STRIDE, round(side * scale / _STRIDE) * _STRIDE) for side in image.shape[:2]
    )
    return resize_to_input(image, (height, width))


def without_common_mean(first: FloatArray, second: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Subtract from two feature maps of the same channels the mean over the positions of both.

    The mean contains the features that all positions share, which would make the cosine of any two
    positions high.

    Args:
        first, second: float32 [C, h, w], of sizes of their own.
    """
    positions = first[0].size + second[0].size
    mean = (first.sum((1, 2)) + second.sum((1, 2))) / positions
    return first - mean[:, None, None], second - mean[:, None, None]


def describe(features: FloatArray, position: tuple[float, float]) -> FloatArray:
    """Interpolate the features at a point bilinearly; float32 [C].

    Args:
        features: float32 [C, h, w].
        position: (x, y) as shares of the image's width and height, 0 to 1. Positions beyond the
            centres of the outermost cells have the features of these cells.
    """
    corners, across, down = corners_around(features, position)
    return np.asarray(corners @ across @ down, np.float32)


def corners_around(
    features: FloatArray, position: tuple[float, float]
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return the features [C, 2, 2] around a point, and their bilinear weights along each axis."""
    height, width = features.shape[1:]
    column = min(max(position[0] * width - 0.5, 0.0), width - 1.0)
    row = min(max(position[1] * height - 0.5, 0.0), height - 1.0)
    left, top = min(int(column), max(width - 2, 0)), min(int(row), max(height - 2, 0))
    corners = features[:, top : top + 2, left : left + 2]
    across = np.array([1 - (column - left), column - left], np.float32)[: corners.shape[2]]
    down = np.array([1 - (row - top), row - top], np.float32)[: corners.shape[1]]
    return corners, across, down


def cosine_map(features: FloatArray, descriptor: FloatArray) -> FloatArray:
    """Compute the cosine of each position's features with a descriptor; float32 [h, w], -1 to 1.

    Args:
        features: float32 [C, h, w].
        descriptor: float32 [C].
    """
    lengths = np.linalg.norm(features, axis=0) * np.linalg.norm(descriptor)
    products = np.tensordot(descriptor, features, 1)
    return np.asarray(products / np.maximum(lengths, 1e-12), np.float32)


def correlation_map(
    source: Sequence[FloatArray],
    target: Sequence[FloatArray],
    position: tuple[float, float],
    size: tuple[int, int],
) -> FloatArray:
    """Compute the similarity of each position of a target to one position of a source.

    Args:
        source: feature maps float32 [C_i, h_i, w_i] of its levels.
        target: feature maps of the same levels of the target.
        position: (x, y) in the source, as shares of its width and height.
        size: (height, width) of the result.

    Returns:
        float32 [height, width], the mean over the levels of the cosine of features from which
        their common mean was subtracted; -1 to 1.
    """
    levels = []
    for own, other in zip(source, target, strict=True):
        centred, sought = without_common_mean(own, other)
        cosines = cosine_map(sought, describe(centred, position))
        levels.append(cv2.resize(cosines, size[::-1], interpolation=cv2.INTER_LINEAR))
    return np.asarray(np.mean(levels, axis=0), np.float32)


def highest_positions(correlation: FloatArray, count: int) -> NDArray[np.float64]:
    """Find the highest cells that are at least a tenth of the shorter side apart.

    Args:
        correlation: float32 [h, w].
        count: largest number of points, at least 1.

    Returns:
        [K, 2] (x, y) as shares of width and height, best first.
    """
    height, width = correlation.shape
    rows, columns = np.mgrid[:height, :width]
    left = correlation.astype(np.float64)
    radius = NEIGHBOURHOOD * min(height, width)
    found: list[tuple[float, float]] = []
    while len(found) < count and np.isfinite(left).any():
        row, column = divmod(int(left.argmax()), width)
        found.append(((column + 0.5) / width, (row + 0.5) / height))
        left[np.hypot(rows - row, columns - column) < max(radius, 1.0)] = -np.inf
    return np.array(found)


@dataclass(frozen=True, eq=False)
class ContactDescriptors:
    """Features at the K most probable positions of a demonstration's contact.

    Attributes:
        candidates: features at the positions in each compared stage, each float32 [K, C].
        log_probabilities: log-probability of each position, float32 [K].
        means: mean features of the frame in each compared stage, each float32 [C].

    Raises:
        ValueError: the numbers of stages, candidates or channels differ.
    """

    candidates: tuple[FloatArray, ...]
    log_probabilities: FloatArray
    means: tuple[FloatArray, ...]

    def __post_init__(self) -> None:
        expected = [(len(self.log_probabilities), len(mean)) for mean in self.means]
        found = [candidates.shape for candidates in self.candidates]
        if not found or found != expected:
            raise ValueError(
                f'the candidates have the shapes {found}; expected {expected}, as the '
                'probabilities and the means have, for at least one stage'
            )


def describe_contact(stages: Stages, logits: FloatArray) -> ContactDescriptors:
    """Describe the most probable positions of a contact.

    Args:
        stages: stages of the frame, coarse to fine, each float32 [C, h, w].
        logits: logits of the contact in the frame, float32 [rows, columns].
    """
    height, width = logits.shape
    flat = logits.ravel() - np.logaddexp.reduce(logits, axis=None)
    likeliest = np.argsort(-flat, kind='stable')[:CONTACT_CANDIDATES]
    positions = [
        ((x + 0.5) / width, (y + 0.5) / height)
        for y, x in (divmod(int(index), width) for index in likeliest)
    ]
    compared = stages[:COMPARED_STAGES]
    return ContactDescriptors(
        tuple(
            np.stack([describe(stage, position) for position in positions]) for stage in compared
        ),
        flat[likeliest].astype(np.float32),
        tuple(stage.mean(axis=(1, 2)) for stage in compared),
    )

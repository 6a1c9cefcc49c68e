# SPDX-License-Identifier: Apache-2.0
"""Pairs of a dataset for the calibration of quantization, and others for its measurement."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from afformer_core.data.annotations import open_annotations
from afformer_core.errors import DatasetError
from afformer_core.evaluation.pairs.pairs import Pair, choose_pairs
from afformer_core.media.images import read_image, resize_to_input
from afformer_core.media.video import read_video
from afformer_core.media.video_frames import uniform_indices
from afformer_core.models.configuration import AfformerConfiguration
from afformer_core.runtime.export.quantization import CalibrationPair

# Neighbouring frames are so similar that more frames of a demonstration would add little.
_FRAMES = 8


def split_pairs(annotations: Path, count: int) -> tuple[tuple[Pair, ...], tuple[Pair, ...]]:
    """Choose pairs for calibration, and as many of other scenes (or images) for measurement.

    Args:
        annotations: file of a dataset.
        count: maximum number of each.

    Raises:
        DatasetError: the dataset has too few scenes or images for both.
        ValueError: the count is below 1.
    """
    if count < 1:
        raise ValueError(f'the number of pairs is {count}; expected at least 1')
    pairs = choose_pairs(open_annotations(annotations), limit=2 * count, per_group=1)
    half = len(pairs) // 2
    if half == 0:
        raise DatasetError(
            f'{annotations} contains {len(pairs)} independent pairs; expected at least 2, one to '
            'calibrate and one to measure with'
        )
    return pairs[:half], pairs[half : 2 * half]


def calibration_pairs(
    pairs: Iterable[Pair], configuration: AfformerConfiguration
) -> Iterator[CalibrationPair]:
    """Read some frames of each demonstration, and its image, at the model's input size."""
    size = configuration.input_size
    for pair in pairs:
        sample = pair.sample
        frames = read_video(sample.video_path, configuration.maximum_frames, sample.clip)
        some = [frames[index] for index in uniform_indices(len(frames), _FRAMES)]
        image = resize_to_input(read_image(sample.image_path), size)
        yield CalibrationPair(np.stack([resize_to_input(frame, size) for frame in some]), image)

# SPDX-License-Identifier: Apache-2.0
"""Pairs of datasets for the calibration of quantization, and others for its measurement."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
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


def split_pairs(datasets: Sequence[Path], count: int) -> tuple[tuple[Pair, ...], tuple[Pair, ...]]:
    """Choose pairs for calibration, and as many of other scenes (or images) for measurement.

    Args:
        datasets: files of datasets, or folders of pairs, at least one; each gives the same number
            of pairs if it has enough.
        count: maximum number of pairs for calibration, rounded up to a multiple of the datasets.

    Raises:
        DatasetError: a dataset has too few scenes or images for both.
        ValueError: the count is below 1.
    """
    if count < 1:
        raise ValueError(f'the number of pairs is {count}; expected at least 1')
    share = math.ceil(count / len(datasets))
    chosen: list[Pair] = []
    others: list[Pair] = []
    for source in datasets:
        pairs = choose_pairs(open_annotations(source), limit=2 * share, per_group=1)
        half = len(pairs) // 2
        if half == 0:
            raise DatasetError(
                f'{source} contains {len(pairs)} independent pairs; expected at least 2, one '
                'to calibrate and one to measure with'
            )
        chosen += pairs[:half]
        others += pairs[half : 2 * half]
    return tuple(chosen), tuple(others)


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

# SPDX-License-Identifier: Apache-2.0
"""Exemplars of a matching network, from the pairs of a training."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from afformer_core.arrays import FloatArray
from afformer_core.media.images import read_image
from afformer_core.media.video_frames import uniform_indices
from afformer_core.offline.data.clip_reader import ClipReader
from afformer_core.offline.data.frame_sampling import UniformSampling
from afformer_core.offline.data.sample import Sample
from afformer_core.offline.training.datasets.batch import shares_of
from afformer_core.runtime.matching.matching import (
    Exemplars,
    describe_demonstration,
    describe_marks,
    encode_pyramid,
)
from afformer_core.runtime.model_folder import (
    MATCHING_FOLDER,
    read_description,
    read_exemplars,
    read_matching_description,
    write_exemplars,
)
from afformer_core.runtime.sessions.torch_session import TorchMatchingSession


def add_exemplars(folder: Path, exemplars: Exemplars) -> None:
    """Add exemplars to a model with a matching network.

    Raises:
        ModelFolderError: the folder contains no valid model with a matching network.
    """
    before = read_exemplars(folder, read_description(folder))
    write_exemplars(folder, exemplars if before is None else before + exemplars)


def make_exemplars(folder: Path, samples: Sequence[Sample], most: int) -> Exemplars | None:
    """Describe the marks of pairs with the matching network of a model.

    A pair with several actions has the marks of all of them. Marks outside the image are excluded,
    and so are pairs without other marks.

    Args:
        folder: folder of a model.
        samples: the pairs.
        most: maximum number of pairs, which are evenly chosen.

    Returns: the exemplars; None if the model has no matching network, or no pair has a mark in its
    image.

    Raises:
        ModelFolderError: the folder contains no valid model.
        VideoError, ImageError: a clip or an image cannot be read.
    """
    if read_description(folder).matching is None:
        return None
    beside = folder / MATCHING_FOLDER
    configuration = read_matching_description(beside).configuration
    session = TorchMatchingSession.load(beside)
    frames = UniformSampling(configuration.maximum_frames)
    reader = ClipReader(frames, configuration.input_size)
    demonstrations: dict[object, FloatArray] = {}
    found: list[Exemplars] = []
    chosen = [samples[index] for index in uniform_indices(len(samples), most)]
    for sample in tqdm(chosen, 'exemplars'):
        marks = marks_inside(sample)
        if not len(marks):
            continue
        if sample.demonstration not in demonstrations:
            stages = session.encode(reader.read(sample)[0])
            demonstrations[sample.demonstration] = describe_demonstration(stages)
        pyramid = encode_pyramid(session, configuration, read_image(sample.image_path))
        described, mean = describe_marks(pyramid, marks)
        owners = np.zeros(len(marks), np.int32)
        shown = demonstrations[sample.demonstration]
        found.append(Exemplars(shown[None], mean[None], described, owners))
    if not found:
        return None
    joined = found[0]
    for exemplars in found[1:]:
        joined += exemplars
    return joined


def marks_inside(sample: Sample) -> NDArray[np.float64]:
    """Return the marks [M, 2] of a pair, as shares of width and height, that lie in its image."""
    marks = shares_of(np.concatenate(sample.points), sample.image_size)
    return marks[((marks >= 0) & (marks <= 1)).all(axis=1)]

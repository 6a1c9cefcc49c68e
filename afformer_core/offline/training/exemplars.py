# SPDX-License-Identifier: Apache-2.0
"""Exemplars made of annotated pairs, and models that are taught by them."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import reduce
from operator import add
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from afformer_core.arrays import FloatArray
from afformer_core.errors import AfformerError, DatasetError
from afformer_core.licences import ingredients_of, merged
from afformer_core.media.images import read_image
from afformer_core.media.video_frames import uniform_indices
from afformer_core.offline.data.clip_reader import ClipReader
from afformer_core.offline.data.frame_sampling import UniformSampling
from afformer_core.offline.data.sample import Sample
from afformer_core.runtime.matching.matching import (
    Exemplars,
    Matching,
    describe_demonstration,
    describe_marks,
)
from afformer_core.runtime.model_folder import (
    model_ingredients,
    read_description,
    read_exemplars,
    write_description,
    write_exemplars,
)

MOST_EXEMPLARS = 200
"""Maximum number of pairs whose marks become exemplars at once."""


def teach(
    model: Path,
    matching: Matching,
    samples: Sequence[Sample],
    output: Path,
    report: Callable[[int], None] = lambda done: None,
) -> int:
    """Write a copy of a model that answers annotated pairs with their marks.

    Weights, graphs and calibrations are those of the model; only its exemplars grow.

    Args:
        model: folder of a model with a matching network.
        matching: its matching network.
        samples: the pairs.
        output: folder to write; it must not exist.
        report: called with the number of pairs that are read.

    Returns:
        the number of pairs whose marks became exemplars.

    Raises:
        AfformerError: the output exists.
        DatasetError: no pair has a mark in its image.
        ModelFolderError: the folder contains no valid model.
        VideoError, ImageError: a clip or an image cannot be read.
        OSError: the output cannot be written.
    """
    if output.exists():
        raise AfformerError(f'{output} exists. Give another name')
    description = read_description(model)
    exemplars = make_exemplars(matching, samples, MOST_EXEMPLARS, report)
    if exemplars is None:
        raise DatasetError(
            'no pair has a point in its image; expected at least one. Mark it first'
        )
    origins = ingredients_of('training data', (sample.origin for sample in samples))
    used = merged((*model_ingredients(model), *origins))
    training = {**description.training, 'trained_on': [entry.to_json() for entry in used]}
    output.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix='.teaching.', dir=output.parent) as folder:
        taught = Path(folder) / output.name
        shutil.copytree(model, taught, copy_function=shutil.copyfile)
        write_description(taught, replace(description, training=training))
        add_exemplars(taught, exemplars)
        taught.rename(output)
    return len(exemplars)


def add_exemplars(folder: Path, exemplars: Exemplars) -> None:
    """Add exemplars to a model with a matching network.

    Raises:
        ModelFolderError: the folder contains no valid model with a matching network.
    """
    before = read_exemplars(folder, read_description(folder))
    write_exemplars(folder, exemplars if before is None else before + exemplars)


def make_exemplars(
    matching: Matching,
    samples: Sequence[Sample],
    most: int,
    report: Callable[[int], None] = lambda done: None,
) -> Exemplars | None:
    """Describe the marks of pairs with a matching network.

    A pair with several actions has the marks of all of them. Marks outside the image are excluded,
    and so are pairs without other marks.

    Args:
        matching: the matching network.
        samples: the pairs.
        most: maximum number of pairs, which are evenly chosen.
        report: called with the number of pairs that are read.

    Returns: the exemplars; None if no pair has a mark in its image.

    Raises:
        VideoError, ImageError: a clip or an image cannot be read.
    """
    configuration = matching.configuration
    reader = ClipReader(UniformSampling(configuration.maximum_frames), configuration.input_size)
    demonstrations: dict[object, FloatArray] = {}
    found: list[Exemplars] = []
    for done, index in enumerate(uniform_indices(len(samples), most), 1):
        sample = samples[index]
        marks = marks_inside(sample)
        if len(marks):
            if sample.demonstration not in demonstrations:
                stages = matching.session.encode(reader.read(sample)[0])
                demonstrations[sample.demonstration] = describe_demonstration(stages)
            pyramid = matching.pyramid(read_image(sample.image_path))
            described, mean = describe_marks(pyramid, marks)
            owners = np.zeros(len(marks), np.int32)
            shown = demonstrations[sample.demonstration]
            found.append(Exemplars(shown[None], mean[None], described, owners))
        report(done)
    return reduce(add, found) if found else None


def marks_inside(sample: Sample) -> NDArray[np.float64]:
    """Return the marks [M, 2] of a pair, as shares of width and height, that lie in its image."""
    marks = (np.concatenate(sample.points) + 0.5) / sample.image_size
    return np.asarray(marks[((marks >= 0) & (marks <= 1)).all(axis=1)])

# SPDX-License-Identifier: Apache-2.0
"""Cached features of many images in a folder, with a note of the backbone that computed them."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from itertools import takewhile
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from afformer_core.files.folder_lock import folder_lock
from afformer_core.models.backbones.encoder import BackboneWithPyramid, Encoder
from afformer_core.parallel.engine import ParallelEngine
from afformer_core.parallel.local_engine import ONE_PROCESS
from afformer_core.training.datasets.feature_computation import ImageSet
from afformer_core.training.datasets.feature_rows import KEY_FILE, feature_file
from afformer_core.training.datasets.feature_run import compute_features

_BACKBONE = 'backbone'


def folder_of_part(cache_folder: Path, part: str, size: tuple[int, int]) -> Path:
    """Return the folder of the features of a part of the data at a size, (height, width)."""
    return cache_folder / f'{part}_{"x".join(map(str, size))}'


def open_features(
    folder: Path,
    sets: Sequence[ImageSet],
    encoder: Encoder,
    key: Mapping[str, Any],
    engine: ParallelEngine = ONE_PROCESS,
) -> dict[str, tuple[NDArray[np.float16], ...]]:
    """Open a folder of features; compute them first if they are missing or do not match.

    They are the backbone's stages before the first trained one. If the folder has fewer stages,
    because more of the backbone was trained before, these are used, and training computes the
    others.

    Args:
        folder: folder of the features, which only this process reads and writes.
        sets: sets of images.
        encoder: encoder, whose backbone runs in evaluation mode, on its device.
        key: identity of the images, as JSON types; features with another key are not used.
        engine: engine that reads images and computes features; each of its machines must have the
            images. After an interruption, the same call continues.

    Returns:
        for each set by its name: one array for each stage, fine to coarse, float16 [stacks, T, C,
        h, w], memory-mapped from disk.

    Raises:
        AfformerError: the first stack of a set cannot be read.
        DatasetError: the folder cannot be written, for example to a full disk, in which case no
            features remain there; a process was killed; or, after all others are computed, some
            images cannot be read.
        ValueError: the first stage of the backbone is trained.
    """
    backbone = encoder.backbone_with_fpn
    if not backbone.frozen_stages():
        raise ValueError(
            'the first stage of the backbone is trained; expected it frozen to cache features'
        )
    count = _kept_stages(folder, sets, backbone, key)
    if not count:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with folder_lock(folder.parent), _one_thread(), _evaluating(encoder):
            # Another process may have computed them in the meantime.
            count = _kept_stages(folder, sets, backbone, key)
            if not count:
                count = backbone.frozen_stages()
                whole = {**key, _BACKBONE: _magnitude(backbone, count)}
                same = partial(_is_of, key=key, backbone=backbone, count=count)
                compute_features(folder, sets, encoder, whole, same, engine)
    return {
        image_set.name: tuple(
            np.load(folder / feature_file(image_set.name, stage), mmap_mode='r')
            for stage in backbone.stages[:count]
        )
        for image_set in sets
    }


@contextmanager
def _one_thread() -> Iterator[None]:
    """Compute each operation with one thread (see `Computation`)."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


@contextmanager
def _evaluating(encoder: Encoder) -> Iterator[None]:
    """Set the evaluation mode, and then restore the mode of each module."""
    modes = [(module, module.training) for module in encoder.modules()]
    encoder.eval()
    try:
        yield
    finally:
        for module, training in modes:
            module.training = training


def _magnitude(backbone: BackboneWithPyramid, count: int) -> float:
    parameters = backbone.stage_parameters(count)
    return sum(float(parameter.detach().double().abs().sum()) for parameter in parameters)


def _is_of(
    found: Mapping[str, Any], key: Mapping[str, Any], backbone: BackboneWithPyramid, count: int
) -> bool:
    """Check whether a note matches these images and the first stages of a backbone."""
    rest = dict(found)
    magnitude = rest.pop(_BACKBONE, None)
    if magnitude is None or rest != key:
        return False
    # The tolerance accepts weights that were stored in half precision.
    return math.isclose(magnitude, _magnitude(backbone, count), rel_tol=1e-4)


def _kept_stages(
    folder: Path, sets: Sequence[ImageSet], backbone: BackboneWithPyramid, key: Mapping[str, Any]
) -> int:
    """Count the usable stages of these images in a folder; 0 if they must be computed."""
    path = folder / KEY_FILE
    if not path.is_file():
        return 0
    kept = takewhile(
        lambda stage: all(
            (folder / feature_file(image_set.name, stage)).is_file() for image_set in sets
        ),
        backbone.stages,
    )
    count = len(tuple(kept))
    same = _is_of(json.loads(path.read_text(encoding='utf-8')), key, backbone, count)
    return count if same and count <= backbone.frozen_stages() else 0

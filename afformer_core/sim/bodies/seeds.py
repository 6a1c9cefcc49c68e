# SPDX-License-Identifier: Apache-2.0
"""Independent random streams, so that any appliance and view can be made alone."""

from __future__ import annotations

from enum import IntEnum, unique

import numpy as np


@unique
class Stream(IntEnum):
    """What a random stream is drawn for."""

    APPLIANCE = 0
    WORLD = 1
    DEMONSTRATION = 2
    TARGET = 3
    CAMERA_PATH = 4
    CHOICE = 5
    ANNOTATION = 6
    RGBD = 7
    PERFORMANCE = 8
    VARIANT = 9
    STATE = 10
    FAMILY = 11


def scene_seed(dataset_seed: int, index: int) -> int:
    """The seed of the appliance `index` (from 0) of the dataset `dataset_seed`.

    Raises:
        ValueError: one of them is negative.
    """
    if dataset_seed < 0 or index < 0:
        raise ValueError(f'got seed {dataset_seed} and index {index}; neither may be negative')
    return int(np.random.SeedSequence([dataset_seed, index]).generate_state(1, np.uint64)[0])


def generator(scene_seed: int, stream: Stream, *keys: int) -> np.random.Generator:
    """A generator that depends on the scene, what it is drawn for, and `keys` alone."""
    return np.random.default_rng(np.random.SeedSequence([scene_seed, int(stream), *keys]))

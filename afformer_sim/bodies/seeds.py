# SPDX-License-Identifier: Apache-2.0
"""Independent random streams, so that any fixture and view can be generated separately."""

from __future__ import annotations

from enum import IntEnum, unique

import numpy as np


@unique
class Stream(IntEnum):
    """Purposes of random numbers, each with its own stream."""

    FIXTURE = 0
    WORLD = 1
    DEMONSTRATION = 2
    TARGET = 3
    CHOICE = 5
    ANNOTATION = 6
    RGBD = 7
    PERFORMANCE = 8
    VARIANT = 9
    STATE = 10
    FAMILY = 11
    HAND_STYLE = 12
    PHOTOGRAPH = 13


def scene_seed(dataset_seed: int, index: int) -> int:
    """Return the seed of the fixture `index` (from 0) of the dataset `dataset_seed`."""
    return int(np.random.SeedSequence([dataset_seed, index]).generate_state(1, np.uint64)[0])


def make_rng(scene_seed: int, stream: Stream, *keys: int) -> np.random.Generator:
    """Return a generator that depends only on the scene, the stream's purpose and `keys`."""
    return np.random.default_rng(np.random.SeedSequence([scene_seed, int(stream), *keys]))

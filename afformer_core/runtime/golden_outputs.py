# SPDX-License-Identifier: Apache-2.0
"""The golden outputs of a model folder: those of its export, or computed on the CPU."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from afformer_core.arrays import UInt8Array
from afformer_core.errors import ModelFolderError
from afformer_core.models.configuration import AfformerConfiguration
from afformer_core.runtime.graphs import read_graphs
from afformer_core.runtime.model_folder import read_description
from afformer_core.runtime.self_test import GoldenOutputs
from afformer_core.runtime.session import Session
from afformer_core.runtime.sessions.torch_session import TorchSession

_FRAMES = 4


def golden_outputs(folder: Path) -> GoldenOutputs:
    """Return the golden outputs in fp32 of a model folder's weights.

    Raises:
        ModelFolderError: the folder does not hold a valid model.
    """
    try:
        return GoldenOutputs.read(read_graphs(folder).folder)
    except ModelFolderError:
        # There are none, or they belong to other weights. A broken folder raises its own error
        # below.
        configuration = read_description(folder).configuration
        return make_golden_outputs(TorchSession.load(folder), configuration)


def make_golden_outputs(session: Session, configuration: AfformerConfiguration) -> GoldenOutputs:
    """Compute a session's outputs for a smooth random image and demonstrations of several lengths.

    One demonstration has as many frames as the model takes, one has a single frame, and two have
    two frames where the model takes two.
    """
    images = _soft_images(_FRAMES + 1, configuration.input_size)
    most = configuration.maximum_frames
    longest = tuple(number % _FRAMES for number in range(most))
    clips = dict.fromkeys(((0,), (0, 1)[:most], (2, 3)[:most], longest))
    return GoldenOutputs.of(session, images[:_FRAMES], images[_FRAMES], tuple(clips))


def _soft_images(count: int, size: tuple[int, int]) -> UInt8Array:
    """Draw smooth random images, uint8 RGB [N, height, width, 3]; noise is like no image."""
    coarse = np.random.default_rng(0).integers(0, 256, (count, 12, 12, 3), np.uint8)
    height, width = size
    images = [cv2.resize(one, (width, height), interpolation=cv2.INTER_CUBIC) for one in coarse]
    return np.asarray(np.stack(images), np.uint8)

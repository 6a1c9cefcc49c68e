# SPDX-License-Identifier: Apache-2.0
"""The shipped ONNX networks that find hands in real videos, opened with ONNX Runtime."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from afformer_core.errors import HandModelError
from afformer_core.files.atomic import file_sha256

FOLDER = Path(__file__).resolve().parents[2] / 'weights' / 'hands_mediapipe'
"""Folder of the networks and their card."""


PALM_DETECTION, HAND_LANDMARKS = 'palm_detection.onnx', 'hand_landmarks.onnx'


def networks_sha256() -> str:
    """Return a hash of both networks.

    Raises:
        HandModelError: a file is missing.
    """
    paths = [FOLDER / name for name in (PALM_DETECTION, HAND_LANDMARKS)]
    for path in paths:
        if not path.is_file():
            raise HandModelError(f'{path} does not exist. Install afformer again')
    hashes = ''.join(file_sha256(path) for path in paths)
    return hashlib.sha256(hashes.encode()).hexdigest()


class HandNetwork:
    """One of the networks, on the CPU.

    Args:
        name: name of its file in `FOLDER`.
        threads: number of threads, at least 1.

    Attributes:
        side: height and width of its input.

    Raises:
        HandModelError: the file is missing or damaged.
    """

    def __init__(self, name: str, threads: int) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.log_severity_level = 3
        # Spinning threads would take the cores from the robot's other processes.
        options.add_session_config_entry('session.intra_op.allow_spinning', '0')
        path = FOLDER / name
        try:
            self._session: Any = onnxruntime.InferenceSession(
                path, options, providers=['CPUExecutionProvider']
            )
        except Exception as error:
            raise HandModelError(
                f'{path} cannot be loaded by ONNX Runtime: {error}. Install afformer again'
            ) from error
        self.side = int(self._session.get_inputs()[0].shape[-1])

    def run(self, image: NDArray[np.uint8]) -> list[NDArray[np.float32]]:
        """Compute the outputs for one image.

        Args:
            image: uint8 RGB [side, side, 3].

        Returns:
            the outputs without their batch dimension.
        """
        values = image.transpose(2, 0, 1)[None].astype(np.float32) / 255
        return [output[0] for output in self._session.run(None, {'image': values})]

# SPDX-License-Identifier: Apache-2.0
"""Opening of hand detectors by name, and their devices."""

from __future__ import annotations

from pathlib import Path

from afformer_core.errors import ModelFolderError
from afformer_core.hands.hand import BATCH_SIZE, LOWEST_SCORE, HandDetector
from afformer_core.worker_process import process_number

SIMULATED = 'simulated'
"""Name of the detector that reads the hands of simulated videos."""

MEDIAPIPE = 'mediapipe'
"""Name of the shipped detector for real hands, with MediaPipe's networks."""

_DESCRIPTION_FILE = 'detector.json'


def open_hand_detector(
    name: str, minimum_score: float = LOWEST_SCORE, batch_size: int = BATCH_SIZE
) -> HandDetector:
    """Open a hand detector by name.

    With several GPUs, processes that share work use different ones for a Faster R-CNN.

    Args:
        name: `mediapipe`; `simulated`; or a folder of a trained or imported detector.
        minimum_score: lowest score of a Faster R-CNN's detections; MediaPipe has its own.
        batch_size: number of frames that a Faster R-CNN processes together, at least 1; MediaPipe
            processes one frame at a time.

    Raises:
        AfformerError: there is no such detector, or its files are damaged.
    """
    if name == MEDIAPIPE:
        from afformer_core.hands.mediapipe_hands import MediaPipeHands

        return MediaPipeHands()
    if name == SIMULATED:
        from afformer_core.hands.simulated_hands import SimulatedHands

        return SimulatedHands()
    path = Path(name).expanduser()
    if (path / _DESCRIPTION_FILE).is_file():
        import torch

        from afformer_core.hands.faster_rcnn_hands import FasterRcnnHands

        device = device_of(process_number(), torch.cuda.device_count())
        return FasterRcnnHands.load(path, device, minimum_score, batch_size)
    raise ModelFolderError(
        f'{name!r} is not a hand detector; expected {MEDIAPIPE!r}, {SIMULATED!r}, or a folder '
        f'with {_DESCRIPTION_FILE} that `afformer train` or `afformer import-checkpoint` wrote'
    )


def device_of(process: int, gpus: int) -> str:
    """Return PyTorch's name of the device of a process, with processes distributed over all GPUs.

    Args:
        process: index of the process among those that share work, from 0.
        gpus: number of GPUs.
    """
    return f'cuda:{process % gpus}' if gpus else 'cpu'

# SPDX-License-Identifier: Apache-2.0
"""Hand detectors by the names that users give, and their devices."""

from __future__ import annotations

import importlib.util
from pathlib import Path

from afformer_core.errors import ModelFolderError, how_to_install
from afformer_core.hands.detector import BATCH_SIZE, HandDetector
from afformer_core.hands.hand import LOWEST_SCORE
from afformer_core.hands.hand_model import kept_hand_model
from afformer_core.parallel.worker_process import process_number

SIMULATED = 'simulated'
"""Name of the light detector for simulated hands that comes with the package."""

MEDIAPIPE = 'mediapipe'
"""Name of MediaPipe's detector with the model that `afformer fetch-hand-model` makes."""

_DESCRIPTION_FILE = 'detector.json'
_MEDIAPIPE_SUFFIX = '.task'


def open_hand_detector(
    name: str, minimum_score: float = LOWEST_SCORE, batch_size: int = BATCH_SIZE
) -> HandDetector:
    """Open a hand detector by name.

    With several GPUs, processes that share work use different ones for a Faster R-CNN.

    Args:
        name: `mediapipe`; `simulated`; a folder of a trained or imported detector; or MediaPipe's
            `hand_landmarker.task`.
        minimum_score: lowest score of a Faster R-CNN's detections; MediaPipe has its own.
        batch_size: number of frames that a Faster R-CNN processes together, at least 1; MediaPipe
            takes them one by one.

    Raises:
        AfformerError: there is no such detector, its files are damaged, or MediaPipe is not
            installed.
    """
    named = {SIMULATED: shipped_hand_detector(), MEDIAPIPE: kept_hand_model()}
    path = named.get(name, Path(name).expanduser())
    if (path / _DESCRIPTION_FILE).is_file():
        import torch

        from afformer_core.hands.faster_rcnn_hands import FasterRcnnHands

        device = device_of(process_number(), torch.cuda.device_count())
        return FasterRcnnHands.load(path, device, minimum_score, batch_size)
    if path.suffix == _MEDIAPIPE_SUFFIX and path.is_file():
        from afformer_core.hands.mediapipe_hands import MediaPipeHands

        return MediaPipeHands(path)
    if name == MEDIAPIPE:
        raise ModelFolderError(f'{_missing_of_mediapipe(path)}, or name another detector')
    raise ModelFolderError(
        f'{name!r} is no hand detector; expected {SIMULATED!r}, a folder with {_DESCRIPTION_FILE} '
        f"that `afformer train` or `afformer import-checkpoint` wrote, or MediaPipe's "
        'hand_landmarker.task'
    )


def _missing_of_mediapipe(model: Path) -> str:
    """Say that there is no model, and how to get all that MediaPipe needs."""
    fetch = '`afformer fetch-hand-model`'
    if importlib.util.find_spec('mediapipe') is not None:
        return f'{model} does not exist; expected a hand model. Run {fetch}'
    return (
        f'neither MediaPipe nor its hand model {model} is installed. Run '
        f'{how_to_install("hands")}, and {fetch}'
    )


def device_of(process: int, gpus: int) -> str:
    """Return PyTorch's name of the device of a process, with processes distributed over all GPUs.

    Args:
        process: index of the process among those that share work, from 0.
        gpus: number of GPUs.
    """
    return f'cuda:{process % gpus}' if gpus else 'cpu'


def shipped_hand_detector() -> Path:
    """Return the folder of the light detector for simulated hands."""
    return Path(__file__).resolve().parent.parent / 'weights' / 'hands_light'

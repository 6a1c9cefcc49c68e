# SPDX-License-Identifier: Apache-2.0
"""Hand detectors by the names that users give, and their devices."""

from __future__ import annotations

import importlib.util
from pathlib import Path

from afformer_core.errors import ModelFolderError
from afformer_core.hands.detector import HandDetector
from afformer_core.hands.hand import LOWEST_SCORE
from afformer_core.hands.hand_model import kept_hand_model
from afformer_core.parallel.workers import process_number

SIMULATED = 'simulated'
"""Name of the light detector of simulated hands that comes with the package."""

MEDIAPIPE = 'mediapipe'
"""Name of MediaPipe with the model that `afformer fetch-hand-model` makes."""

_DESCRIPTION_FILE = 'detector.json'
_MEDIAPIPE_SUFFIX = '.task'


def open_hand_detector(name: str, minimum_score: float = LOWEST_SCORE) -> HandDetector:
    """The detector of a name.

    Args:
        name: `mediapipe`; `simulated`; a folder of a trained or imported detector; or
            MediaPipe's `hand_landmarker.task`.
        minimum_score: of the hands that a Faster R-CNN looks at; MediaPipe has its own.

    Of several GPUs a Faster R-CNN takes another one in each of the processes that share some work.

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
        return FasterRcnnHands.load(path, device, minimum_score)
    if path.suffix == _MEDIAPIPE_SUFFIX and path.is_file():
        from afformer_core.hands.mediapipe_hands import MediaPipeHands

        return MediaPipeHands(path)
    if name == MEDIAPIPE:
        raise ModelFolderError(f'{_missing_of_mediapipe(path)}, or name another detector')
    raise ModelFolderError(
        f'{name!r} is no hand detector; give {SIMULATED!r}, a folder with {_DESCRIPTION_FILE} '
        f"that `afformer train` or `afformer import-checkpoint` wrote, or MediaPipe's "
        'hand_landmarker.task'
    )


def _missing_of_mediapipe(model: Path) -> str:
    """Says that there is no model, and how to get all that MediaPipe needs."""
    fetch = '`afformer fetch-hand-model`'
    if importlib.util.find_spec('mediapipe') is not None:
        return f'there is no hand model {model}; {fetch} makes it'
    return (
        f'there is neither MediaPipe nor its hand model {model}; run '
        f"`pip install 'afformer[hands]'` and {fetch}"
    )


def device_of(process: int, gpus: int) -> str:
    """PyTorch's name of the device that a process computes on, all GPUs in turn.

    Args:
        process: which of those that share some work, from 0.
        gpus: that there are.
    """
    return f'cuda:{process % gpus}' if gpus else 'cpu'


def shipped_hand_detector() -> Path:
    """Folder of the light detector of simulated hands."""
    return Path(__file__).resolve().parent.parent / 'weights' / 'hands_light'

# SPDX-License-Identifier: Apache-2.0
"""A hand detector on disk: one folder of `detector.json` and `detector.safetensors`."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load_file, save
from torchvision.models.detection import FasterRCNN

from afformer_core.errors import ModelFolderError
from afformer_core.maskahand.faster_rcnn import ARCHITECTURE, CLASSES, build_hand_detector
from afformer_core.models.checkpoint_file import CheckpointError
from afformer_core.models.strict_loading import load_strictly
from afformer_core.runtime.model_folder import file_sha256, read_json, write_aside

FORMAT = 'afformer-hand-detector'
VERSION = 1
DESCRIPTION_FILE = 'detector.json'
WEIGHTS_FILE = 'detector.safetensors'


def save_hand_detector(folder: Path, detector: FasterRCNN, training: Mapping[str, Any]) -> None:
    """Write the folder of a detector, each file whole or not at all.

    Args:
        folder: made where it does not exist.
        detector: from `build_hand_detector`.
        training: where the weights come from; free form.
    """
    content = save({name: x.cpu().contiguous() for name, x in detector.state_dict().items()})
    write_aside(folder / WEIGHTS_FILE, content)
    fields = {
        'format': FORMAT,
        'version': VERSION,
        'architecture': ARCHITECTURE,
        'classes': list(CLASSES),
        'weights_sha256': hashlib.sha256(content).hexdigest(),
        'training': dict(training),
    }
    write_aside(folder / DESCRIPTION_FILE, (json.dumps(fields, indent=2) + '\n').encode())


def load_hand_detector(
    folder: Path, minimum_score: float = 0.7, maximum_hands: int = 2
) -> FasterRCNN:
    """The detector of a folder, in evaluation mode.

    Args:
        folder: that `save_hand_detector` wrote.
        minimum_score, maximum_hands: see `build_hand_detector`.

    Raises:
        ModelFolderError: anything in the folder is absent, altered, of another version, of
            another architecture, or not finite.
    """
    description = folder / DESCRIPTION_FILE
    fields = read_json(description)
    for name, wanted in _WANTED.items():
        if fields.get(name) != wanted:
            raise ModelFolderError(
                f'{description} has {name} {fields.get(name)!r}; this release reads {wanted!r}: '
                'import the checkpoint again with it'
            )
    path = folder / WEIGHTS_FILE
    if not path.is_file() or file_sha256(path) != fields.get('weights_sha256'):
        raise ModelFolderError(
            f'{path} is missing or not the one that {DESCRIPTION_FILE} names; copy the folder '
            'again, whole'
        )
    detector = build_hand_detector(minimum_score, maximum_hands).eval()
    try:
        load_strictly(detector, load_file(path), 'the hand detector')
    except (OSError, SafetensorError, CheckpointError) as error:
        raise ModelFolderError(f'{path} cannot be used: {error}') from error
    return detector.requires_grad_(False)


_WANTED: Mapping[str, Any] = {
    'format': FORMAT,
    'version': VERSION,
    'architecture': ARCHITECTURE,
    'classes': list(CLASSES),
}

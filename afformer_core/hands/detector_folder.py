# SPDX-License-Identifier: Apache-2.0
"""Hand detectors on disk, and the one that a training begins with.

A folder has `detector.json` and `detector.safetensors`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save
from torchvision.models.detection import (
    FasterRCNN,
    FasterRCNN_MobileNet_V3_Large_320_FPN_Weights,
    FasterRCNN_ResNet50_FPN_V2_Weights,
)

from afformer_core.errors import AfformerError, ModelFolderError
from afformer_core.files.atomic import file_sha256, write_aside
from afformer_core.hands.faster_rcnn import (
    ARCHITECTURES,
    LIGHT_ARCHITECTURE,
    MOST_HANDS,
    OFFICIAL_ARCHITECTURE,
    build_hand_detector,
)
from afformer_core.hands.hand import CLASSES, LOWEST_SCORE
from afformer_core.licences import Ingredient, Origin, ingredients_in
from afformer_core.models.pretrained.checkpoint_file import CheckpointError, load_strictly
from afformer_core.models.pretrained.coco import COCO_ORIGIN
from afformer_core.models.stored_weights import restored, stored
from afformer_core.runtime.model_folder import read_json

FORMAT = 'afformer-hand-detector'
VERSION = 2
DESCRIPTION_FILE = 'detector.json'
WEIGHTS_FILE = 'detector.safetensors'
# The paper's score (section 4.2).
INTERACTION_SCORE = 0.99

_EXPECTED: Mapping[str, Any] = {'format': FORMAT, 'version': VERSION, 'classes': list(CLASSES)}


@dataclass(frozen=True)
class DetectorDescription:
    """The content of `detector.json`.

    Attributes:
        architecture: one of `ARCHITECTURES`.
        weights_sha256: hash of `detector.safetensors`, in hexadecimal.
        interaction_score: minimum score for a hand in contact to count as an interaction, 0 to 1.
        training: origin of the weights; free form except for `trained_on`.

    Raises:
        ValueError: a value is unknown or out of its range.
    """

    architecture: str
    weights_sha256: str
    interaction_score: float
    training: Mapping[str, Any]

    def __post_init__(self) -> None:
        if self.architecture not in ARCHITECTURES:
            raise ValueError(
                f'architecture is {self.architecture!r}; expected one of '
                f'{", ".join(ARCHITECTURES)}'
            )
        if not 0 <= self.interaction_score <= 1:
            raise ValueError(f'interaction_score is {self.interaction_score}; expected 0 to 1')
        ingredients_in(self.training)


def save_hand_detector(
    folder: Path,
    detector: FasterRCNN,
    architecture: str,
    training: Mapping[str, Any],
    interaction_score: float = INTERACTION_SCORE,
    dtype: torch.dtype = torch.float32,
) -> None:
    """Write the folder of a detector, each file atomically.

    Args:
        folder: folder, created if it does not exist.
        detector: result of `build_hand_detector`.
        architecture: its architecture.
        training: origin of the weights; free form.
        interaction_score: see `DetectorDescription`.
        dtype: type that floating-point weights are stored in (see `stored`).
    """
    content = save(stored(detector.state_dict(), dtype))
    write_aside(folder / WEIGHTS_FILE, content)
    fields = {
        'format': FORMAT,
        'version': VERSION,
        'architecture': architecture,
        'classes': list(CLASSES),
        'weights_sha256': hashlib.sha256(content).hexdigest(),
        'interaction_score': interaction_score,
        'training': dict(training),
    }
    write_aside(folder / DESCRIPTION_FILE, (json.dumps(fields, indent=2) + '\n').encode())


def read_detector_description(folder: Path) -> DetectorDescription:
    """Read and check `detector.json`.

    Raises:
        ModelFolderError: there is no such folder or file, or it is not a valid description.
    """
    path = folder / DESCRIPTION_FILE
    if not path.is_file():
        raise ModelFolderError(
            f'{path} does not exist; expected a hand detector with {DESCRIPTION_FILE} and '
            f'{WEIGHTS_FILE}'
        )
    fields = read_json(path)
    for name, expected in _EXPECTED.items():
        if fields.get(name) != expected:
            raise ModelFolderError(
                f'{name} in {path} is {fields.get(name)!r}; expected {expected!r}. Import or '
                'train the detector again with this release'
            )
    try:
        return DetectorDescription(
            fields['architecture'],
            str(fields['weights_sha256']),
            float(fields['interaction_score']),
            dict(fields['training']),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise ModelFolderError(f'{path} does not describe a hand detector: {error}') from error


def load_hand_detector(
    folder: Path, minimum_score: float = LOWEST_SCORE, maximum_hands: int = MOST_HANDS
) -> FasterRCNN:
    """Load the detector of a folder, in fp32 and evaluation mode.

    Args:
        folder: folder that `save_hand_detector` wrote.
        minimum_score, maximum_hands: see `build_hand_detector`.

    Raises:
        ModelFolderError: anything in the folder is missing, altered, of another version, of an
            unknown architecture, or not finite.
    """
    description = read_detector_description(folder)
    path = folder / WEIGHTS_FILE
    if not path.is_file() or file_sha256(path) != description.weights_sha256:
        raise ModelFolderError(
            f'{path} is missing or not the one that {DESCRIPTION_FILE} names. Copy the whole '
            'folder again'
        )
    detector = build_hand_detector(description.architecture, minimum_score, maximum_hands).eval()
    try:
        load_strictly(detector, restored(load_file(path)), 'the hand detector')
    except (OSError, SafetensorError, CheckpointError) as error:
        raise ModelFolderError(f'{path} cannot be used: {error}') from error
    return detector.requires_grad_(False)


_COCO = {
    OFFICIAL_ARCHITECTURE: FasterRCNN_ResNet50_FPN_V2_Weights.COCO_V1,
    LIGHT_ARCHITECTURE: FasterRCNN_MobileNet_V3_Large_320_FPN_Weights.COCO_V1,
}
# The classifier of 91 kinds of objects cannot initialise that of hands.
_CLASSES_OWN = 'roi_heads.box_predictor.'


def initial_detector(architecture: str, weights: str) -> FasterRCNN:
    """Build a detector to train.

    Args:
        architecture: one of `ARCHITECTURES`.
        weights: `coco` for torchvision's detector of many kinds of objects, which is downloaded
            once; `random`; or the folder of a detector from which to continue.

    Raises:
        AfformerError: there is no such architecture, or the weights cannot be downloaded.
        ModelFolderError: the folder does not contain a valid detector of the architecture.
    """
    if weights not in ('coco', 'random'):
        found = read_detector_description(Path(weights))
        if found.architecture != architecture:
            raise ModelFolderError(
                f'{weights} contains a {found.architecture}; expected {architecture}, the '
                'architecture to be trained. Give the same model.architecture, or other '
                'model.weights'
            )
        return load_hand_detector(Path(weights)).requires_grad_(True)
    detector = build_hand_detector(architecture)
    if weights == 'random':
        return detector
    published = _COCO[architecture]
    try:
        state = published.get_state_dict(progress=True, check_hash=True)
    except Exception as error:
        raise AfformerError(
            f"torchvision's weights of {architecture} cannot be downloaded: {error}. Put "
            f'{published.url} into the folder checkpoints of torch.hub.get_dir() by hand'
        ) from error
    kept = {name: tensor for name, tensor in state.items() if not name.startswith(_CLASSES_OWN)}
    # Frozen batch norms, of which these weights are, count no batches.
    detector.load_state_dict({**detector.state_dict(), **kept})
    return detector


def initial_ingredients(weights: str) -> tuple[Ingredient, ...]:
    """Return the origins of the weights that a training begins with.

    Args:
        weights: see `initial_detector`.

    Raises:
        ModelFolderError: the folder does not contain a valid detector.
    """
    if weights == 'coco':
        return (Ingredient('backbone weights', COCO_ORIGIN),)
    if weights == 'random':
        return ()
    told = ingredients_in(read_detector_description(Path(weights)).training)
    return told or (Ingredient('training data', Origin(f'training of {Path(weights).name}')),)

# SPDX-License-Identifier: Apache-2.0
"""The hand detector that a training begins with."""

from __future__ import annotations

from pathlib import Path

from torchvision.models.detection import (
    FasterRCNN,
    FasterRCNN_MobileNet_V3_Large_320_FPN_Weights,
    FasterRCNN_ResNet50_FPN_V2_Weights,
)

from afformer_core.errors import AfformerError, ModelFolderError
from afformer_core.hands.detector_folder import load_hand_detector, read_detector_description
from afformer_core.hands.faster_rcnn import (
    LIGHT_ARCHITECTURE,
    OFFICIAL_ARCHITECTURE,
    build_hand_detector,
)
from afformer_core.licences import Ingredient, Origin, ingredients_in
from afformer_core.models.pretrained.coco import COCO_ORIGIN

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
        return _of_folder(Path(weights), architecture)
    detector = build_hand_detector(architecture)
    if weights == 'coco':
        _load_coco_weights(detector, architecture)
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


def _of_folder(folder: Path, architecture: str) -> FasterRCNN:
    found = read_detector_description(folder)
    if found.architecture != architecture:
        raise ModelFolderError(
            f'{folder} contains a {found.architecture}; expected {architecture}, the architecture '
            'to be trained. Give the same model.architecture, or other model.weights'
        )
    return load_hand_detector(folder).requires_grad_(True)


def _load_coco_weights(detector: FasterRCNN, architecture: str) -> None:
    weights = _COCO[architecture]
    try:
        state = weights.get_state_dict(progress=True, check_hash=True)
    except Exception as error:
        raise AfformerError(
            f"torchvision's weights of {architecture} cannot be downloaded: {error}. Put "
            f'{weights.url} into the folder checkpoints of torch.hub.get_dir() by hand'
        ) from error
    kept = {name: tensor for name, tensor in state.items() if not name.startswith(_CLASSES_OWN)}
    # Frozen batch norms, of which these weights are, count no batches.
    detector.load_state_dict({**detector.state_dict(), **kept})

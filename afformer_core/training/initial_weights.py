# SPDX-License-Identifier: Apache-2.0
"""What training begins with."""

from __future__ import annotations

from pathlib import Path

from torch import Tensor

from afformer_core.errors import ModelFolderError
from afformer_core.models.afformer import Afformer
from afformer_core.models.coco import load_coco_weights
from afformer_core.models.configuration import AfformerConfiguration
from afformer_core.models.encoder import Encoder
from afformer_core.models.imagenet import load_imagenet_weights
from afformer_core.models.relative_position import resampled_positions
from afformer_core.models.vitdet_weights import load_detectron2_weights
from afformer_core.runtime.weights import load_model

# The layers whose shapes follow the actions.
_HEATMAP_HEAD = 'predictor.upsampler.3.'
_ACTION_HEADS = ('predictor.actioner.5.', 'predictor.actioner.score.')
_ACTIONS = 'predictor.actioner.'


def initial_model(
    configuration: AfformerConfiguration, backbone_weights: str, initial: Path | None
) -> Afformer:
    """The model that training begins with.

    Args:
        configuration: its architecture.
        backbone_weights: 'random', 'imagenet', 'coco' or a file of detectron2's; see
            `GroundingTraining`.
        initial: model folder to begin with instead, or None.

    Raises:
        ModelFolderError: the folder is of another architecture or does not hold a sound model.
        ValueError: such weights are not of the backbone.
        AfformerError: the package of the weights is not installed, or the file does not fit.
    """
    model = Afformer(configuration)
    if initial is not None:
        adopt_weights(model, load_model(Path(initial)), str(initial))
        return model
    for encoder in model.encoders:
        _load_backbone(encoder, configuration.backbone, backbone_weights)
    return model


def _load_backbone(encoder: Encoder, backbone: str, weights: str) -> None:
    if weights == 'random':
        return
    named = weights in ('imagenet', 'coco')
    if (backbone, weights) == ('efficientnet_lite0', 'imagenet'):
        load_imagenet_weights(encoder.backbone_with_fpn.body)
    elif backbone == 'resnet50' and weights != 'imagenet':
        load_coco_weights(encoder.backbone_with_fpn, None if named else Path(weights))
    elif backbone == 'vitdet_b' and not named:
        load_detectron2_weights(encoder, Path(weights))
    else:
        raise ValueError(
            f'there are no backbone weights {weights!r} for {backbone}; there are imagenet for '
            'efficientnet_lite0, coco or a file for resnet50, a file for vitdet_b, and random'
        )


def adopt_weights(model: Afformer, given: Afformer, name: str) -> None:
    """Copy a model's weights, in place.

    Relative positions are resampled linearly to the grids of another input size; heads of other
    actions, those that read actions elsewhere, and all where no actions were learnt begin anew;
    each action begins with a single heatmap that was given.

    Args:
        model: that gets them.
        given: whose they are.
        name: of the latter, for errors.

    Raises:
        ModelFolderError: they are of different architectures.
    """
    same_actions = given.configuration.action_names == model.configuration.action_names
    # The heads that read actions in the image have the same layers wherever they read them.
    readings = [each.configuration.action_pooling == 'frames' for each in (given, model)]
    both_read = all(each.configuration.action_names for each in (given, model))
    same_reading = both_read and readings[0] == readings[1]
    tensors = given.state_dict()
    if not same_reading:
        tensors = {key: value for key, value in tensors.items() if not key.startswith(_ACTIONS)}
    adopted = {}
    for key, own in model.state_dict().items():
        tensor = tensors.pop(key, None)
        if (key.startswith(_ACTION_HEADS) and not same_actions) or (
            key.startswith(_ACTIONS) and not same_reading
        ):
            tensor = own
        elif tensor is not None and 'rel_pos_' in key:
            tensor = resampled_positions(tensor, len(own))
        elif tensor is not None and key.startswith(_HEATMAP_HEAD) and tensor.shape != own.shape:
            tensor = _heatmaps(key, tensor, own)
        if tensor is None or tensor.shape != own.shape:
            raise ModelFolderError(
                f'{name} is of another architecture: '
                f'{"it lacks" if tensor is None else "of another shape is"} {key}; give '
                'model.architecture the fields of its model.json'
            )
        adopted[key] = tensor
    if tensors:
        raise ModelFolderError(
            f'{name} is of another architecture: the one to train lacks {sorted(tensors)[:3]}; '
            'give model.architecture the fields of its model.json'
        )
    model.load_state_dict(adopted)


def _heatmaps(name: str, tensor: Tensor, own: Tensor) -> Tensor:
    """A single heatmap for each action; of several, none is that of other actions."""
    axis = own.ndim - 3 if name.endswith('weight') else 0
    return tensor.expand_as(own).clone() if tensor.shape[axis] == 1 else own

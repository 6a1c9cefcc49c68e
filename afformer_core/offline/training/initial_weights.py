# SPDX-License-Identifier: Apache-2.0
"""Initial weights of a training."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import torch
from torch import Tensor, nn

from afformer_core.errors import ModelFolderError
from afformer_core.licences import Ingredient, Origin
from afformer_core.models.afformer import Afformer
from afformer_core.models.backbone_levels import is_timm
from afformer_core.models.backbones.encoder import Encoder
from afformer_core.models.configuration import AfformerConfiguration
from afformer_core.models.layers.relative_position import resampled_positions
from afformer_core.models.matching.configuration import MatchingConfiguration
from afformer_core.models.matching.network import MatchingNetwork
from afformer_core.models.pretrained.coco import COCO_ORIGIN, load_coco_weights
from afformer_core.models.pretrained.imagenet import IMAGENET_ORIGIN, load_imagenet_weights
from afformer_core.models.pretrained.vitdet_weights import load_detectron2_weights
from afformer_core.runtime.weights import load_matching_network, load_model

# The layers whose shapes follow the actions.
_HEATMAP_HEAD = 'predictor.upsampler.3.'
_ACTION_HEADS = ('predictor.actioner.5.', 'predictor.actioner.score.')
_ACTIONS = 'predictor.actioner.'


def initial_model(
    configuration: AfformerConfiguration, backbone_weights: str, initial: Path | None
) -> Afformer:
    """Build the initial model of a training.

    Args:
        configuration: its architecture.
        backbone_weights: 'random', 'imagenet', 'coco', 'pretrained' or a file (see
            `GroundingTraining`).
        initial: initial model folder instead, or None.

    Raises:
        ModelFolderError: the folder has another architecture or does not contain a valid model.
        ValueError: there are no such weights for the backbone.
        AfformerError: the package of the weights is not installed, or the file does not fit.
    """
    model = Afformer(configuration)
    if initial is not None:
        adopt_weights(model, load_model(Path(initial)), str(initial))
        return model
    for encoder in model.encoders:
        _load_backbone(encoder, configuration, backbone_weights)
    return model


def initial_matching_network(
    configuration: MatchingConfiguration, backbone_weights: str, initial: Path | None
) -> MatchingNetwork:
    """Build the initial matching network of a training.

    Args:
        configuration: its architecture.
        backbone_weights, initial: see `initial_model`; the folder is that of a matching network.

    Raises:
        ModelFolderError, ValueError, AfformerError: see `initial_model`.
    """
    network = MatchingNetwork(configuration)
    if initial is None:
        _load_backbone(network.encoder, configuration, backbone_weights)
        return network
    tensors = load_matching_network(initial).state_dict()
    _load_adopted(network, tensors, tensors.keys() - network.state_dict().keys(), str(initial))
    return network


def backbone_ingredients(backbone: str, weights: str) -> tuple[Ingredient, ...]:
    """Return the origin of a backbone's initial weights; that of a file is its name.

    Args:
        backbone: backbone of the configuration.
        weights: see `initial_model`.
    """
    if weights == 'random':
        return ()
    named = {'imagenet': IMAGENET_ORIGIN, 'coco': COCO_ORIGIN}
    if is_timm(backbone) and weights == 'pretrained':
        # timm takes seconds to import, and other backbones do not need it.
        from afformer_core.models.pretrained.timm_weights import timm_origin

        named[weights] = timm_origin(backbone)
    origin = named.get(weights, Origin(Path(weights).name))
    return (Ingredient('backbone weights', origin),)


def _load_backbone(
    encoder: Encoder, configuration: AfformerConfiguration | MatchingConfiguration, weights: str
) -> None:
    if weights == 'random':
        return
    backbone, named = configuration.backbone, weights in ('imagenet', 'coco', 'pretrained')
    if (backbone, weights) == ('efficientnet_lite0', 'imagenet'):
        load_imagenet_weights(encoder.backbone_with_fpn.body)
    elif backbone == 'resnet50' and (weights == 'coco' or not named):
        load_coco_weights(encoder.backbone_with_fpn, None if named else Path(weights))
    elif backbone == 'vitdet_b' and not named:
        load_detectron2_weights(encoder, Path(weights))
    elif is_timm(backbone) and weights not in ('imagenet', 'coco'):
        # timm takes seconds to import, and other backbones do not need it.
        from afformer_core.models.pretrained.timm_weights import load_timm_weights

        body = encoder.backbone_with_fpn.body
        load_timm_weights(body, configuration, None if named else Path(weights))
    else:
        raise ValueError(
            f'backbone_weights is {weights!r} for {backbone}; expected imagenet for '
            'efficientnet_lite0, coco or a file for resnet50, a file for vitdet_b, pretrained or '
            'a file for a model of timm, or random'
        )


def adopt_weights(model: Afformer, given: Afformer, name: str) -> None:
    """Copy a model's weights, in place.

    Relative positions are resampled linearly to the grids of another input size. Actions with the
    same name keep the weights of their score and heatmap, in any order. Other actions keep random
    weights, as do all actions if scores are pooled differently or not at all. If the given model
    has a single heatmap, each action is initialized with it.

    Args:
        model: model that receives the weights.
        given: model that provides them.
        name: name of the latter, for errors.

    Raises:
        ModelFolderError: they have different architectures.
    """
    configurations = given.configuration, model.configuration
    scored = [configuration.action_names for configuration in configurations]
    drawn = [
        configuration.action_names if configuration.heatmap_per_action else ()
        for configuration in configurations
    ]
    tensors = given.state_dict()
    same_reading = read_actions_alike(*configurations)
    adopted = {}
    for key, own in model.state_dict().items():
        tensor = tensors.pop(key, None)
        if key.startswith(_ACTIONS) and not same_reading:
            tensor = own
        elif tensor is None:
            continue
        elif key.startswith(_ACTION_HEADS):
            tensor = _of_same_actions(tensor, own, 0, *scored)
        elif 'rel_pos_' in key:
            tensor = resampled_positions(tensor, len(own))
        elif key.startswith(_HEATMAP_HEAD) and not drawn[0]:
            tensor = tensor.expand_as(own).clone()
        elif key.startswith(_HEATMAP_HEAD):
            axis = own.ndim - 3 if key.endswith('weight') else 0
            tensor = _of_same_actions(tensor, own, axis, *drawn) if drawn[1] else own
        adopted[key] = tensor
    unknown = [key for key in tensors if same_reading or not key.startswith(_ACTIONS)]
    _load_adopted(model, adopted, unknown, name)


def _load_adopted(
    network: nn.Module, adopted: Mapping[str, Tensor], unknown: Iterable[str], name: str
) -> None:
    """Load the weights that a network adopts from another, in place.

    Args:
        network: network that receives the weights.
        adopted: its tensors by name, which may be incomplete.
        unknown: names of tensors of the other network that this one lacks.
        name: name of the other network, for errors.

    Raises:
        ModelFolderError: the networks have different architectures.
    """
    for key, own in network.state_dict().items():
        if key not in adopted or adopted[key].shape != own.shape:
            raise ModelFolderError(
                f'{name} has another architecture: '
                f'{"it lacks" if key not in adopted else "of another shape is"} {key}. Give '
                'model.architecture the fields of its model.json'
            )
    if names := sorted(unknown):
        raise ModelFolderError(
            f'{name} has another architecture: the one to train lacks {names[:3]}. '
            'Give model.architecture the fields of its model.json'
        )
    network.load_state_dict(adopted)


def read_actions_alike(first: AfformerConfiguration, second: AfformerConfiguration) -> bool:
    """Check whether two models score actions with the same layers, for any actions.

    Models that pool actions over the image have the same layers, whether or not the heatmap weighs
    them.
    """
    both_read = bool(first.action_names and second.action_names)
    return both_read and (first.action_pooling == 'frames') == (second.action_pooling == 'frames')


def _of_same_actions(
    tensor: Tensor, own: Tensor, axis: int, given: Sequence[str], names: Sequence[str]
) -> Tensor:
    """Return a head's tensor, with the given values of actions by name and its own for the others.

    Args:
        tensor: tensor with the given actions along an axis.
        own: tensor with the model's actions along it, otherwise of the same shape.
        axis: axis of the actions.
        given, names: names of the actions of both.
    """
    common = [name for name in names if name in given]
    positions = torch.tensor([names.index(name) for name in common], dtype=torch.long)
    sources = torch.tensor([given.index(name) for name in common], dtype=torch.long)
    return own.index_copy(axis, positions, tensor.index_select(axis, sources))

# SPDX-License-Identifier: Apache-2.0
"""An importer of the weights of timm models, from the hub or from a file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import timm
import torch
from torch import nn

from afformer_core.errors import AfformerError
from afformer_core.licences import UNKNOWN, Origin
from afformer_core.models.backbone_levels import TIMM_PREFIX, is_plain_vit
from afformer_core.models.backbones.timm_body import create_network
from afformer_core.models.configuration import AfformerConfiguration
from afformer_core.models.matching.configuration import MatchingConfiguration


def load_timm_weights(
    body: nn.Module,
    configuration: AfformerConfiguration | MatchingConfiguration,
    file: Path | None = None,
) -> None:
    """Load the weights of a model of timm, in place; positions are resampled to the input size.

    Args:
        body: body of the backbone, `TimmStages` or `TimmMap`.
        configuration: architecture of the network; the tag in the backbone's name selects the
            weights.
        file: weights published by timm, `*.safetensors`; None: timm downloads them once from the
            hub.

    Raises:
        AfformerError: the weights cannot be downloaded or read, or do not cover the whole body.
    """
    backbone = configuration.backbone
    if file is not None and (file.suffix != '.safetensors' or not file.is_file()):
        raise AfformerError(
            f'backbone_weights is {str(file)!r}; expected a file *.safetensors for {backbone}, '
            "or 'pretrained' for those of the hub"
        )
    options: dict[str, Any] = {'pretrained': True}
    if file is not None:
        options['pretrained_cfg_overlay'] = {'file': str(file)}
    try:
        found = _state(configuration, options)
    # timm passes through the errors of the hub's client, of safetensors and of PyTorch.
    except Exception as error:
        source = 'from the hub' if file is None else f'from {file}'
        raise AfformerError(
            f'the weights of {backbone} cannot be loaded {source}: {error}. Fetch '
            'model.safetensors elsewhere and give the file as backbone_weights'
        ) from error
    # timm loads the tensors that it finds and does not report missing ones.
    initial = _state(configuration, {})
    untouched = [
        name
        for name in body.state_dict()
        if found[name].ndim > 1 and found[name].any() and torch.equal(found[name], initial[name])
    ]
    if untouched:
        raise AfformerError(
            f'the weights lack {len(untouched)} tensors, such as {untouched[0]}; expected those '
            f'of {backbone}'
        )
    body.load_state_dict({name: found[name] for name in body.state_dict()})


def timm_origin(backbone: str) -> Origin:
    """Return the weights of a model on the hub, with their licence according to timm."""
    found = timm.get_pretrained_cfg(backbone.removeprefix(TIMM_PREFIX), allow_unregistered=True)
    return Origin(backbone, (found and found.license) or UNKNOWN)


def _state(
    configuration: AfformerConfiguration | MatchingConfiguration, options: dict[str, Any]
) -> dict[str, Any]:
    """Build the network with the same random numbers each time, and return its tensors."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = create_network(
            configuration.backbone,
            configuration.input_size,
            is_plain_vit(configuration),
            **options,
        )
    return {f'network.{name}': tensor for name, tensor in network.state_dict().items()}

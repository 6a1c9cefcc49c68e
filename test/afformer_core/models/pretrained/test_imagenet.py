# SPDX-License-Identifier: Apache-2.0
"""ImageNet weights, by whether the network that carries them sees."""

import torch

from afformer_core.models import afformer_small
from afformer_core.models.afformer import Afformer
from afformer_core.models.pretrained.imagenet import load_imagenet_weights


def test_every_tensor_is_replaced() -> None:
    torch.manual_seed(0)
    body = Afformer(afformer_small(('press',))).encoder.backbone_with_fpn.body
    before = {name: tensor.clone() for name, tensor in body.state_dict().items()}

    load_imagenet_weights(body)

    after = body.state_dict()
    same = [
        name
        for name, tensor in before.items()
        if tensor.is_floating_point() and torch.equal(tensor, after[name])
    ]
    assert same == []

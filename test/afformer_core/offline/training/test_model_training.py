# SPDX-License-Identifier: Apache-2.0
"""Constants that a softmax cancels do not learn."""

from dataclasses import replace

import torch

from afformer_core.models import afformer_small
from afformer_core.offline.training.model_training import freeze_softmax_invariant_biases

from ...conftest import random_model

SMALL = replace(afformer_small(('press',), (64, 64)), maximum_frames=2)


def test_constants_change_nothing_and_are_kept() -> None:
    model = random_model(SMALL).requires_grad_(True)
    freeze_softmax_invariant_biases(model)
    rng = torch.Generator().manual_seed(0)
    images = torch.randint(0, 256, (1, 64, 64, 3), dtype=torch.uint8, generator=rng)
    frames = torch.randint(0, 256, (1, 2, 64, 64, 3), dtype=torch.uint8, generator=rng)
    before = model(images, frames)[0].flatten().softmax(0)
    before.square().sum().log().backward()
    block = model.decoder.self2d_cross3d_block
    queries, keys, values = block.self_attn.qkv.bias.grad.chunk(3)

    assert keys.abs().max() == 0
    assert min(queries.abs().max(), values.abs().max()) > 0
    assert not block.cross_attn.k_proj.bias.requires_grad
    with torch.no_grad():
        model.predictor.upsampler[-1].bias.add_(3)
        block.cross_attn.k_proj.bias.add_(1)
        block.self_attn.qkv.bias.chunk(3)[1].add_(1)
        after = model(images, frames)[0].flatten().softmax(0)
    torch.testing.assert_close(after, before, rtol=1e-3, atol=0)

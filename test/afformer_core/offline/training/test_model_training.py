# SPDX-License-Identifier: Apache-2.0
"""Constants that a softmax cancels do not learn."""

from dataclasses import replace

import pytest
import torch

from afformer_core.models import afformer_small
from afformer_core.models.afformer import Afformer
from afformer_core.offline.training.model_training import (
    Optimization,
    freeze_softmax_invariant_biases,
)

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


@pytest.fixture(scope='module')
def model() -> Afformer:
    return Afformer(replace(afformer_small(('press',), (64, 64)), maximum_frames=2))


def group_of(optimizer: torch.optim.Optimizer, parameter: torch.nn.Parameter) -> dict:
    return next(
        group
        for group in optimizer.param_groups
        if any(each is parameter for each in group['params'])
    )


def test_norms_and_biases_do_not_decay(model: Afformer) -> None:
    optimizer = Optimization(1e-3, 0.05).optimizer(model)
    block = model.decoder.self2d_cross3d_block

    assert group_of(optimizer, block.mlp.fc1.weight)['weight_decay'] == 0.05
    assert group_of(optimizer, block.mlp.fc1.bias)['weight_decay'] == 0
    assert group_of(optimizer, block.norm_mlp.weight)['weight_decay'] == 0
    grouped = [id(p) for group in optimizer.param_groups for p in group['params']]
    assert sorted(grouped) == sorted(id(p) for p in model.parameters())
    positions = torch.nn.Module()
    positions.pos_embed = torch.nn.Parameter(torch.zeros(1, 5, 3))
    positions.rel_pos_h = torch.nn.Parameter(torch.zeros(5, 3))
    optimizer = Optimization(1e-3, 0.07).optimizer(positions)
    assert group_of(optimizer, positions.pos_embed)['weight_decay'] == 0
    assert group_of(optimizer, positions.rel_pos_h)['weight_decay'] == 0.07


@pytest.mark.parametrize(('scope', 'pyramid'), [('body', 1e-3), ('encoder', 1e-4)])
def test_the_backbone_learns_more_slowly(model: Afformer, scope: str, pyramid: float) -> None:
    optimization = Optimization(1e-3, backbone_factor=0.1, backbone_scope=scope)
    optimizer = optimization.optimizer(model)
    backbone, block = model.encoder.backbone_with_fpn, model.decoder.self2d_cross3d_block

    assert group_of(optimizer, backbone.body.conv_stem.weight)['lr'] == pytest.approx(1e-4)
    inner = backbone.fpn.inner_blocks[0][0].weight
    assert group_of(optimizer, inner)['lr'] == pytest.approx(pyramid)
    assert group_of(optimizer, block.mlp.fc1.weight)['lr'] == pytest.approx(1e-3)


def test_a_factor_of_0_keeps_all_of_the_scope(model: Afformer) -> None:
    kept = replace(Optimization(), backbone_factor=0.0, backbone_scope='encoder')
    try:
        kept.freeze(model)
        learning = {name.split('.')[0] for name, p in model.named_parameters() if p.requires_grad}
    finally:
        model.requires_grad_(True)

    assert learning == {'decoder', 'predictor'}


def test_rises_then_falls_as_a_cosine() -> None:
    optimization = Optimization(1.0, warmup_steps=2)
    rates = [optimization.share(step, 6) for step in range(7)]

    assert rates == pytest.approx([0.5, 1.0, 1.0, 0.853553, 0.5, 0.146447, 0.0], abs=1e-5)


@pytest.mark.parametrize(
    ('field', 'value'),
    [
        ('learning_rate', 0.0),
        ('weight_decay', -1.0),
        ('warmup_steps', -1),
        ('backbone_scope', 'fpn'),
    ],
)
def test_a_value_out_of_range(field: str, value: float) -> None:
    with pytest.raises(ValueError, match=field):
        Optimization(**{field: value})

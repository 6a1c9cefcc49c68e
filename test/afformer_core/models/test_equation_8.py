# SPDX-License-Identifier: Apache-2.0
"""Multi-scale decoding against equations 8 to 10 of the paper, written out."""

import math
from dataclasses import replace

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from afformer_core.models import AfformerConfiguration, afformer_small
from afformer_core.models.decoders.decoder import DecoderBlock, FineGrainedDecoder

HEADS, DEPTH = 2, 4
TWO_STEPS = replace(
    afformer_small(('press',), (64, 64)), channels=HEADS * DEPTH, head_channels=DEPTH
)


def decoder_of(configuration: AfformerConfiguration) -> FineGrainedDecoder:
    """Random weights, and no relative positions, which equation 4 adds."""
    decoder = FineGrainedDecoder(configuration).requires_grad_(False)
    rng = torch.Generator().manual_seed(0)
    for name, parameter in decoder.named_parameters():
        if 'rel_pos' not in name:
            parameter.normal_(std=0.5, generator=rng)
    return decoder


def attend(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """Softmax of q k / sqrt(C / heads) on v, [N, C] and [M, C] to [N, C]."""
    heads = [
        functional.softmax(a @ b.T / math.sqrt(DEPTH), dim=1) @ c
        for a, b, c in zip(q.split(DEPTH, 1), k.split(DEPTH, 1), v.split(DEPTH, 1), strict=True)
    ]
    return torch.cat(heads, dim=1)


def tokens(level: Tensor) -> Tensor:
    """[C, height, width] to [height * width, C]."""
    return level.flatten(1).T


def equations_8_to_10(
    block: DecoderBlock, image: Tensor, coarser: Tensor | None, video: Tensor, residual: str
) -> Tensor:
    """D_l of an image level [N, C], UP(D_{l+1}) [N, C] and a video [M, C]."""
    if residual == 'image_and_decoding' and coarser is not None:
        image, coarser = image + coarser, None
    q, k, v = block.self_attn.qkv(block.norm_self_q(image)).chunk(3, dim=1)
    q = q if coarser is None else q + coarser
    decoded = image + block.self_attn.proj(attend(q, k, v))
    cross, video = block.cross_attn, block.norm_cross_k(video)
    q = cross.q_proj(block.norm_cross_q(decoded))
    decoded = decoded + cross.proj(attend(q, cross.k_proj(video), cross.v_proj(video)))
    return decoded + block.mlp(block.norm_mlp(decoded))


@pytest.mark.parametrize('residual', ['image', 'image_and_decoding'])
def test_two_steps(residual: str) -> None:
    decoder = decoder_of(replace(TWO_STEPS, residual=residual))
    rng = torch.Generator().manual_seed(1)
    coarse, fine, video = (
        torch.randn(8, *shape, generator=rng) for shape in ((4, 4), (8, 8), (3, 8, 8))
    )

    memory = decoder.memorize(video.transpose(0, 1)[None])
    found = decoder((coarse[None], fine[None]), memory)[0]

    block, (first, second) = decoder.self2d_cross3d_block, decoder.image_level_embeds
    shorter = functional.conv3d(
        video[None], decoder.v3ds[0].weight, stride=(2, 1, 1), padding=(1, 0, 0)
    )[0]
    d4 = equations_8_to_10(block, tokens(coarse) + first, None, tokens(video), residual)
    up = d4.T.unflatten(1, (4, 4)).repeat_interleave(2, dim=1).repeat_interleave(2, dim=2)
    d3 = equations_8_to_10(block, tokens(fine) + second, tokens(up), tokens(shorter), residual)
    torch.testing.assert_close(tokens(found), d3, atol=1e-4, rtol=1e-4)


def test_the_readings_differ_from_the_second_step_on() -> None:
    decoders = [
        decoder_of(replace(TWO_STEPS, residual=x)) for x in ('image', 'image_and_decoding')
    ]
    levels = torch.ones(1, 8, 4, 4), torch.ones(1, 8, 8, 8)
    memory = decoders[0].memorize(torch.ones(1, 3, 8, 8, 8))
    one, other = (decoder(levels, memory) for decoder in decoders)

    assert not torch.allclose(one, other, atol=0.1)

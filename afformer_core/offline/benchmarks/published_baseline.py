# SPDX-License-Identifier: Apache-2.0
"""A reference model that computes like the released code.

It shares an `Afformer`'s weights and gives the same logits, but for every image the whole video
goes through the encoder again, all pyramid levels are computed for every frame, and the decomposed
relative positions of an attention (paper, section 3.2) become one bias tensor [heads, queries,
keys] that is added to its scores. Only benchmarks and tests of equality use it.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from afformer_core.models.afformer import Afformer
from afformer_core.models.configuration import AfformerConfiguration
from afformer_core.models.decoders.decoder import (
    DecoderBlock,
    FineGrainedDecoder,
    means_of_squares,
)
from afformer_core.models.decoders.memory import VideoMemory
from afformer_core.models.layers.attention import CrossAttention3d, SelfAttention2d, Size
from afformer_core.models.layers.relative_position import relative_table


class PublishedBaseline(nn.Module):
    """A model that grounds one video in one image without cached results.

    Args:
        model: model whose weights are used; it is not changed.

    Raises:
        ValueError: the model is not the released variant.
    """

    def __init__(self, model: Afformer) -> None:
        super().__init__()
        if not isinstance(model.decoder, FineGrainedDecoder):
            raise ValueError(
                f"decoder is {model.configuration.decoder!r}; the reference needs 'fine_grained'"
            )
        for field, expected in _plain(model.configuration).items():
            if (found := getattr(model.configuration, field)) != expected:
                raise ValueError(f'{field} is {found!r}; the reference needs {expected!r}')
        self.model = model
        self._decoder = model.decoder

    def forward(self, image: Tensor, frames: Tensor) -> tuple[Tensor, Tensor]:
        """Ground one video in one image.

        Args:
            image: uint8 RGB [H, W, 3] at the input size.
            frames: uint8 RGB [T, H, W, 3], 1 to the maximum of frames.

        Returns:
            heatmap logits [heatmaps, H, W] and action logits [actions].
        """
        encoder = self.model.encoder
        (video_level,) = encoder.frame_levels
        every_level = tuple(dict.fromkeys((*encoder.image_levels, video_level)))
        levels = self._encode(image[None], every_level)
        video = self._encode(frames, every_level)[video_level][None].transpose(1, 2)
        decoded = self._decode([levels[name] for name in encoder.image_levels], video)
        # the published heads do not read it
        memory = VideoMemory((), (), (), ())
        if self.model.configuration.action_pooling == 'frames':
            memory = self.model.decoder.memorize(video.transpose(1, 2))
        heatmaps, actions = self.model.predictor(
            decoded, self.model.configuration.heatmap_size, memory
        )
        return heatmaps[0], actions[0]

    def _decode(self, levels: Sequence[Tensor], video: Tensor) -> Tensor:
        decoder = self._decoder
        decoded: Tensor | None = None
        for level, (features, moment) in enumerate(
            zip(levels, self._temporal_pyramid(video), strict=True)
        ):
            if decoded is not None:
                features = features + functional.interpolate(decoded, scale_factor=2.0)
            size = (features.shape[2], features.shape[3])
            queries = features.flatten(2).transpose(1, 2) + decoder.image_level_embeds[level]
            stride = self.model.configuration.steps[level].spatial_stride
            tokens = _block(decoder.self2d_cross3d_block, queries, size, moment, stride)
            decoded = tokens.transpose(1, 2).unflatten(2, size)
        assert decoded is not None
        return decoded

    def _encode(self, images: Tensor, levels: tuple[str, ...]) -> dict[str, Tensor]:
        encoder = self.model.encoder
        stages = encoder.backbone_with_fpn.backbone(encoder.normalise(images))
        features = encoder.backbone_with_fpn.pyramid(stages, levels)
        return dict(zip(levels, features, strict=True))

    def _temporal_pyramid(self, video: Tensor) -> list[Tensor]:
        """Compute [1, C, T, h, w] at T, T/2, T/4."""
        pyramid = [video]
        for layer in self._decoder.v3ds:
            video = layer(video)
            if isinstance(layer, nn.Conv3d):
                pyramid.append(video)
        return pyramid


def _plain(configuration: AfformerConfiguration) -> dict[str, object]:
    """Return the values of the released ResNet-50 model for fields that distinguish variants."""
    return {
        'video_levels': configuration.video_levels[:1],
        'temporal_strides': tuple(2**step for step in range(len(configuration.steps))),
        'video_encoder': 'shared',
        'video_projection': 'shared',
        'decoder_blocks': 'shared',
        'residual': 'image_and_decoding',
    }


def _block(block: DecoderBlock, tokens: Tensor, size: Size, video: Tensor, stride: int) -> Tensor:
    tokens = tokens + _self_attention(block.self_attn, block.norm_self_q(tokens), size)
    keys = means_of_squares(block.norm_cross_k(video.permute(0, 2, 3, 4, 1)), stride)
    tokens = tokens + _cross_attention(
        block.cross_attn, block.norm_cross_q(tokens), size, keys, stride
    )
    update: Tensor = block.mlp(block.norm_mlp(tokens))
    return tokens + update


def _self_attention(attention: SelfAttention2d, tokens: Tensor, size: Size) -> Tensor:
    q, k, v = (_heads(attention, part) for part in attention.qkv(tokens).chunk(3, dim=2))
    rows, columns = _axis_terms(attention, q, size, size, 1)
    bias = (rows[..., :, None] + columns[..., None, :]).flatten(3)
    return _attend(attention, q, k, v, bias)


def _cross_attention(
    attention: CrossAttention3d,
    tokens: Tensor,
    size: Size,
    video: Tensor,
    stride: int,
) -> Tensor:
    frames, height, width = video.shape[1:4]
    flat = video.flatten(1, 3)
    q = _heads(attention, attention.q_proj(tokens))
    k = _heads(attention, attention.k_proj(flat))
    v = _heads(attention, attention.v_proj(flat))
    rows, columns = _axis_terms(attention, q, size, (height, width), stride)
    # the image follows the last frame: the newest frame is at offset 0, the oldest at T - 1
    offsets = torch.arange(frames - 1, -1, -1, device=q.device)
    times = q @ attention.rel_pos_t[offsets].T
    bias = times[..., :, None, None] + rows[..., None, :, None] + columns[..., None, None, :]
    return _attend(attention, q, k, v, bias.flatten(3))


def _axis_terms(
    attention: SelfAttention2d | CrossAttention3d,
    q: Tensor,
    size: Size,
    key_size: Size,
    stride: int,
) -> tuple[Tensor, Tensor]:
    """Compute q.R_h [1, heads, N, key rows] and q.R_w [1, heads, N, key columns]."""
    grid = q.unflatten(2, size)
    row_table = relative_table(attention.rel_pos_h, size[0], key_size[0], stride)
    column_table = relative_table(attention.rel_pos_w, size[1], key_size[1], stride)
    rows = torch.einsum('bnhwc,hkc->bnhwk', grid, row_table)
    columns = torch.einsum('bnhwc,wkc->bnhwk', grid, column_table)
    return rows.flatten(2, 3), columns.flatten(2, 3)


def _heads(attention: SelfAttention2d | CrossAttention3d, x: Tensor) -> Tensor:
    heads: Tensor = x.unflatten(2, (attention.heads, attention.head_channels))
    return heads.transpose(1, 2)


def _attend(
    attention: SelfAttention2d | CrossAttention3d, q: Tensor, k: Tensor, v: Tensor, bias: Tensor
) -> Tensor:
    """Compute fused attention with an explicit bias [1, heads, queries, keys]."""
    attended = functional.scaled_dot_product_attention(q, k, v, attn_mask=bias)
    projected: Tensor = attention.proj(attended.transpose(1, 2).flatten(2))
    return projected

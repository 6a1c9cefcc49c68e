# SPDX-License-Identifier: Apache-2.0
"""Named architectures: those of the paper and of the releases, and the small one."""

from __future__ import annotations

from dataclasses import replace

from afformer_core.models.configuration import AfformerConfiguration
from afformer_core.models.matching.configuration import MatchingConfiguration


def afformer_r50(
    action_names: tuple[str, ...], input_size: tuple[int, int] = (256, 256)
) -> AfformerConfiguration:
    """Return the released ResNet-50 model: 256 channels, three levels, a heatmap for each action.

    Without actions it has a single heatmap.
    """
    return AfformerConfiguration(
        backbone='resnet50',
        channels=256,
        head_channels=64,
        image_levels=('p4', 'p3', 'p2'),
        video_levels=('p3',),
        temporal_strides=(1, 2, 4),
        maximum_frames=32,
        input_size=input_size,
        action_names=action_names,
        heatmap_per_action=bool(action_names),
        action_activation='sigmoid',
        action_pooling='mean',
    )


def afformer_small(
    action_names: tuple[str, ...], input_size: tuple[int, int] = (128, 128)
) -> AfformerConfiguration:
    """Return the small model for CPUs: EfficientNet-Lite0, 96 channels, two levels, a heatmap."""
    return replace(
        afformer_r50(action_names, input_size),
        backbone='efficientnet_lite0',
        channels=96,
        head_channels=32,
        image_levels=('p4', 'p3'),
        temporal_strides=(1, 2),
        maximum_frames=8,
        heatmap_per_action=False,
        action_activation='softmax',
        action_pooling='frames',
    )


def small_matching(input_size: tuple[int, int] = (384, 384)) -> MatchingConfiguration:
    """Return the matching network for the small model.

    Beyond the paper, it describes the contact of the demonstration by ImageNet features and
    searches the image for it.
    """
    return MatchingConfiguration(
        backbone='efficientnet_lite0',
        input_size=input_size,
        maximum_frames=8,
        contact_channels=64,
    )


def afformer_vitdet_b(
    action_names: tuple[str, ...], input_size: tuple[int, int] = (1024, 1024)
) -> AfformerConfiguration:
    """Return the paper's ViTDet-B model: the decoder of `afformer_r50` over a shared ViTDet-B.

    At 1024 pixels, the decoder's grids have the same sizes as for a ResNet-50 at 256.
    """
    return replace(
        afformer_r50(action_names, input_size),
        backbone='vitdet_b',
        image_levels=('p6', 'p5', 'p4'),
        video_levels=('p5',),
        heatmap_per_action=False,
        action_activation='softmax',
    )


def released_vitdet_b(
    action_names: tuple[str, ...], input_size: tuple[int, int] = (1024, 1024)
) -> AfformerConfiguration:
    """Return the released ViTDet-B model: one level of 768 channels, separate last blocks.

    It has a heatmap for each action; without actions, a single one.
    """
    return replace(
        afformer_r50(action_names, input_size),
        backbone='vitdet_b',
        channels=768,
        image_levels=('p4',),
        video_levels=('p5',),
        temporal_strides=(1,),
        maximum_frames=24,
        decoder='cross_attention',
        video_encoder='separate_last_block',
    )

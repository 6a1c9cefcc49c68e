# SPDX-License-Identifier: Apache-2.0
"""The architecture of a configuration: a preset, and the fields that differ from it."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

from afformer_core.models import (
    AfformerConfiguration,
    afformer_r50,
    afformer_small,
    afformer_vitdet_b,
    released_vitdet_b,
)
from afformer_core.models.backbone_levels import is_timm

PRESETS = {
    'afformer_r50': afformer_r50,
    'afformer_small': afformer_small,
    'afformer_vitdet_b': afformer_vitdet_b,
    'released_vitdet_b': released_vitdet_b,
}


@dataclass(frozen=True)
class Architecture:
    """A preset architecture with some fields replaced.

    See `AfformerConfiguration` for the meaning and range of the fields.

    Attributes:
        preset: name of the architecture, one of `PRESETS`.
        backbone: backbone that replaces the preset's, such as `timm:convnext_tiny`.
        input_size: (height, width) of images and frames.
        channels: width of the pyramid and of the decoder.
        head_channels: width of one attention head.
        image_levels: pyramid level of the image at each decoding step, coarse to fine.
        video_levels: pyramid level of the frames, one for all steps or one for each.
        temporal_strides: each step attends to every n-th frame.
        spatial_strides: keys and values of each step are means over squares with this many
            positions per side: one for all steps or one for each.
        maximum_frames: maximum number of frames of a demonstration.
        heatmap_per_action: whether there is one heatmap for each action, or a single one.
        action_activation: softmax or sigmoid.
        action_pooling: mean, heatmap or frames.
        decoder: fine_grained, cross_attention, deconvolution, lstm, conv_lstm, attended_conv_lstm
            or image_only.
        video_encoder: shared, separate or separate_last_block.
        input_projection: per_level or shared.
        video_projection: shared or separate.
        decoder_blocks: shared or per_step.
        residual: image_and_decoding or image.

    Raises:
        ValueError: the preset is unknown.
    """

    preset: str
    input_size: tuple[int, int]
    backbone: str | None = None
    channels: int | None = None
    head_channels: int | None = None
    image_levels: tuple[str, ...] | None = None
    video_levels: tuple[str, ...] | None = None
    temporal_strides: tuple[int, ...] | None = None
    spatial_strides: tuple[int, ...] | None = None
    maximum_frames: int | None = None
    heatmap_per_action: bool | None = None
    action_activation: str | None = None
    action_pooling: str | None = None
    decoder: str | None = None
    video_encoder: str | None = None
    input_projection: str | None = None
    video_projection: str | None = None
    decoder_blocks: str | None = None
    residual: str | None = None

    def __post_init__(self) -> None:
        if self.preset not in PRESETS:
            raise ValueError(f'preset is {self.preset!r}; expected one of {list(PRESETS)}')

    def configuration(self, action_names: tuple[str, ...]) -> AfformerConfiguration:
        """Build the configuration for the actions of a dataset.

        Raises:
            ValueError: a field is outside its range, or timm cannot build the backbone.
        """
        height, width = self.input_size
        size = int(height), int(width)
        given = {
            field.name: getattr(self, field.name)
            for field in fields(self)
            if field.name != 'preset' and getattr(self, field.name) is not None
        }
        given['input_size'] = size
        if self.backbone is not None and is_timm(self.backbone):
            # timm takes seconds to import, and other backbones do not need it.
            from afformer_core.models.backbones.timm_body import timm_fields

            given |= timm_fields(self.backbone, size)
        # The size of a preset suits its own backbone, from which this one may differ.
        return replace(PRESETS[self.preset](action_names), **given)

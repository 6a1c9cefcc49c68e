# SPDX-License-Identifier: Apache-2.0
"""The architecture of an experiment: one that has a name, and what differs from it."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

from afformer_core.models import (
    AfformerConfiguration,
    afformer_r50,
    afformer_small,
    afformer_vitdet_b,
    released_vitdet_b,
)

PRESETS = {
    'afformer_r50': afformer_r50,
    'afformer_small': afformer_small,
    'afformer_vitdet_b': afformer_vitdet_b,
    'released_vitdet_b': released_vitdet_b,
}


@dataclass(frozen=True)
class Architecture:
    """A named architecture; every other field that is given replaces the preset's.

    See `AfformerConfiguration` for what the fields mean and may be.

    Attributes:
        preset: name of the architecture, one of `PRESETS`.
        input_size: (height, width) of images and frames.
        channels: width of the pyramid and of the decoder.
        head_channels: width of one attention head.
        image_levels: pyramid levels the decoder visits, coarse to fine.
        maximum_frames: the most frames of a demonstration.
        heatmap_per_action: one heatmap for each action, or a single one.
        action_activation: softmax or sigmoid.
        action_pooling: mean, heatmap or frames.
        decoder: fine_grained, cross_attention, deconvolution, lstm, conv_lstm,
            attended_conv_lstm or image_only.
        temporal_pyramid: whether finer image levels attend to fewer frames.
        video_resolution: fixed, or growing with the image level.
        video_encoder: shared, separate or separate_last_block.
        input_projection: whether each image level is projected before the decoder.
    """

    preset: str
    input_size: tuple[int, int]
    channels: int | None = None
    head_channels: int | None = None
    image_levels: tuple[str, ...] | None = None
    maximum_frames: int | None = None
    heatmap_per_action: bool | None = None
    action_activation: str | None = None
    action_pooling: str | None = None
    decoder: str | None = None
    temporal_pyramid: bool | None = None
    video_resolution: str | None = None
    video_encoder: str | None = None
    input_projection: bool | None = None

    def __post_init__(self) -> None:
        if self.preset not in PRESETS:
            raise ValueError(f'preset is {self.preset!r}; it must be one of {list(PRESETS)}')

    def configuration(self, action_names: tuple[str, ...]) -> AfformerConfiguration:
        """The whole architecture for the actions of a dataset.

        Raises:
            ValueError: a field is outside its range.
        """
        height, width = self.input_size
        size = int(height), int(width)
        given = {
            field.name: getattr(self, field.name)
            for field in fields(self)
            if field.name not in ('preset', 'input_size') and getattr(self, field.name) is not None
        }
        return replace(PRESETS[self.preset](action_names, size), **given)

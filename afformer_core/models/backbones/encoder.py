# SPDX-License-Identifier: Apache-2.0
"""The shared encoder (paper, section 3.1): backbone and feature pyramid of image and video."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence

import torch
from torch import Tensor, nn

from afformer_core.models.configuration import AfformerConfiguration
from afformer_core.models.layers.level_packing import pack_levels


class BackboneWithPyramid(nn.Module, ABC):
    """A backbone's stages and the pyramid over them.

    Attributes:
        body: the backbone.
        fpn: the pyramid over its stages.
        stages: names of the stages, fine to coarse.
    """

    body: nn.Module
    fpn: nn.Module
    stages: tuple[str, ...]

    @abstractmethod
    def backbone(self, images: Tensor) -> tuple[Tensor, ...]:
        """Stages of normalised images [B, 3, H, W], each [B, C_stage, height, width]."""

    def deepen(self, stages: Sequence[Tensor]) -> tuple[Tensor, ...]:
        """All stages from the first of them, fine to coarse, as a frozen part of it gave them.

        Raises:
            ValueError: some are missing, and the backbone cannot go on from those that are there.
        """
        if len(stages) != len(self.stages):
            raise ValueError(
                f'{len(stages)} stages were given of {len(self.stages)}; this backbone needs all'
            )
        return tuple(stages)

    def first_stages(self, images: Tensor, count: int) -> tuple[Tensor, ...]:
        """The first stages of `backbone`, at the cost of those alone where that can be."""
        return self.backbone(images)[:count]

    def stage_parameters(self, count: int) -> Iterator[nn.Parameter]:
        """Parameters of the body that the first stages depend on."""
        return self.body.parameters()

    def frozen_stages(self) -> int:
        """How many of the first stages depend on no parameter that learns."""
        for count in range(len(self.stages), 0, -1):
            if not any(parameter.requires_grad for parameter in self.stage_parameters(count)):
                return count
        return 0

    @abstractmethod
    def pyramid(self, stages: Sequence[Tensor], levels: Sequence[str]) -> tuple[Tensor, ...]:
        """Pyramid levels by name; only the branches that were asked for are computed.

        Args:
            stages: from `backbone`.
            levels: names of pyramid levels, such as p3.

        Returns:
            features [B, C, height, width] in the order of `levels`.
        """

    def video_pyramid(self, stages: Sequence[Tensor], levels: Sequence[str]) -> tuple[Tensor, ...]:
        """`pyramid` of frames, which most backbones have in common with images."""
        return self.pyramid(stages, levels)

    def both_pyramids(
        self, stages: Sequence[Tensor], image_levels: Sequence[str], video_levels: Sequence[str]
    ) -> tuple[tuple[Tensor, ...], tuple[Tensor, ...]]:
        """`pyramid` and `video_pyramid` of the same pictures, at the cost of one."""
        names = tuple(dict.fromkeys((*image_levels, *video_levels)))
        found = dict(zip(names, self.pyramid(stages, names), strict=True))
        return tuple(found[x] for x in image_levels), tuple(found[x] for x in video_levels)

    def freeze_tables(self) -> None:
        """Keep what depends on the input size alone; most backbones have no such thing."""


class Encoder(nn.Module):
    """One encoder for camera images and for demonstration frames.

    Args:
        backbone_with_fpn: backbone and pyramid.
        configuration: the architecture, for the levels of images and of frames.
        mean, std: per colour channel, of values in 0..1.
    """

    mean: Tensor
    std: Tensor

    def __init__(
        self,
        backbone_with_fpn: BackboneWithPyramid,
        configuration: AfformerConfiguration,
        mean: Sequence[float],
        std: Sequence[float],
    ) -> None:
        super().__init__()
        self.backbone_with_fpn = backbone_with_fpn
        self.image_levels = configuration.image_levels
        self.frame_levels = configuration.frame_levels
        self.register_buffer('mean', torch.tensor(mean).view(1, 3, 1, 1), persistent=False)
        self.register_buffer('std', torch.tensor(std).view(1, 3, 1, 1), persistent=False)

    def normalise(self, images: Tensor) -> Tensor:
        """uint8 RGB [B, H, W, 3] to float [B, 3, H, W] as the backbone was trained on."""
        # Between two conversions in a row an exporter would leave one out.
        values = images.to(self.picture_type).permute(0, 3, 1, 2).to(self.mean.dtype)
        return (values / 255 - self.mean) / self.std

    @property
    def picture_type(self) -> torch.dtype:
        """What uint8 is converted to first: TensorRT does nothing else with it, nor to bf16."""
        return torch.float32 if self.mean.dtype == torch.bfloat16 else self.mean.dtype

    def encode_images(self, images: Tensor) -> tuple[Tensor, ...]:
        """uint8 RGB [B, H, W, 3] to the decoder's image levels, coarse to fine."""
        return self.levels(self.backbone_with_fpn.backbone(self.normalise(images)))

    def levels(self, stages: Sequence[Tensor]) -> tuple[Tensor, ...]:
        """`encode_images` from a backbone's stages, or from the first of them."""
        stages = self.backbone_with_fpn.deepen(stages)
        return self.backbone_with_fpn.pyramid(stages, self.image_levels)

    def encode_images_and_features(self, images: Tensor) -> tuple[tuple[Tensor, ...], Tensor]:
        """`encode_images`, and `encode_frames` of the same pictures, at the cost of one."""
        stages = self.backbone_with_fpn.backbone(self.normalise(images))
        return self.levels_and_features(stages)

    def levels_and_features(self, stages: Sequence[Tensor]) -> tuple[tuple[Tensor, ...], Tensor]:
        """`encode_images_and_features` from a backbone's stages."""
        levels, frame_levels = self.backbone_with_fpn.both_pyramids(
            stages, self.image_levels, self.frame_levels
        )
        return levels, pack_levels(frame_levels)

    def encode_frames(self, frames: Tensor) -> Tensor:
        """uint8 RGB [N, H, W, 3] to the features [N, C, height, width] of frames."""
        return self.features(self.backbone_with_fpn.backbone(self.normalise(frames)))

    def features(self, stages: Sequence[Tensor]) -> Tensor:
        """`encode_frames` from a backbone's stages, or from the first of them."""
        stages = self.backbone_with_fpn.deepen(stages)
        return pack_levels(self.backbone_with_fpn.video_pyramid(stages, self.frame_levels))

    def freeze_tables(self) -> None:
        """Keep what depends on the input size alone, for inference and export."""
        self.backbone_with_fpn.freeze_tables()

# SPDX-License-Identifier: Apache-2.0
"""The shared encoder (paper, section 3.1): backbone and feature pyramid of images and frames.

In every architecture, the features of a frame are one tensor on one grid, so that the code between
`encode_frames` and `memorize` does not depend on the pyramid levels of the frames.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional


class BackboneWithPyramid(nn.Module, ABC):
    """A backbone with a feature pyramid.

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
        """Compute the stages of images.

        Args:
            images: normalised images [B, 3, H, W].

        Returns:
            the stages, fine to coarse, each [B, C_stage, height, width].
        """

    def deepen(self, stages: Sequence[Tensor]) -> tuple[Tensor, ...]:
        """Compute all stages from the first ones, for example from those of a frozen part.

        Args:
            stages: the first stages, fine to coarse.

        Returns:
            all stages, fine to coarse.

        Raises:
            ValueError: stages are missing, and this backbone cannot compute them from the given
                ones.
        """
        if len(stages) != len(self.stages):
            raise ValueError(
                f'the number of stages is {len(stages)}; expected all {len(self.stages)}, since '
                'this backbone cannot compute the later ones from the first'
            )
        return tuple(stages)

    def first_stages(self, images: Tensor, count: int) -> tuple[Tensor, ...]:
        """Compute the first `count` stages of `backbone`, if possible without the later ones."""
        return self.backbone(images)[:count]

    def stage_parameters(self, count: int) -> Iterator[nn.Parameter]:
        """Yield the parameters of the body on which the first `count` stages depend."""
        return self.body.parameters()

    def frozen_stages(self) -> int:
        """Count the leading stages that do not depend on trainable parameters."""
        for count in range(len(self.stages), 0, -1):
            if not any(parameter.requires_grad for parameter in self.stage_parameters(count)):
                return count
        return 0

    @abstractmethod
    def pyramid(self, stages: Sequence[Tensor], levels: Sequence[str]) -> tuple[Tensor, ...]:
        """Compute pyramid levels by name, and only the branches that they need.

        Args:
            stages: stages from `backbone`.
            levels: names of pyramid levels, such as p3.

        Returns:
            features [B, C, height, width] in the order of `levels`.
        """

    def video_pyramid(self, stages: Sequence[Tensor], levels: Sequence[str]) -> tuple[Tensor, ...]:
        """Compute the pyramid levels of frames; most backbones treat them like images."""
        return self.pyramid(stages, levels)

    def both_pyramids(
        self, stages: Sequence[Tensor], image_levels: Sequence[str], video_levels: Sequence[str]
    ) -> tuple[tuple[Tensor, ...], tuple[Tensor, ...]]:
        """Compute `pyramid` and `video_pyramid` of the same images, sharing the common part."""
        names = tuple(dict.fromkeys((*image_levels, *video_levels)))
        found = dict(zip(names, self.pyramid(stages, names), strict=True))
        return tuple(found[x] for x in image_levels), tuple(found[x] for x in video_levels)

    def freeze_tables(self) -> None:
        """Precompute tables that depend only on the input size; most backbones have none."""


class Encoder(nn.Module):
    """One encoder for camera images and for demonstration frames.

    Args:
        backbone_with_fpn: backbone and pyramid.
        image_levels, frame_levels: names of the pyramid levels of images and of frames, coarse to
            fine.
        mean, std: mean and standard deviation of each colour channel, for values in 0..1.
    """

    mean: Tensor
    std: Tensor

    def __init__(
        self,
        backbone_with_fpn: BackboneWithPyramid,
        image_levels: Sequence[str],
        frame_levels: Sequence[str],
        mean: Sequence[float],
        std: Sequence[float],
    ) -> None:
        super().__init__()
        self.backbone_with_fpn = backbone_with_fpn
        self.image_levels = tuple(image_levels)
        self.frame_levels = tuple(frame_levels)
        self.register_buffer('mean', torch.tensor(mean).view(1, 3, 1, 1), persistent=False)
        self.register_buffer('std', torch.tensor(std).view(1, 3, 1, 1), persistent=False)

    def normalise(self, images: Tensor) -> Tensor:
        """Convert uint8 RGB [B, H, W, 3] to normalised [B, 3, H, W] of the encoder's type."""
        # The permutation between the two conversions keeps exporters from removing one of them.
        values = images.to(self.image_type).permute(0, 3, 1, 2).to(self.mean.dtype)
        return (values / 255 - self.mean) / self.std

    @property
    def image_type(self) -> torch.dtype:
        """Type that uint8 is converted to first; TensorRT cannot convert uint8 to bf16 at once."""
        return torch.float32 if self.mean.dtype == torch.bfloat16 else self.mean.dtype

    def encode_images(self, images: Tensor) -> tuple[Tensor, ...]:
        """Compute the image levels of the decoder, coarse to fine, from uint8 RGB [B, H, W, 3]."""
        return self.levels(self.backbone_with_fpn.backbone(self.normalise(images)))

    def levels(self, stages: Sequence[Tensor]) -> tuple[Tensor, ...]:
        """Compute the image levels from a backbone's stages, or from the first of them."""
        stages = self.backbone_with_fpn.deepen(stages)
        return self.backbone_with_fpn.pyramid(stages, self.image_levels)

    def encode_images_and_features(self, images: Tensor) -> tuple[tuple[Tensor, ...], Tensor]:
        """Compute `encode_images` and `encode_frames` of the same images in one pass."""
        stages = self.backbone_with_fpn.backbone(self.normalise(images))
        levels, frame_levels = self.backbone_with_fpn.both_pyramids(
            stages, self.image_levels, self.frame_levels
        )
        return levels, pack_levels(frame_levels)

    def encode_frames(self, frames: Tensor) -> Tensor:
        """Compute the features [N, C, height, width] of frames, uint8 RGB [N, H, W, 3]."""
        return self.features(self.backbone_with_fpn.backbone(self.normalise(frames)))

    def features(self, stages: Sequence[Tensor]) -> Tensor:
        """Compute the features of frames from a backbone's stages, or from the first of them."""
        stages = self.backbone_with_fpn.deepen(stages)
        levels = self.backbone_with_fpn.video_pyramid(stages, self.frame_levels)
        return pack_levels(levels)

    def freeze_tables(self) -> None:
        """Precompute tables that depend only on the input size, for inference and export."""
        self.backbone_with_fpn.freeze_tables()


def pack_levels(levels: Sequence[Tensor]) -> Tensor:
    """Join levels along the channels without loss.

    Args:
        levels: each [N, C, height, width], coarse to fine; the sides of each are a multiple of
            those of the first.

    Returns:
        [N, C', height, width] on the grid of the first; the positions of finer levels become
        channels.
    """
    packed = []
    for level in levels:
        scale = level.shape[-1] // levels[0].shape[-1]
        packed.append(functional.pixel_unshuffle(level, scale) if scale > 1 else level)
    return torch.cat(packed, dim=1) if len(packed) > 1 else packed[0]


def unpack_levels(packed: Tensor, scales: Sequence[int], channels: Sequence[int]) -> list[Tensor]:
    """Separate the levels that `pack_levels` joined.

    Args:
        packed: [..., C', height, width].
        scales: width of each level as a multiple of the first one's.
        channels: channels C of each level.

    Returns:
        levels, each [..., C, scale * height, scale * width].
    """
    sizes = [channel * scale**2 for channel, scale in zip(channels, scales, strict=True)]
    parts = packed.split(sizes, dim=-3)
    return [
        functional.pixel_shuffle(part, scale) if scale > 1 else part
        for part, scale in zip(parts, scales, strict=True)
    ]

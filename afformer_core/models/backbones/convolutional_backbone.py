# SPDX-License-Identifier: Apache-2.0
"""Backbones with several stages and torchvision's feature pyramid."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType

from torch import Tensor, nn
from torch.nn import functional
from torchvision.ops import FeaturePyramidNetwork

from afformer_core.models.backbones.encoder import BackboneWithPyramid
from afformer_core.models.configuration import AfformerConfiguration


class ConvolutionalBackbone(BackboneWithPyramid):
    """A convolutional network, usually with torchvision's feature pyramid.

    Args:
        body: network from images [B, 3, H, W] to a sequence or mapping of stages, fine to coarse.
        fpn: feature pyramid over those stages; None if the levels are the stages themselves.
        stages: names of those stages, fine to coarse.
        layers: layers of the body that compute each stage from the previous one; the first stage
            is computed from images. Empty for a body that computes all of its stages at once.
        projections: for each pyramid level that is used, the name of the level whose 3x3
            convolution computes it.
        frame_projections: the same for levels of frames that convolutions of their own compute
            (Table 7a), which are initialized as copies of those for images.
    """

    def __init__(
        self,
        body: nn.Module,
        fpn: FeaturePyramidNetwork | None,
        stages: Sequence[str],
        layers: Sequence[Sequence[nn.Module]],
        projections: Mapping[str, str] = MappingProxyType({}),
        frame_projections: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        super().__init__()
        self.body = body
        self.fpn = fpn or nn.Identity()
        # Tuples keep PyTorch from registering the layers a second time.
        self._layers = tuple(tuple(layer) for layer in layers)
        self._projections, self._of_frames = dict(projections), dict(frame_projections)
        self.stages = tuple(stages)
        if fpn is None:
            return
        # The optimizer state of checkpoints depends on this order of the levels.
        own = dict.fromkeys(frame_projections.values())
        copies = {name: copy.deepcopy(fpn.layer_blocks[self.stages.index(name)]) for name in own}
        finest = min(self.stages.index(level) for level in (*projections, *frame_projections))
        for index, stage in enumerate(self.stages):
            # An unused level still feeds the top-down path, but needs no output convolution.
            if stage not in projections.values():
                fpn.layer_blocks[index] = nn.Identity()
            if index < finest:
                fpn.inner_blocks[index] = nn.Identity()
        if copies:
            self.video_projections = nn.ModuleDict(copies)

    def backbone(self, images: Tensor) -> tuple[Tensor, ...]:
        """Compute all stages of images (see `BackboneWithPyramid.backbone`)."""
        stages = self.body(images)
        return tuple(stages.values() if isinstance(stages, dict) else stages)

    def deepen(self, stages: Sequence[Tensor]) -> tuple[Tensor, ...]:
        """Compute the remaining stages from the first ones (see `BackboneWithPyramid.deepen`)."""
        if not self._layers:
            return super().deepen(stages)
        deepened = list(stages)
        for layers in self._layers[len(stages) :]:
            deepened.append(_passed(deepened[-1], layers))
        return tuple(deepened)

    def first_stages(self, images: Tensor, count: int) -> tuple[Tensor, ...]:
        """Compute only the first stages (see `BackboneWithPyramid.first_stages`)."""
        if not self._layers:
            return super().first_stages(images, count)
        stages = [_passed(images, self._layers[0])]
        for layers in self._layers[1:count]:
            stages.append(_passed(stages[-1], layers))
        return tuple(stages)

    def stage_parameters(self, count: int) -> Iterator[nn.Parameter]:
        """Yield parameters of the first stages (see `BackboneWithPyramid.stage_parameters`)."""
        if not self._layers:
            yield from super().stage_parameters(count)
        for layers in self._layers[:count]:
            for layer in layers:
                yield from layer.parameters()

    def pyramid(self, stages: Sequence[Tensor], levels: Sequence[str]) -> tuple[Tensor, ...]:
        """Compute pyramid levels by name (see `BackboneWithPyramid.pyramid`)."""
        if not isinstance(self.fpn, FeaturePyramidNetwork):
            return tuple(stages[self.stages.index(level)] for level in levels)
        return tuple(
            self.fpn.layer_blocks[self.stages.index(self._projections[level])](merged)
            for level, merged in zip(levels, self._merged(stages, levels), strict=True)
        )

    def video_pyramid(self, stages: Sequence[Tensor], levels: Sequence[str]) -> tuple[Tensor, ...]:
        """Compute the pyramid levels of frames (see `BackboneWithPyramid.video_pyramid`)."""
        if not self._of_frames:
            return self.pyramid(stages, levels)
        return tuple(
            self.video_projections[self._of_frames[level]](merged)
            for level, merged in zip(levels, self._merged(stages, levels), strict=True)
        )

    def both_pyramids(
        self, stages: Sequence[Tensor], image_levels: Sequence[str], video_levels: Sequence[str]
    ) -> tuple[tuple[Tensor, ...], tuple[Tensor, ...]]:
        """Compute the levels of images and of frames (see `BackboneWithPyramid.both_pyramids`).

        With separate convolutions, the shared part before them is computed twice, which is cheap.
        """
        if not self._of_frames:
            return super().both_pyramids(stages, image_levels, video_levels)
        return self.pyramid(stages, image_levels), self.video_pyramid(stages, video_levels)

    def _merged(self, stages: Sequence[Tensor], levels: Sequence[str]) -> tuple[Tensor, ...]:
        """Compute levels up to their last convolution: stages plus upsampled coarser levels."""
        assert isinstance(self.fpn, FeaturePyramidNetwork)
        expected = [self.stages.index(level) for level in levels]
        merged = self.fpn.inner_blocks[-1](stages[-1])
        found = {len(stages) - 1: merged}
        for index in range(len(stages) - 2, min(expected) - 1, -1):
            lateral = self.fpn.inner_blocks[index](stages[index])
            size = lateral.shape[-2:]
            merged = lateral + functional.interpolate(merged, size=size, mode='nearest')
            found[index] = merged
        return tuple(found[index] for index in expected)


def backbone_with_fpn(
    configuration: AfformerConfiguration,
    body: nn.Module,
    fpn: FeaturePyramidNetwork,
    stages: Sequence[str],
    layers: Sequence[Sequence[nn.Module]],
    levels: Sequence[str],
) -> ConvolutionalBackbone:
    """Build the backbone of a configuration from a body.

    Args:
        configuration: the architecture.
        body, fpn, stages, layers: as for `ConvolutionalBackbone`.
        levels: names of the pyramid levels that the encoder must provide.
    """

    def projections(names: Sequence[str]) -> dict[str, str]:
        shared = configuration.input_projection == 'shared'
        return {name: min(names) if shared else name for name in names}

    if configuration.video_projection == 'separate':
        images, frames = configuration.image_levels, configuration.frame_levels
        return ConvolutionalBackbone(
            body, fpn, stages, layers, projections(images), projections(frames)
        )
    return ConvolutionalBackbone(body, fpn, stages, layers, projections(levels))


def _passed(x: Tensor, layers: Sequence[nn.Module]) -> Tensor:
    for layer in layers:
        x = layer(x)
    return x

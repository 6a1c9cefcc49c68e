# SPDX-License-Identifier: Apache-2.0
"""Afformer: encoder, fine-grained decoder and heads, as three pure functions of tensors."""

from __future__ import annotations

from torch import Tensor, nn

from afformer_core.models.configuration import AfformerConfiguration
from afformer_core.models.decoder import FineGrainedDecoder, VideoMemory
from afformer_core.models.encoder import build_encoder
from afformer_core.models.predictor import FocusedPredictor, Predictor
from afformer_core.models.widening import widened

_STRIDES = {'p2': 4, 'p3': 8, 'p4': 16}


class Afformer(nn.Module):
    """Video-to-image affordance grounding (paper, section 3).

    `encode_frames` and `memorize` run once for a demonstration, `ground` once for an image.

    Args:
        configuration: the architecture.
    """

    def __init__(self, configuration: AfformerConfiguration) -> None:
        super().__init__()
        self.configuration = configuration
        self.encoder = build_encoder(configuration)
        self.decoder = FineGrainedDecoder(
            configuration.channels,
            configuration.heads,
            len(configuration.image_levels),
            (configuration.input_size[0] // 4, configuration.input_size[1] // 4),
            configuration.maximum_frames,
        )
        predictor = {'mean': Predictor, 'heatmap': FocusedPredictor}[configuration.action_pooling]
        self.predictor = predictor(
            configuration.channels, configuration.heatmaps, len(configuration.action_names)
        )
        self._initialise()

    def encode_frames(self, frames: Tensor) -> Tensor:
        """Features of demonstration frames.

        Args:
            frames: uint8 RGB [N, H, W, 3] at the input size.

        Returns:
            p3 features [N, C, H / 8, W / 8].
        """
        return widened(self.encoder.encode_frames(frames))

    def memorize(self, features: Tensor, lengths: Tensor | None = None) -> VideoMemory:
        """Memory of a batch of demonstrations.

        Args:
            features: [B, T, C, H / 8, W / 8] from `encode_frames`, padded at the end.
            lengths: [B] integers from 1 to T, or None when every frame exists.
        """
        return self.decoder.memorize(features.to(self.encoder.mean.dtype), lengths)

    def ground(self, images: Tensor, memory: VideoMemory) -> tuple[Tensor, Tensor]:
        """Ground memorized demonstrations in images, one for each.

        Args:
            images: uint8 RGB [B, H, W, 3] at the input size.
            memory: of B demonstrations.

        Returns:
            heatmap logits [B, heatmaps, H, W] (softmax over the pixels gives probabilities) and
            action logits [B, actions].
        """
        return self.ground_levels(self.encoder.encode_images(images), memory)

    def ground_with_features(
        self, images: Tensor, memory: VideoMemory
    ) -> tuple[Tensor, Tensor, Tensor]:
        """`ground`, and the features of the images as `encode_frames` gives them."""
        levels, features = self.encoder.encode_images_and_features(images)
        return (*self.ground_levels(levels, memory), widened(features))

    def ground_levels(
        self, levels: tuple[Tensor, ...], memory: VideoMemory
    ) -> tuple[Tensor, Tensor]:
        """`ground` from already encoded image levels, coarse to fine, each [B, C, h, w]."""
        height, width = levels[0].shape[-2:]
        stride = _STRIDES[self.configuration.image_levels[0]]
        decoded = self.decoder(levels, memory)
        return self.predictor(widened(decoded), (height * stride, width * stride))

    def forward(
        self, images: Tensor, frames: Tensor, lengths: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """Everything at once, as in training.

        Args:
            images: uint8 RGB [B, H, W, 3].
            frames: uint8 RGB [B, T, H, W, 3], padded at the end.
            lengths: [B] integers from 1 to T, or None when every frame exists.

        Returns:
            as `ground`.
        """
        features = self.encode_frames(frames.flatten(0, 1)).unflatten(0, frames.shape[:2])
        return self.ground(images, self.memorize(features, lengths))

    def freeze_tables(self) -> None:
        """Keep the relative vectors of the configured input size, for inference and export."""
        height, width = self.configuration.input_size
        strides = [_STRIDES[level] for level in self.configuration.image_levels]
        sizes = [(height // stride, width // stride) for stride in strides]
        self.decoder.freeze_tables(sizes, self.configuration.feature_size)

    def _initialise(self) -> None:
        for module in (*self.decoder.modules(), *self.predictor.modules()):
            if isinstance(module, nn.Linear):
                nn.init.trunc_normal_(module.weight, std=0.02)
                nn.init.zeros_(module.bias)

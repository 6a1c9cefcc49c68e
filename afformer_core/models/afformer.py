# SPDX-License-Identifier: Apache-2.0
"""The Afformer network: encoder, fine-grained decoder and heads, as pure functions of tensors."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from torch import Tensor, nn

from afformer_core.models.backbone_levels import is_plain_vit
from afformer_core.models.backbones.convolutional_encoder import convolutional_encoder
from afformer_core.models.backbones.encoder import Encoder
from afformer_core.models.configuration import AfformerConfiguration
from afformer_core.models.decoders.decoder import CrossAttentionDecoder, FineGrainedDecoder
from afformer_core.models.decoders.earlier_methods import (
    DeconvolutionDecoder,
    Demo2VecDecoder,
    Img2heatmapDecoder,
)
from afformer_core.models.decoders.memory import Decoder, VideoMemory
from afformer_core.models.decoders.predictor import (
    ActionlessPredictor,
    FocusedPredictor,
    FramewisePredictor,
    Predictor,
)
from afformer_core.models.layers.numerics import widened


class Afformer(nn.Module):
    """Video-to-image affordance grounding (paper, section 3).

    `encode_frames` and `memorize` run once for a demonstration, `ground` once for an image.

    Args:
        configuration: the architecture.
    """

    def __init__(self, configuration: AfformerConfiguration) -> None:
        super().__init__()
        self.configuration = configuration
        image, video = set(configuration.image_levels), set(configuration.frame_levels)
        separate = configuration.video_encoder == 'separate'
        self.encoder = build_encoder(configuration, sorted(image if separate else image | video))
        self.own_video_encoder = build_encoder(configuration, sorted(video)) if separate else None
        self.decoder = build_decoder(configuration)
        self.predictor = build_predictor(configuration)
        self._heatmap_size = configuration.heatmap_size
        for module in (*self.decoder.modules(), *self.predictor.modules()):
            if isinstance(module, nn.Linear):
                nn.init.trunc_normal_(module.weight, std=0.02)
                if module.bias is not None:
                    nn.init.zeros_(module.bias)

    @property
    def video_encoder(self) -> Encoder:
        """The encoder of frames, which is that of images unless frames have a separate one."""
        return self.own_video_encoder or self.encoder

    @property
    def encoders(self) -> tuple[Encoder, ...]:
        """The encoder of images and, if it is separate, the encoder of frames."""
        return tuple({self.encoder: None, self.video_encoder: None})

    def encode_frames(self, frames: Tensor) -> Tensor:
        """Compute the features of demonstration frames.

        Args:
            frames: uint8 RGB [N, H, W, 3] at the input size.

        Returns:
            features [N, C, height, width]; C is the configuration's `feature_channels` and
            (height, width) its `feature_size`, which is (H / 8, W / 8) for the released ResNet-50
            model.
        """
        return widened(self.video_encoder.encode_frames(frames))

    def memorize(self, features: Tensor, lengths: Tensor | None = None) -> VideoMemory:
        """Compute the memory of a batch of demonstrations.

        Args:
            features: [B, T, ...] from `encode_frames`, padded at the end.
            lengths: [B] integers from 1 to T, or None when every frame exists.
        """
        return self.decoder.memorize(features.to(self.encoder.mean.dtype), lengths)

    def ground(self, images: Tensor, memory: VideoMemory) -> tuple[Tensor, Tensor]:
        """Ground memorized demonstrations in images, with the same number for each demonstration.

        Args:
            images: uint8 RGB [B * K, H, W, 3] at the input size; the K images of a demonstration
                are consecutive.
            memory: memory from `memorize`, of B demonstrations.

        Returns:
            heatmap logits [B * K, heatmaps, *heatmap_size] (softmax over the pixels gives
            probabilities) and action logits [B * K, actions].
        """
        return self.ground_levels(self.encoder.encode_images(images), memory)

    def encode_images(self, images: Tensor) -> tuple[tuple[Tensor, ...], Tensor]:
        """Compute the image levels, and the features of the images as `encode_frames` would.

        Args:
            images: uint8 RGB [N, H, W, 3] at the input size.

        Returns:
            the levels for `ground_levels`, coarse to fine, each [N, C, height, width], and the
            features [N, C', height', width'].
        """
        if self.own_video_encoder is None:
            levels, features = self.encoder.encode_images_and_features(images)
        else:
            levels = self.encoder.encode_images(images)
            features = self.own_video_encoder.encode_frames(images)
        return levels, widened(features)

    def ground_levels(
        self, levels: tuple[Tensor, ...], memory: VideoMemory
    ) -> tuple[Tensor, Tensor]:
        """Ground demonstrations in images that are already encoded.

        Args:
            levels: levels from the encoder, coarse to fine, each [B * K, C, height, width].
            memory: as for `ground`.

        Returns:
            as `ground`.
        """
        decoded = self.decoder(levels, memory)
        return self.predictor(widened(decoded), self._heatmap_size, memory)

    def forward(
        self, images: Tensor, frames: Tensor, lengths: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """Encode, memorize and ground at once, as in training.

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
        """Precompute tables that depend only on the input size, for inference and export."""
        for encoder in self.encoders:
            encoder.freeze_tables()
        configuration = self.configuration
        self.decoder.freeze_tables(configuration.level_sizes, configuration.memory_sizes)


def build_encoder(configuration: AfformerConfiguration, levels: Sequence[str]) -> Encoder:
    """Build the encoder of a configuration, with random weights.

    Args:
        configuration: the architecture.
        levels: names of the pyramid levels that the encoder must provide.
    """
    if is_plain_vit(configuration):
        # timm takes seconds to import, and only some backbones need it.
        from afformer_core.models.backbones.vitdet_encoder import timm_vit_encoder, vitdet_encoder

        build = vitdet_encoder if configuration.backbone == 'vitdet_b' else timm_vit_encoder
        return build(configuration, levels)
    return convolutional_encoder(configuration, levels)


def build_decoder(configuration: AfformerConfiguration) -> Decoder:
    """Build the decoder of a configuration, with random weights."""
    decoders: dict[str, Callable[[AfformerConfiguration], Decoder]] = {
        'fine_grained': FineGrainedDecoder,
        'cross_attention': CrossAttentionDecoder,
        'deconvolution': DeconvolutionDecoder,
        'lstm': Demo2VecDecoder,
        'conv_lstm': Demo2VecDecoder,
        'attended_conv_lstm': Demo2VecDecoder,
        'image_only': Img2heatmapDecoder,
    }
    return decoders[configuration.decoder](configuration)


def build_predictor(configuration: AfformerConfiguration) -> Predictor:
    """Build the heads of a configuration, with random weights."""
    shape = configuration.channels, configuration.heatmaps, len(configuration.action_names)
    if not configuration.action_names:
        return ActionlessPredictor(*shape[:2])
    if configuration.action_pooling == 'frames':
        return FramewisePredictor(*shape, configuration.heads)
    return (FocusedPredictor if configuration.action_pooling == 'heatmap' else Predictor)(*shape)

# SPDX-License-Identifier: Apache-2.0
"""What a step sees: demonstrations with their target images, as pictures or as features."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from torch import Tensor
from typing_extensions import Self

from afformer_core.models.afformer import Afformer
from afformer_core.training.truth import Truth


@dataclass(frozen=True)
class Batch(ABC):
    """D demonstrations with K target images each, those that show another object included.

    Attributes:
        truth: of the images.
        samples: index in the dataset of each image's sample, D * K in all.
    """

    truth: Truth
    samples: tuple[int, ...]

    @abstractmethod
    def predict(self, model: Afformer) -> tuple[Tensor, Tensor]:
        """Heatmap logits [D * K, heatmaps, H, W] and action logits [D * K, actions]."""

    @abstractmethod
    def moved(self, move: Callable[[Tensor], Tensor]) -> Self:
        """The same with every tensor moved."""

    def to(self, device: torch.device, non_blocking: bool = False) -> Self:
        """The same on a device."""
        return self.moved(lambda tensor: tensor.to(device, non_blocking=non_blocking))

    def pin_memory(self) -> Self:
        """The same in memory that a GPU can read."""
        return self.moved(lambda tensor: tensor.pin_memory())

    def __len__(self) -> int:
        return len(self.samples)


@dataclass(frozen=True)
class PictureBatch(Batch):
    """Demonstrations and images as pictures.

    Attributes:
        frames: uint8 RGB [D, T, H, W, 3], padded at the end.
        lengths: [D] frames of each demonstration, 1 to T.
        images: uint8 RGB [D * K, H, W, 3]; those of one demonstration stand together.
    """

    frames: Tensor
    lengths: Tensor
    images: Tensor

    def predict(self, model: Afformer) -> tuple[Tensor, Tensor]:
        """See `Batch.predict`; frames that only pad are not encoded."""
        demonstrations, frames = self.frames.shape[:2]
        places = torch.arange(frames, device=self.lengths.device)
        exists = (places < self.lengths[:, None]).flatten()
        encoded = model.encode_frames(self.frames.flatten(0, 1)[exists])
        features = encoded.new_zeros((len(exists), *encoded.shape[1:]))
        features = features.masked_scatter(exists[:, None, None, None], encoded)
        features = features.unflatten(0, (demonstrations, frames))
        lengths = None if bool(exists.all()) else self.lengths
        memory = model.memorize(features, lengths)
        return model.ground(self.images, memory)

    def moved(self, move: Callable[[Tensor], Tensor]) -> Self:
        """See `Batch.moved`."""
        return replace(
            self,
            truth=self.truth.moved(move),
            frames=move(self.frames),
            lengths=move(self.lengths),
            images=move(self.images),
        )


@dataclass(frozen=True)
class FeatureBatch(Batch):
    """Demonstrations and images as a frozen backbone sees them.

    Attributes:
        videos: backbone stages, fine to coarse, each float16 [D, T, C, h, w].
        images: backbone stages, each float16 [D * K, C, h, w]; those of one demonstration stand
            together.
    """

    videos: tuple[Tensor, ...]
    images: tuple[Tensor, ...]

    def predict(self, model: Afformer) -> tuple[Tensor, Tensor]:
        """See `Batch.predict`."""
        demonstrations, frames = self.videos[0].shape[:2]
        stages = [stage.flatten(0, 1).float() for stage in self.videos]
        features = model.video_encoder.features(stages).unflatten(0, (demonstrations, frames))
        memory = model.memorize(features)
        levels = model.encoder.levels([stage.float() for stage in self.images])
        return model.ground_levels(levels, memory)

    def moved(self, move: Callable[[Tensor], Tensor]) -> Self:
        """See `Batch.moved`."""
        return replace(
            self,
            truth=self.truth.moved(move),
            videos=tuple(move(stage) for stage in self.videos),
            images=tuple(move(stage) for stage in self.images),
        )


@dataclass(frozen=True)
class MixedBatch(Batch):
    """Demonstrations as a frozen backbone sees them, and images as pictures, which it has to pass.

    Attributes:
        videos: backbone stages, fine to coarse, each float16 [D, T, C, h, w], padded at the end.
        lengths: [D] frames of each demonstration, 1 to T.
        images: uint8 RGB [D * K, H, W, 3]; those of one demonstration stand together.
    """

    videos: tuple[Tensor, ...]
    lengths: Tensor
    images: Tensor

    def predict(self, model: Afformer) -> tuple[Tensor, Tensor]:
        """See `Batch.predict`."""
        demonstrations, frames = self.videos[0].shape[:2]
        stages = [stage.flatten(0, 1).float() for stage in self.videos]
        features = model.video_encoder.features(stages).unflatten(0, (demonstrations, frames))
        whole = bool((self.lengths == frames).all())
        memory = model.memorize(features, None if whole else self.lengths)
        return model.ground(self.images, memory)

    def moved(self, move: Callable[[Tensor], Tensor]) -> Self:
        """See `Batch.moved`."""
        return replace(
            self,
            truth=self.truth.moved(move),
            videos=tuple(move(stage) for stage in self.videos),
            lengths=move(self.lengths),
            images=move(self.images),
        )


@dataclass(frozen=True)
class FailedBatch:
    """A batch that could not be read; workers cannot hand on an error as a single sentence.

    Attributes:
        reason: one sentence.
    """

    reason: str

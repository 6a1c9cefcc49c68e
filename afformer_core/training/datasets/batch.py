# SPDX-License-Identifier: Apache-2.0
"""Batches: demonstrations with their target images, as images or as features."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import torch
from torch import Tensor
from typing_extensions import Self

from afformer_core.models.afformer import Afformer
from afformer_core.training.datasets.supervision import Supervision


def copied_to(tensor: Tensor, device: torch.device) -> Tensor:
    """A tensor on a device; a copy to a GPU goes on while the host does something else."""
    return tensor.to(device, non_blocking=device.type == 'cuda')


@dataclass(frozen=True)
class Batch(ABC):
    """D demonstrations with K target images each, those that show another object included.

    Attributes:
        supervision: of the images.
        samples: index in the dataset of each image's sample, D * K in all.
    """

    supervision: Supervision
    samples: tuple[int, ...]

    @abstractmethod
    def predict(self, model: Afformer) -> tuple[Tensor, Tensor]:
        """Heatmap logits [D * K, heatmaps, H, W] and action logits [D * K, actions]."""

    @abstractmethod
    def moved(self, move: Callable[[Tensor], Tensor]) -> Self:
        """The same with every tensor moved."""

    def to(self, device: torch.device) -> Self:
        """The same on a device; a copy to a GPU is not waited for."""
        return self.moved(partial(copied_to, device=device))

    def pin_memory(self) -> Self:
        """The same in memory that a GPU can read."""
        return self.moved(lambda tensor: tensor.pin_memory())

    def __len__(self) -> int:
        return len(self.samples)


@dataclass(frozen=True)
class ImageBatch(Batch):
    """Demonstrations and images as images.

    Attributes:
        frames: uint8 RGB [D, T, H, W, 3], padded at the end.
        lengths: [D] frames of each demonstration, 1 to T; always on the host, which decides by
            them what is computed.
        images: uint8 RGB [D * K, H, W, 3]; those of one demonstration stand together.
    """

    frames: Tensor
    lengths: Tensor
    images: Tensor

    def predict(self, model: Afformer) -> tuple[Tensor, Tensor]:
        """See `Batch.predict`; frames that only pad are not encoded."""
        frames = self.frames.flatten(0, 1)
        lengths = _lengths_if_padded(self.lengths, self.frames)
        if lengths is None:
            features = model.encode_frames(frames)
        else:
            exists = torch.arange(self.frames.shape[1]) < self.lengths[:, None]
            places = copied_to(exists.flatten().nonzero()[:, 0], frames.device)
            encoded = model.encode_frames(frames[places])
            features = encoded.new_zeros((len(frames), *encoded.shape[1:]))
            features = features.index_copy(0, places, encoded)
        memory = model.memorize(features.unflatten(0, self.frames.shape[:2]), lengths)
        return model.ground(self.images, memory)

    def moved(self, move: Callable[[Tensor], Tensor]) -> Self:
        """See `Batch.moved`."""
        return replace(
            self,
            supervision=self.supervision.moved(move),
            frames=move(self.frames),
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
            supervision=self.supervision.moved(move),
            videos=tuple(move(stage) for stage in self.videos),
            images=tuple(move(stage) for stage in self.images),
        )


@dataclass(frozen=True)
class MixedBatch(Batch):
    """Demonstrations as a frozen backbone sees them, and images as images, which it has to pass.

    Attributes:
        videos: backbone stages, fine to coarse, each float16 [D, T, C, h, w], padded at the end.
        lengths: see `ImageBatch`.
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
        memory = model.memorize(features, _lengths_if_padded(self.lengths, self.videos[0]))
        return model.ground(self.images, memory)

    def moved(self, move: Callable[[Tensor], Tensor]) -> Self:
        """See `Batch.moved`."""
        return replace(
            self,
            supervision=self.supervision.moved(move),
            videos=tuple(move(stage) for stage in self.videos),
            images=move(self.images),
        )


def _lengths_if_padded(lengths: Tensor, videos: Tensor) -> Tensor | None:
    """Lengths [D] of demonstrations [D, T, ...] on their device; None where nothing is padded."""
    if bool((lengths == videos.shape[1]).all()):
        return None
    return copied_to(lengths, videos.device)


@dataclass(frozen=True)
class FailedBatch:
    """A batch that could not be read; workers cannot hand on an error as a single sentence.

    Attributes:
        reason: one sentence.
    """

    reason: str

# SPDX-License-Identifier: Apache-2.0
"""Batches: demonstrations with their target images, as images or as features, and supervision."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from typing import Any

import torch
from torch import Tensor
from typing_extensions import Self

from afformer_core.models.afformer import Afformer
from afformer_core.models.decoders.memory import VideoMemory
from afformer_core.offline.data.heatmaps import blurred_maps, coverage, target_heatmaps
from afformer_core.offline.training.contact.contact_loss import ContactTargets
from afformer_core.offline.training.losses import Targets


class Supervision(ABC):
    """The annotations of a batch's images, as small tensors that move with the batch."""

    @abstractmethod
    def targets(self, size: tuple[int, int]) -> Targets:
        """Compute the targets at a size (height, width), on the device of the tensors."""

    @abstractmethod
    def moved(self, move: Callable[[Tensor], Tensor]) -> Self:
        """Apply a function to every tensor."""


@dataclass(frozen=True)
class PointSupervision(Supervision):
    """The points of a batch, a row for each image and action.

    Attributes:
        points: float64 [R, P, 2], (x, y) as shares of the image's width and height; NaN marks
            padding. An image without any point is a negative.
        actions: [R] indices.
        images: [R] index of the image in the batch.
        negative: whether there is a negative; None: determined from the points, which should then
            be on the host.
    """

    points: Tensor
    actions: Tensor
    images: Tensor
    negative: bool | None = None

    def __post_init__(self) -> None:
        _find_negative(self, self.points)

    def targets(self, size: tuple[int, int]) -> Targets:
        """Compute the targets at a size (see `Supervision.targets`)."""
        scale = self.points.new_tensor((size[1], size[0]))
        heatmaps = target_heatmaps(self.points * scale, size)
        # A row without points has a uniform heatmap.
        return Targets(
            heatmaps, self.actions, self.images, _shown(self.points), bool(self.negative)
        )

    def moved(self, move: Callable[[Tensor], Tensor]) -> PointSupervision:
        """Apply a function to every tensor (see `Supervision.moved`)."""
        points, actions, images = (
            move(tensor) for tensor in (self.points, self.actions, self.images)
        )
        return PointSupervision(points, actions, images, self.negative)


@dataclass(frozen=True)
class BoxSupervision(Supervision):
    """The boxes of interacting hands in each image of a batch (paper, section 4.3).

    Attributes:
        corners: float32 [B, N, 4, 2], (x, y) of the corners of N boxes, clockwise in the image, as
            shares of the image's width and height; they may be distorted by perspective. NaN marks
            padding.
        negative: see `PointSupervision`; a negative has no box.
    """

    corners: Tensor
    negative: bool | None = None

    def __post_init__(self) -> None:
        _find_negative(self, self.corners)

    def targets(self, size: tuple[int, int]) -> Targets:
        """Compute the targets at a size; all boxes of an image together are its blurred target."""
        scale = self.corners.new_tensor((size[1], size[0]))
        # The maximum instead of the sum, because the overlap of two hands is not more probable.
        inside = coverage(self.corners * scale, size).amax(dim=1)
        images = torch.arange(len(inside), device=inside.device)
        heatmaps, actions = blurred_maps(inside), torch.zeros_like(images)
        return Targets(heatmaps, actions, images, _shown(self.corners), bool(self.negative))

    def moved(self, move: Callable[[Tensor], Tensor]) -> BoxSupervision:
        """Apply a function to every tensor (see `Supervision.moved`)."""
        return BoxSupervision(move(self.corners), self.negative)


def _shown(positions: Tensor) -> Tensor:
    """Compute a mask [R] of the rows of `positions` [R, ...] that are not all padding."""
    return ~positions.isnan().flatten(1).all(dim=1)


def _find_negative(supervision: PointSupervision | BoxSupervision, positions: Tensor) -> None:
    if supervision.negative is None:
        object.__setattr__(supervision, 'negative', not bool(_shown(positions).all()))


def copied_to(tensor: Tensor, device: torch.device) -> Tensor:
    """Copy a tensor to a device, without waiting for a copy to a GPU."""
    return tensor.to(device, non_blocking=device.type == 'cuda')


@dataclass(frozen=True)
class Batch(ABC):
    """D demonstrations with K target images each, negatives included.

    Attributes:
        supervision: targets of the images.
        samples: index in the dataset of each image's sample, D * K in all.
    """

    supervision: Supervision
    samples: tuple[int, ...]

    def predict(self, model: Afformer) -> tuple[Tensor, Tensor]:
        """Compute heatmap logits [D * K, heatmaps, H, W] and action logits [D * K, actions]."""
        return self.ground(model, self.memorize(model))

    @abstractmethod
    def memorize(self, model: Afformer) -> VideoMemory:
        """Compute the memory of the D demonstrations."""

    @abstractmethod
    def ground(self, model: Afformer, memory: VideoMemory) -> tuple[Tensor, Tensor]:
        """Compute the logits of the images (see `predict`) against a memory."""

    def moved(self, move: Callable[[Tensor], Tensor]) -> Self:
        """Move every tensor but `lengths`, which stay on the host."""
        moved = {
            field.name: _moved(getattr(self, field.name), move)
            for field in fields(self)
            if field.name not in ('samples', 'lengths')
        }
        return replace(self, **moved)

    def to(self, device: torch.device) -> Self:
        """Copy the batch to a device, without waiting for a copy to a GPU."""
        return self.moved(lambda tensor: copied_to(tensor, device))

    def pin_memory(self) -> Self:
        """Copy the batch to memory that a GPU can read."""
        return self.moved(lambda tensor: tensor.pin_memory())

    def __len__(self) -> int:
        return len(self.samples)


@dataclass(frozen=True)
class ImageBatch(Batch):
    """A batch of frames and images.

    Attributes:
        frames: uint8 RGB [D, T, H, W, 3], padded at the end.
        lengths: number of frames of each demonstration, [D], 1 to T; always on the host, where it
            determines the computation.
        images: uint8 RGB [D * K, H, W, 3]; those of one demonstration are consecutive.
    """

    frames: Tensor
    lengths: Tensor
    images: Tensor

    def memorize(self, model: Afformer) -> VideoMemory:
        """Compute the memory (see `Batch.memorize`), without encoding padding."""
        frames = self.frames.flatten(0, 1)
        lengths = _lengths_if_padded(self.lengths, self.frames)
        if lengths is None:
            features = model.encode_frames(frames)
        else:
            exists = torch.arange(self.frames.shape[1]) < self.lengths[:, None]
            positions = copied_to(exists.flatten().nonzero()[:, 0], frames.device)
            encoded = model.encode_frames(frames[positions])
            features = encoded.new_zeros((len(frames), *encoded.shape[1:]))
            features = features.index_copy(0, positions, encoded)
        return model.memorize(features.unflatten(0, self.frames.shape[:2]), lengths)

    def ground(self, model: Afformer, memory: VideoMemory) -> tuple[Tensor, Tensor]:
        """Compute the logits (see `Batch.ground`)."""
        return model.ground(self.images, memory)


@dataclass(frozen=True)
class FeatureBatch(Batch):
    """A batch of features of frames and images from a frozen backbone.

    Attributes:
        videos: backbone stages of frames, fine to coarse, each float16 [D, T, C, h, w].
        images: backbone stages of images, each float16 [D * K, C, h, w]; those of one
            demonstration are consecutive.
        contact: position and time of the contact in the demonstrations; None if unknown.
    """

    videos: tuple[Tensor, ...]
    images: tuple[Tensor, ...]
    contact: ContactTargets | None = None

    def memorize(self, model: Afformer) -> VideoMemory:
        """Compute the memory (see `Batch.memorize`)."""
        demonstrations, frames = self.videos[0].shape[:2]
        stages = [stage.flatten(0, 1).float() for stage in self.videos]
        features = model.video_encoder.features(stages).unflatten(0, (demonstrations, frames))
        return model.memorize(features)

    def ground(self, model: Afformer, memory: VideoMemory) -> tuple[Tensor, Tensor]:
        """Compute the logits (see `Batch.ground`)."""
        levels = model.encoder.levels([stage.float() for stage in self.images])
        return model.ground_levels(levels, memory)


@dataclass(frozen=True)
class MixedBatch(Batch):
    """A batch of features of frames from a frozen backbone, and of images to encode.

    Attributes:
        videos: backbone stages, fine to coarse, each float16 [D, T, C, h, w], padded at the end.
        lengths: see `ImageBatch`.
        images: uint8 RGB [D * K, H, W, 3]; those of one demonstration are consecutive.
    """

    videos: tuple[Tensor, ...]
    lengths: Tensor
    images: Tensor

    def memorize(self, model: Afformer) -> VideoMemory:
        """Compute the memory (see `Batch.memorize`)."""
        demonstrations, frames = self.videos[0].shape[:2]
        stages = [stage.flatten(0, 1).float() for stage in self.videos]
        features = model.video_encoder.features(stages).unflatten(0, (demonstrations, frames))
        return model.memorize(features, _lengths_if_padded(self.lengths, self.videos[0]))

    def ground(self, model: Afformer, memory: VideoMemory) -> tuple[Tensor, Tensor]:
        """Compute the logits (see `Batch.ground`)."""
        return model.ground(self.images, memory)


def _moved(value: Any, move: Callable[[Tensor], Tensor]) -> Any:
    """Move a tensor, a tuple of tensors, or targets; return None for None."""
    if value is None:
        return None
    if isinstance(value, Supervision | ContactTargets):
        return value.moved(move)
    return tuple(map(move, value)) if isinstance(value, tuple) else move(value)


def _lengths_if_padded(lengths: Tensor, videos: Tensor) -> Tensor | None:
    """Return lengths [D] of demonstrations [D, T, ...] on their device; None without padding."""
    if bool((lengths == videos.shape[1]).all()):
        return None
    return copied_to(lengths, videos.device)


@dataclass(frozen=True)
class FailedBatch:
    """A batch that could not be read, which transports the error from the worker.

    Attributes:
        reason: one sentence.
    """

    reason: str

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

from afformer_core.data.heatmaps import blurred_maps, coverage, target_heatmaps
from afformer_core.models.afformer import Afformer
from afformer_core.training.losses import Targets


class Supervision(ABC):
    """What a batch's images are known to show, as small tensors that travel with the batch."""

    @abstractmethod
    def targets(self, size: tuple[int, int]) -> Targets:
        """Targets of a size (height, width), made where the tensors are."""

    @abstractmethod
    def moved(self, move: Callable[[Tensor], Tensor]) -> Self:
        """The same with every tensor moved."""


@dataclass(frozen=True)
class Annotations(Supervision):
    """The points of a batch, a row for each image and action.

    Attributes:
        points: float64 [R, P, 2], (x, y) as shares of the image's width and height; NaN marks
            padding. An image without any point does not show what was demonstrated.
        actions: [R] indices.
        images: [R] index of the image in the batch.
        negative: whether there is an image that does not; None: found from the points, which then
            should be on the host.
    """

    points: Tensor
    actions: Tensor
    images: Tensor
    negative: bool | None = None

    def __post_init__(self) -> None:
        _find_negative(self, self.points)

    def targets(self, size: tuple[int, int]) -> Targets:
        """See `Supervision.targets`."""
        scale = self.points.new_tensor((size[1], size[0]))
        heatmaps = target_heatmaps(self.points * scale, size)
        # A row without any point has the uniform heatmap.
        return Targets(
            heatmaps, self.actions, self.images, _shown(self.points), bool(self.negative)
        )

    def moved(self, move: Callable[[Tensor], Tensor]) -> Annotations:
        """See `Supervision.moved`."""
        points, actions, images = (move(each) for each in (self.points, self.actions, self.images))
        return Annotations(points, actions, images, self.negative)


@dataclass(frozen=True)
class Boxes(Supervision):
    """Where hands interact in each image of a batch (paper, section 4.3).

    Attributes:
        corners: float32 [B, N, 4, 2], (x, y) of the corners of N boxes, clockwise as one sees
            them, as shares of the image's width and height; they may have been seen at a slant.
            NaN marks padding.
        negative: see `Annotations`; such an image has no box.
    """

    corners: Tensor
    negative: bool | None = None

    def __post_init__(self) -> None:
        _find_negative(self, self.corners)

    def targets(self, size: tuple[int, int]) -> Targets:
        """See `Supervision.targets`; all boxes of an image together are its blurred target."""
        scale = self.corners.new_tensor((size[1], size[0]))
        # Rather the largest than the sum: where two hands overlap is no likelier than elsewhere.
        inside = coverage(self.corners * scale, size).amax(dim=1)
        images = torch.arange(len(inside), device=inside.device)
        heatmaps, actions = blurred_maps(inside), torch.zeros_like(images)
        return Targets(heatmaps, actions, images, _shown(self.corners), bool(self.negative))

    def moved(self, move: Callable[[Tensor], Tensor]) -> Boxes:
        """See `Supervision.moved`."""
        return Boxes(move(self.corners), self.negative)


def _shown(places: Tensor) -> Tensor:
    """[R]: which rows of places [R, ...] are not all padding."""
    return ~places.isnan().flatten(1).all(dim=1)


def _find_negative(supervision: Annotations | Boxes, places: Tensor) -> None:
    if supervision.negative is None:
        object.__setattr__(supervision, 'negative', not bool(_shown(places).all()))


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

    def moved(self, move: Callable[[Tensor], Tensor]) -> Self:
        """Move every tensor but `lengths`, which stay on the host."""
        moved = {
            each.name: _moved(getattr(self, each.name), move)
            for each in fields(self)
            if each.name not in ('samples', 'lengths')
        }
        return replace(self, **moved)

    def to(self, device: torch.device) -> Self:
        """The same on a device; a copy to a GPU is not waited for."""
        return self.moved(lambda tensor: copied_to(tensor, device))

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


def _moved(value: Any, move: Callable[[Tensor], Tensor]) -> Any:
    """Move a tensor, a tuple of tensors, or a supervision."""
    if isinstance(value, Supervision):
        return value.moved(move)
    return tuple(map(move, value)) if isinstance(value, tuple) else move(value)


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

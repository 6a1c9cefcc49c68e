# SPDX-License-Identifier: Apache-2.0
"""Examples, and batches of them: demonstrations with their target images and supervision."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from functools import partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from typing_extensions import Self

from afformer_core.models.afformer import Afformer
from afformer_core.models.decoders.memory import VideoMemory
from afformer_core.offline.data.heatmaps import blurred_maps, coverage, pad_points, target_heatmaps
from afformer_core.offline.training.losses import Targets


class Movable:
    """A data class whose tensors move together."""

    def moved(self, move: Callable[[Tensor], Tensor]) -> Self:
        """Apply a function to every tensor but `lengths`, which stay on the host."""
        moved = {
            field.name: _moved(getattr(self, field.name), move)
            for field in fields(self)  # type: ignore[arg-type]
            if field.name != 'lengths'
        }
        return replace(self, **moved)  # type: ignore[type-var]

    def to(self, device: torch.device) -> Self:
        """Copy to a device, without waiting for a copy to a GPU."""
        return self.moved(partial(copied_to, device=device))

    def pin_memory(self) -> Self:
        """Copy to memory that a GPU can read."""
        return self.moved(Tensor.pin_memory)


def _moved(value: Any, move: Callable[[Tensor], Tensor]) -> Any:
    if isinstance(value, Movable):
        return value.moved(move)
    if isinstance(value, tuple):
        return tuple(_moved(part, move) for part in value)
    if isinstance(value, dict):
        return {name: _moved(part, move) for name, part in value.items()}
    return move(value) if hasattr(value, 'to') else value


def copied_to(tensor: Tensor, device: torch.device) -> Tensor:
    """Copy a tensor to a device, without waiting for a copy to a GPU."""
    return tensor.to(device, non_blocking=device.type == 'cuda')


@dataclass(frozen=True)
class ContactTargets(Movable):
    """Positions and times of the contact in D demonstrations of T frames.

    Attributes:
        points: float32 [D, T, 2], (x, y) as shares of a frame's width and height; NaN where it is
            unknown or not in view.
        in_contact: bool [D, T], whether the hand touches in a frame.
    """

    points: Tensor
    in_contact: Tensor


class Supervision(Movable, ABC):
    """The annotations of a batch's images, as small tensors that move with the batch."""

    @abstractmethod
    def targets(self, size: tuple[int, int]) -> Targets:
        """Compute the targets at a size (height, width), on the device of the tensors."""


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


def _shown(positions: Tensor) -> Tensor:
    """Compute a mask [R] of the rows of `positions` [R, ...] that are not all padding."""
    return ~positions.isnan().flatten(1).all(dim=1)


def _find_negative(supervision: PointSupervision | BoxSupervision, positions: Tensor) -> None:
    if supervision.negative is None:
        object.__setattr__(supervision, 'negative', not bool(_shown(positions).all()))


@dataclass(frozen=True)
class Batch(Movable):
    """D demonstrations with K target images each, negatives included.

    Attributes:
        supervision: targets of the images.
        samples: index in the dataset of each image's sample, D * K in all.
        videos: frames, uint8 RGB [D, T, H, W, 3], or their stages of a frozen backbone, fine to
            coarse, each float16 [D, T, C, h, w]; padded at the end.
        images: uint8 RGB [D * K, H, W, 3], or their stages, each float16 [D * K, C, h, w]; those
            of one demonstration are consecutive.
        lengths: number of frames of each demonstration, [D], 1 to T; always on the host, where it
            determines the computation. None: T.
        contact: position and time of the contact in the demonstrations; None if unknown.
    """

    supervision: Supervision
    samples: tuple[int, ...]
    videos: Tensor | tuple[Tensor, ...]
    images: Tensor | tuple[Tensor, ...]
    lengths: Tensor | None = None
    contact: ContactTargets | None = None

    def predict(self, model: Afformer) -> tuple[Tensor, Tensor]:
        """Compute heatmap logits [D * K, heatmaps, H, W] and action logits [D * K, actions]."""
        return self.ground(model, self.memorize(model))

    def memorize(self, model: Afformer) -> VideoMemory:
        """Compute the memory of the D demonstrations."""
        first = self.videos[0] if isinstance(self.videos, tuple) else self.videos
        lengths = self.lengths
        if lengths is not None and bool((lengths == first.shape[1]).all()):
            lengths = None
        if isinstance(self.videos, tuple):
            stages = [stage.flatten(0, 1).float() for stage in self.videos]
            features = model.video_encoder.features(stages)
        elif lengths is None:
            features = model.encode_frames(self.videos.flatten(0, 1))
        else:
            # Without encoding padding.
            frames = self.videos.flatten(0, 1)
            exists = torch.arange(first.shape[1]) < lengths[:, None]
            positions = copied_to(exists.flatten().nonzero()[:, 0], frames.device)
            encoded = model.encode_frames(frames[positions])
            features = encoded.new_zeros((len(frames), *encoded.shape[1:]))
            features = features.index_copy(0, positions, encoded)
        if lengths is not None:
            lengths = copied_to(lengths, first.device)
        return model.memorize(features.unflatten(0, first.shape[:2]), lengths)

    def ground(self, model: Afformer, memory: VideoMemory) -> tuple[Tensor, Tensor]:
        """Compute the logits of the images (see `predict`) against a memory."""
        if isinstance(self.images, tuple):
            levels = model.encoder.levels([stage.float() for stage in self.images])
            return model.ground_levels(levels, memory)
        return model.ground(self.images, memory)

    def __len__(self) -> int:
        return len(self.samples)


@dataclass(frozen=True)
class FailedBatch:
    """A batch that could not be read, which transports the error from the worker.

    Attributes:
        reason: one sentence.
    """

    reason: str


def shares_of(points: NDArray[np.float64], size: tuple[int, int]) -> NDArray[np.float64]:
    """Convert points to shares of an image's width and height.

    The published target truncates a point to a pixel, which would bias a model by half a pixel to
    the upper left. Measured from the image's edge, truncation gives the pixel that contains the
    point.

    Args:
        points: [P, 2] (x, y) in pixels, where centres of pixels are integers.
        size: (width, height) of the image.

    Returns:
        [P, 2]; an image reaches from 0 to 1.
    """
    return (points + 0.5) / size


@dataclass(frozen=True)
class AnnotatedPoints:
    """The annotated points of one target image.

    Attributes:
        points: for each action float64 [P, 2], (x, y) as shares of the image's width and height.
        actions: index of the action of each.
        sample: index of the sample in the dataset.
    """

    points: tuple[NDArray[np.float64], ...]
    actions: tuple[int, ...]
    sample: int

    @classmethod
    def nowhere(cls, actions: tuple[int, ...], sample: int) -> AnnotatedPoints:
        """Build the annotation of a negative image."""
        return cls((np.empty((0, 2)),) * len(actions), actions, sample)


@dataclass(frozen=True)
class ImageExample:
    """One demonstration with its target images.

    Attributes:
        windows: parts of the demonstration that the model processes separately, each uint8 RGB [T,
            H, W, 3]; with several windows there is one target.
        images: uint8 RGB [K, H, W, 3], negatives last.
        annotated: annotated points of each image.
    """

    windows: tuple[NDArray[np.uint8], ...]
    images: NDArray[np.uint8]
    annotated: tuple[AnnotatedPoints, ...]


@dataclass(frozen=True)
class FeatureExample:
    """One demonstration with its target images, as features of a frozen backbone.

    Attributes:
        video: backbone stages, fine to coarse, each float16 [T, C, h, w].
        images: backbone stages, each float16 [K, C, h, w], negatives last.
        annotated: annotated points of each image.
        contact: position of the contact in each frame of the video, float32 [T, 2] shares of its
            width and height, NaN if unknown; and whether the hand touches, bool [T]. None if
            nothing is known.
    """

    video: tuple[NDArray[np.float16], ...]
    images: tuple[NDArray[np.float16], ...]
    annotated: tuple[AnnotatedPoints, ...]
    contact: tuple[NDArray[np.float32], NDArray[np.bool_]] | None = None


@dataclass(frozen=True)
class FailedExample:
    """An example that could not be read, with the reason in one sentence."""

    reason: str


def collate_images(examples: Sequence[ImageExample]) -> Batch:
    """Collate images; each window of a demonstration becomes a demonstration with all images."""
    windows = [window for example in examples for window in example.windows]
    frames, lengths = padded_frames(windows)
    images = np.concatenate([example.images for example in examples for _ in example.windows])
    annotated = [sample for e in examples for _ in e.windows for sample in e.annotated]
    return Batch(
        _annotations(annotated),
        tuple(sample.sample for sample in annotated),
        frames,
        torch.from_numpy(images),
        lengths,
    )


def collate_features(examples: Sequence[FeatureExample]) -> Batch:
    """Collate features; all demonstrations have the same number of frames."""
    annotated = [sample for example in examples for sample in example.annotated]
    return Batch(
        _annotations(annotated),
        tuple(sample.sample for sample in annotated),
        _stacked([example.video for example in examples]),
        tuple(stage.flatten(0, 1) for stage in _stacked([e.images for e in examples])),
        contact=_contact_targets(examples),
    )


def padded_frames(demonstrations: Sequence[NDArray[np.uint8]]) -> tuple[Tensor, Tensor]:
    """Pad demonstrations, each uint8 [T, H, W, 3], at the end; return one tensor and lengths."""
    lengths = [len(demonstration) for demonstration in demonstrations]
    frames = np.zeros((len(lengths), max(lengths), *demonstrations[0].shape[1:]), np.uint8)
    for padded, demonstration in zip(frames, demonstrations, strict=True):
        padded[: len(demonstration)] = demonstration
    return torch.from_numpy(frames), torch.tensor(lengths)


def _stacked(stages: Sequence[tuple[NDArray[np.float16], ...]]) -> tuple[Tensor, ...]:
    return tuple(torch.from_numpy(np.stack(features)) for features in zip(*stages, strict=True))


def _contact_targets(examples: Sequence[FeatureExample]) -> ContactTargets | None:
    known = [example.contact for example in examples if example.contact is not None]
    if len(known) < len(examples):
        return None
    points, in_contact = zip(*known, strict=True)
    return ContactTargets(
        torch.from_numpy(np.stack(points)), torch.from_numpy(np.stack(in_contact))
    )


def _annotations(annotated: Sequence[AnnotatedPoints]) -> PointSupervision:
    points = [points for sample in annotated for points in sample.points]
    actions = [action for sample in annotated for action in sample.actions]
    images = [index for index, sample in enumerate(annotated) for _ in sample.actions]
    return PointSupervision(pad_points(points), torch.tensor(actions), torch.tensor(images))

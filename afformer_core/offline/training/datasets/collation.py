# SPDX-License-Identifier: Apache-2.0
"""Collation of examples to batches."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from afformer_core.offline.data.heatmaps import pad_points
from afformer_core.offline.training.contact.contact_loss import ContactTargets
from afformer_core.offline.training.datasets.batch import (
    FailedBatch,
    FeatureBatch,
    ImageBatch,
    PointSupervision,
)


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


def collate_images(
    examples: Sequence[ImageExample | FailedExample],
) -> ImageBatch | FailedBatch:
    """Collate images; each window of a demonstration becomes a demonstration with all images."""
    read = [example for example in examples if isinstance(example, ImageExample)]
    if len(read) < len(examples):
        return failure(examples)
    windows = [window for example in read for window in example.windows]
    frames, lengths = padded_frames(windows)
    images = np.concatenate([example.images for example in read for _ in example.windows])
    annotated = [sample for e in read for _ in e.windows for sample in e.annotated]
    return ImageBatch(
        _annotations(annotated),
        tuple(sample.sample for sample in annotated),
        frames,
        lengths,
        torch.from_numpy(images),
    )


def collate_features(
    examples: Sequence[FeatureExample | FailedExample],
) -> FeatureBatch | FailedBatch:
    """Collate features; all demonstrations have the same number of frames."""
    read = [example for example in examples if isinstance(example, FeatureExample)]
    if len(read) < len(examples):
        return failure(examples)
    annotated = [sample for example in read for sample in example.annotated]
    return FeatureBatch(
        _annotations(annotated),
        tuple(sample.sample for sample in annotated),
        _stacked([example.video for example in read]),
        tuple(stage.flatten(0, 1) for stage in _stacked([example.images for example in read])),
        _contact_targets(read),
    )


def padded_frames(demonstrations: Sequence[NDArray[np.uint8]]) -> tuple[Tensor, Tensor]:
    """Pad demonstrations, each uint8 [T, H, W, 3], at the end; return one tensor and lengths."""
    lengths = [len(demonstration) for demonstration in demonstrations]
    frames = np.zeros((len(lengths), max(lengths), *demonstrations[0].shape[1:]), np.uint8)
    for padded, demonstration in zip(frames, demonstrations, strict=True):
        padded[: len(demonstration)] = demonstration
    return torch.from_numpy(frames), torch.tensor(lengths)


def failure(examples: Sequence[object]) -> FailedBatch:
    """Return the batch of examples of which some failed, with the reason of the first failure."""
    reasons = [example.reason for example in examples if isinstance(example, FailedExample)]
    return FailedBatch(reasons[0])


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

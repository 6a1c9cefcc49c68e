# SPDX-License-Identifier: Apache-2.0
"""Examples made from mined clips during training (paper, sections 4.2 and 4.3)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.data import Dataset

from afformer_core.drawing.overlay import draw_overlay
from afformer_core.errors import AfformerError
from afformer_core.media.images import resize_to_input
from afformer_core.media.video_frames import uniform_indices
from afformer_core.offline.data.augmentation.augmentation import ImageSettings, changed_images
from afformer_core.offline.maskahand.pretraining.clip_images import ClipFrames, ClipImages
from afformer_core.offline.maskahand.pretraining.interactions import InteractionClip
from afformer_core.offline.maskahand.pretraining.synthesis import (
    SynthesisSettings,
    SyntheticImage,
    synthesize,
)
from afformer_core.offline.training.datasets.batch import (
    Batch,
    BoxSupervision,
    FailedExample,
    padded_frames,
)
from afformer_core.offline.training.datasets.samplers import Draw


@dataclass(frozen=True)
class PretrainingExample:
    """A clip as a demonstration, with target images made from it.

    Attributes:
        demonstration: uint8 RGB [T, h, w, 3] at the model's input size.
        images: uint8 RGB [K, h, w, 3], likewise.
        corners: for each image float32 [N, 4, 2] (see `SyntheticImage`).
        clip: number of the clip.
    """

    demonstration: NDArray[np.uint8]
    images: NDArray[np.uint8]
    corners: tuple[NDArray[np.float32], ...]
    clip: int


class PretrainingDataset(Dataset[PretrainingExample | FailedExample]):
    """A dataset of examples by their `Draw`; one that cannot be read is a `FailedExample`.

    Args:
        clips: clips that draws refer to.
        images: reader of the clips.
        synthesis: settings of the target images.
        targets: number of targets of each demonstration, K, each from another interaction if there
            are enough.
        video: changes of demonstrations, applied equally to all frames.
    """

    def __init__(
        self,
        clips: Sequence[InteractionClip],
        images: ClipImages,
        synthesis: SynthesisSettings,
        targets: int,
        video: ImageSettings,
    ) -> None:
        if targets < 1:
            raise ValueError(f'targets is {targets}; expected at least 1')
        self._clips = clips
        self._images = images
        self._synthesis = synthesis
        self._targets = targets
        self._video = video

    def __len__(self) -> int:
        return len(self._clips)

    def __getitem__(self, draw: Draw) -> PretrainingExample | FailedExample:
        (number,) = draw.indices
        clip = self._clips[number]
        try:
            frames = self._images.read(clip)
        except (AfformerError, OSError) as error:
            return FailedExample(str(error))
        rng = np.random.default_rng(draw.seed)
        made = [
            self._made(clip, frames, index, rng)
            for index in _drawn(len(clip.interactions), self._targets, rng)
        ]
        demonstration, _ = changed_images(frames.demonstration, self._video, rng)
        return PretrainingExample(
            demonstration,
            np.stack([resize_to_input(example.image, self._images.size) for example in made]),
            tuple(example.corners for example in made),
            number,
        )

    def _made(
        self, clip: InteractionClip, frames: ClipFrames, index: int, rng: np.random.Generator
    ) -> SyntheticImage:
        """Make a target image from one of a clip's interactions, or from the frame before it."""
        hand_free = None
        preceded = [
            (i, shown.hand_free)
            for i, shown in enumerate(clip.interactions)
            if shown.hand_free is not None
        ]
        if preceded and rng.random() < self._synthesis.hand_free_share:
            index, number = preceded[rng.integers(len(preceded))]
            hand_free = frames.hand_free[number]
        interaction, image = clip.interactions[index], frames.interactions[index]
        return synthesize(image, clip.video.size, interaction, self._synthesis, rng, hand_free)


def collate_pretraining(examples: Sequence[PretrainingExample]) -> Batch:
    """Collate examples to a batch of images whose targets are the boxes of hands."""
    frames, lengths = padded_frames([example.demonstration for example in examples])
    return Batch(
        boxes_of(examples),
        tuple(example.clip for example in examples for _ in example.corners),
        frames,
        torch.from_numpy(np.concatenate([example.images for example in examples])),
        lengths,
    )


def boxes_of(examples: Sequence[PretrainingExample]) -> BoxSupervision:
    """Collect the targets of all images of some examples."""
    corners = [box for example in examples for box in example.corners]
    padded = torch.full((len(corners), max(map(len, corners)), 4, 2), torch.nan)
    for row, boxes in zip(padded, corners, strict=True):
        row[: len(boxes)] = torch.from_numpy(boxes)
    return BoxSupervision(padded)


def _drawn(count: int, expected: int, rng: np.random.Generator) -> list[int]:
    """Draw numbers below `count`, without repetition before all are drawn."""
    order = [rng.permutation(count) for _ in range(-(-expected // count))]
    drawn: list[int] = np.concatenate(order)[:expected].tolist()
    return drawn


_FRAMES = 3
_GAP = 4
_OPACITY = 0.6
_WHITE = 255


def example_grid(examples: Sequence[PretrainingExample], side: int = 192) -> NDArray[np.uint8]:
    """Draw a row for each target image: frames of the demonstration, the image, and its target.

    Args:
        examples: examples, at least one.
        side: side of each image, in pixels.

    Returns:
        uint8 RGB [H, W, 3].
    """
    rows = []
    for example in examples:
        targets = boxes_of([example]).targets((side, side)).heatmaps.numpy()
        shown = uniform_indices(len(example.demonstration), _FRAMES)
        frames = [_resized(example.demonstration[index], side) for index in shown]
        frames += [np.full_like(frames[0], _WHITE)] * (_FRAMES - len(frames))
        for image, target in zip(example.images, targets, strict=True):
            resized = _resized(image, side)
            overlay = draw_overlay(resized, target, (), '', _OPACITY)
            rows.append(_joined([*frames, resized, overlay], axis=1))
    return _joined(rows, axis=0)


def _resized(image: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    return np.asarray(cv2.resize(image, (side, side), interpolation=cv2.INTER_AREA), np.uint8)


def _joined(images: Sequence[NDArray[np.uint8]], axis: int) -> NDArray[np.uint8]:
    """Join images along an axis, with white between them."""
    shape = list(images[0].shape)
    shape[axis] = _GAP
    gap = np.full(shape, _WHITE, np.uint8)
    parts = [part for image in images for part in (gap, image)]
    return np.concatenate(parts[1:], axis=axis)

# SPDX-License-Identifier: Apache-2.0
"""Batches of a hand detector's training."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from afformer_core.hands.hand import CONTACT, NO_CONTACT, image_tensor
from afformer_core.offline.training.datasets.batch import FailedBatch, copied_to
from afformer_core.offline.training.datasets.collation import FailedExample


@dataclass(frozen=True)
class HandExample:
    """An image and the hands in it.

    Attributes:
        frames: uint8 RGB [T, H, W, 3], a single image or a stack of frames.
        boxes: float64 [N, 4], (left, top, right, bottom) in pixels, of their edges.
        contacts: bool [N].
        contact_points: points of contact, float64 [N, 2], (x, y) in pixels; NaN where unknown.
        sample: index in the dataset.
    """

    frames: NDArray[np.uint8]
    boxes: NDArray[np.float64]
    contacts: NDArray[np.bool_]
    contact_points: NDArray[np.float64]
    sample: int


@dataclass(frozen=True)
class HandBatch:
    """Images, each of its own size.

    Attributes:
        images: each uint8 RGB [3 T, H, W] (see `image_tensor`).
        targets: for each image, `boxes` float [N, 4] and `labels` [N], as for torchvision's
            detectors, and `contact_points` float [N, 2].
        samples: index in the dataset of each image.
    """

    images: tuple[Tensor, ...]
    targets: tuple[dict[str, Tensor], ...]
    samples: tuple[int, ...]

    def moved(self, move: Callable[[Tensor], Tensor]) -> HandBatch:
        """Apply a function to every tensor."""
        targets = tuple({name: move(x) for name, x in target.items()} for target in self.targets)
        return replace(self, images=tuple(map(move, self.images)), targets=targets)

    def to(self, device: torch.device) -> HandBatch:
        """Copy the batch to a device, without waiting for a copy to a GPU."""
        return self.moved(partial(copied_to, device=device))

    def pin_memory(self) -> HandBatch:
        """Copy the batch to memory that a GPU can read."""
        return self.moved(lambda tensor: tensor.pin_memory())

    def __len__(self) -> int:
        return len(self.images)


def collate_hands(
    examples: Sequence[HandExample | FailedExample],
) -> HandBatch | FailedBatch:
    """Collate examples; the batch is a `FailedBatch` if an image cannot be read."""
    read = []
    for example in examples:
        if isinstance(example, FailedExample):
            return FailedBatch(example.reason)
        read.append(example)
    return HandBatch(
        tuple(image_tensor(example.frames) for example in read),
        tuple(_target(example) for example in read),
        tuple(example.sample for example in read),
    )


def _target(example: HandExample) -> dict[str, Tensor]:
    return {
        'boxes': torch.from_numpy(example.boxes).float(),
        'labels': torch.where(torch.from_numpy(example.contacts), CONTACT, NO_CONTACT),
        'contact_points': torch.from_numpy(example.contact_points).float(),
    }

# SPDX-License-Identifier: Apache-2.0
"""Frames of a video on the device of its detector, each copied once."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from afformer_core.hands.frame_stack import require_one_size
from afformer_core.hands.hand import frame_tensor
from afformer_core.media.video import VideoFrame


class FrameOnDevice:
    """A frame that is copied to the device at its first use.

    Args:
        frame: frame of a video.
        device: device of the detector.

    Attributes:
        time: time of the frame, seconds.
    """

    def __init__(self, frame: VideoFrame, device: torch.device) -> None:
        self.time = frame.time
        self._image: NDArray[np.uint8] | None = frame.image
        self._device = device

    @cached_property
    def tensor(self) -> Tensor:
        """uint8 RGB [3, H, W] on the device."""
        assert self._image is not None
        tensor = frame_tensor(self._image, self._device)
        # The pixels are not kept twice.
        self._image = None
        return tensor


def stacked(frames: Sequence[FrameOnDevice]) -> Tensor:
    """Stack frames on their device, uint8 [3 T, H, W].

    Raises:
        ValueError: they have different sizes.
    """
    tensors = [frame.tensor for frame in frames]
    require_one_size([tuple(tensor.shape) for tensor in tensors])
    return torch.cat(tensors)

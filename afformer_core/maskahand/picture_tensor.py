# SPDX-License-Identifier: Apache-2.0
"""Pictures as a hand detector takes them.

They stay uint8 until they are where they are looked at: a quarter of what would have to be copied
to a GPU, and nothing that the host has to compute.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor


def picture_tensor(frames: NDArray[np.uint8]) -> Tensor:
    """The colours of all frames as channels, one frame after another.

    Args:
        frames: uint8 RGB [T, H, W, 3].

    Returns:
        uint8 [3 T, H, W].
    """
    channels = torch.from_numpy(np.ascontiguousarray(frames)).permute(0, 3, 1, 2)
    return channels.flatten(0, 1).contiguous()


def frame_tensor(frame: NDArray[np.uint8], device: torch.device) -> Tensor:
    """One frame as channels on a device, which turns it over itself.

    Args:
        frame: uint8 RGB [H, W, 3].
        device: that looks at it.

    Returns:
        uint8 [3, H, W].
    """
    return torch.from_numpy(np.ascontiguousarray(frame)).to(device).permute(2, 0, 1).contiguous()


def colours(picture: Tensor) -> Tensor:
    """A picture of any shape as floats in 0..1, as networks take it: uint8, or such already."""
    return picture if picture.is_floating_point() else picture / 255

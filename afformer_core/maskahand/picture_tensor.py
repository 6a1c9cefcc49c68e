# SPDX-License-Identifier: Apache-2.0
"""Pictures as a hand detector takes them."""

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
        float [3 T, H, W] in 0..1.
    """
    channels = torch.from_numpy(np.ascontiguousarray(frames)).permute(0, 3, 1, 2)
    return channels.flatten(0, 1) / 255

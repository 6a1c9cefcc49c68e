# SPDX-License-Identifier: Apache-2.0
"""Conversion to fp32 for operations that half precision is too narrow for."""

from __future__ import annotations

import torch
from torch import Tensor


def widened(x: Tensor) -> Tensor:
    """Convert a tensor in half precision to fp32; return any other as it is."""
    return x.to(torch.promote_types(x.dtype, torch.float32))

# SPDX-License-Identifier: Apache-2.0
"""Conversion to fp32 for operations that half precision is too narrow for."""

from __future__ import annotations

import torch
from torch import Tensor


def widened(x: Tensor) -> Tensor:
    """The tensor in fp32 where it is in half precision, else itself."""
    return x.to(torch.promote_types(x.dtype, torch.float32))

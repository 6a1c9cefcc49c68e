# SPDX-License-Identifier: Apache-2.0
"""What several processes found, in all of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

import torch

_Found = TypeVar('_Found')


def gathered(found: Mapping[int, _Found]) -> list[Mapping[int, _Found]]:
    """What every process found of samples, by their indices; of this one alone without others."""
    distributed = torch.distributed
    if not (distributed.is_available() and distributed.is_initialized()):
        return [found]
    parts: list[Any] = [{} for _ in range(distributed.get_world_size())]
    distributed.all_gather_object(parts, found)
    return parts

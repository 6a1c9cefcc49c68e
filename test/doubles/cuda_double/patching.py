# SPDX-License-Identifier: Apache-2.0
"""Lets `torch.cuda` be the double."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from types import SimpleNamespace
from unittest.mock import patch

import torch

from cuda_double.allocator import Pool
from cuda_double.device import Device
from cuda_double.graphs import CUDAGraph, graph, use
from cuda_double.modes import Devices, Operators

_PROPERTIES = SimpleNamespace(
    name='Double', major=8, minor=6, multi_processor_count=8, total_memory=1 << 33
)


@contextmanager
def cuda_double() -> Iterator[Device]:
    """A GPU of compute capability 8.6 with 8 GiB, in this thread."""
    device = Device()
    doubles = {
        'is_available': lambda: True,
        'current_device': lambda: 0,
        'get_device_name': lambda *_: _PROPERTIES.name,
        'get_device_capability': lambda *_: (_PROPERTIES.major, _PROPERTIES.minor),
        'get_device_properties': lambda *_: _PROPERTIES,
        'synchronize': device.synchronize,
        'Stream': device.new_stream,
        'stream': partial(use, device),
        'CUDAGraph': partial(CUDAGraph, device),
        'graph': partial(graph, device),
        'graph_pool_handle': Pool,
    }
    with patch.multiple(torch.cuda, **doubles), Devices(device), Operators(device):
        yield device

# SPDX-License-Identifier: Apache-2.0
"""Floating-point operations of grounding one image, and the rate that this machine reaches."""

from __future__ import annotations

import statistics
import time

import torch
from torch.utils.flop_counter import FlopCounterMode

from afformer_core.models.afformer import Afformer
from afformer_core.models.configuration import AfformerConfiguration

_SIDE = 1024
_RUNS = 15


def image_flops(configuration: AfformerConfiguration, frames: int) -> int:
    """Count the floating-point operations of `ground` for one image, a multiply-add as two.

    Args:
        configuration: configuration of the model.
        frames: number of frames of the demonstration, 1 to the model's maximum.
    """
    height, width = configuration.input_size
    # tensors on this device have shapes but no values, so that nothing is computed
    with torch.device('meta'), torch.no_grad():
        model = Afformer(configuration).eval()
        features = torch.empty(
            1, frames, configuration.feature_channels, *configuration.feature_size
        )
        memory = model.memorize(features)
        image = torch.empty(1, height, width, 3, dtype=torch.uint8)
        with FlopCounterMode(display=False) as counter:
            model.ground(image, memory)
    return int(counter.get_total_flops())


def matrix_rate(threads: int) -> float:
    """Measure floating-point operations per second of a large fp32 matrix product (median).

    Args:
        threads: number of threads, at least 1.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        left, right = torch.rand(2, _SIDE, _SIDE)
        left @ right
        times = []
        for _ in range(_RUNS):
            begin = time.perf_counter()
            left @ right
            times.append(time.perf_counter() - begin)
    finally:
        torch.set_num_threads(before)
    return 2 * _SIDE**3 / statistics.median(times)

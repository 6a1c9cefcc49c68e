# SPDX-License-Identifier: Apache-2.0
"""Batch norms in training."""

from __future__ import annotations

from torch import nn


def keep_statistics(module: nn.Module) -> None:
    """Let all batch norms, in place, normalise by the statistics they were pre-trained with."""
    for each in module.modules():
        if isinstance(each, nn.BatchNorm2d):
            each.eval()

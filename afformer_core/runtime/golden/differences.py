# SPDX-License-Identifier: Apache-2.0
"""Differences between groundings and golden outputs, and those allowed in each precision."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, astuple, dataclass


@dataclass(frozen=True)
class Differences:
    """Differences between groundings, or the largest allowed differences.

    Attributes:
        heatmap: share of the probability of a network's heatmap that lies at other pixels, 0 to 1.
        peak: distance from the best peak to the nearest golden peak whose score is close to the
            best one's, in pixels of the heatmap.
        actions: largest difference of the score of an action, 0 to 1.
        presence: largest possible difference of presence, which occurs near 0.5, 0 to 1.
    """

    heatmap: float
    peak: float
    actions: float
    presence: float

    def __str__(self) -> str:
        return (
            f'{self.heatmap:.2g} of the heatmap lies elsewhere, the peak moves by {self.peak:.2g} '
            f'pixels, an action score by {self.actions:.2g} and presence by {self.presence:.2g}'
        )

    @classmethod
    def largest(cls, each: Sequence[Differences]) -> Differences:
        """Return the largest difference of each kind among one or more."""
        return cls(*(max(values) for values in zip(*map(astuple, each), strict=True)))

    def beyond(self, allowed: Differences) -> str:
        """List the differences beyond the allowed ones, with both numbers; empty if none."""
        bounds = asdict(allowed)
        return ', '.join(
            f'{name} by {value:.2g} (at most {bounds[name]:g})'
            for name, value in asdict(self).items()
            # NaN is not allowed either.
            if not value <= bounds[name]
        )


# Largest differences from PyTorch in fp32.
# They are 1.7 to ten times those of the shipped model's networks (docs/robot/gpu.md), and below
# those of weights that are 3 % off.
TOLERANCES = {
    'fp32': Differences(heatmap=1e-4, peak=0.05, actions=1e-4, presence=0.01),
    'fp16': Differences(heatmap=0.015, peak=0.5, actions=0.01, presence=0.05),
    'bf16': Differences(heatmap=0.08, peak=1.0, actions=0.06, presence=0.15),
}
# The same on a GPU, whose fastest convolutions transform their factors.
GPU_TOLERANCES = {
    **TOLERANCES,
    'fp32': Differences(heatmap=1e-3, peak=0.05, actions=1e-3, presence=0.01),
}

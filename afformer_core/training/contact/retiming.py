# SPDX-License-Identifier: Apache-2.0
"""Retiming of demonstrations: slower, faster, and begun late."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from afformer_core.training.contact.contact_loss import ContactTargets

_RETIMED = 0.75
_BEGUN_LATE = 0.6
# The latest first frame, as a share of the demonstration.
_LATEST = 0.5


def retime(
    stages: Sequence[Tensor], targets: ContactTargets, rng: torch.Generator
) -> tuple[tuple[Tensor, ...], ContactTargets]:
    """Draw frames of each demonstration, some twice and some not at all, in their order.

    Simulated demonstrations begin before the hand comes, and real ones often later; those that
    begin late teach to look for the contact where the hand goes, not where it is.

    Args:
        stages: backbone stages of frames, each [D, T, C, h, w].
        targets: of the same D demonstrations.
        rng: of the draws, on the host.
    """
    frames = targets.in_contact.shape[1]
    order = torch.stack([_order(frames, rng) for _ in range(len(targets.in_contact))])
    order = order.to(targets.in_contact.device)
    rows = torch.arange(len(order), device=order.device)[:, None]
    moved = targets.moved(lambda each: each[rows, order])
    return tuple(stage[rows, order] for stage in stages), moved


def _order(frames: int, rng: torch.Generator) -> Tensor:
    """Draw the frames of one demonstration, as many as it has."""
    retimed, late = torch.rand(2, generator=rng).tolist()
    if retimed >= _RETIMED:
        return torch.arange(frames)
    latest = int(_LATEST * frames) if late < _BEGUN_LATE else 0
    first = int(torch.randint(latest + 1, (), generator=rng))
    order = torch.randint(first, frames, (frames,), generator=rng).sort().values
    order[0] = first
    return order

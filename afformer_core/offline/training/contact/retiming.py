# SPDX-License-Identifier: Apache-2.0
"""Random retiming of demonstrations: some parts become slower, and others faster."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from afformer_core.offline.training.contact.contact_loss import ContactTargets

_RETIMED = 0.5


def retime(
    stages: Sequence[Tensor], targets: ContactTargets, rng: torch.Generator
) -> tuple[tuple[Tensor, ...], ContactTargets]:
    """Draw frames of each demonstration in order, some of them twice and some never.

    Simulated hands move at a constant pace, whereas real ones hesitate. The first frame, in which
    the contact is searched, is kept.

    Args:
        stages: backbone stages of frames, each [D, T, C, h, w].
        targets: targets of the same D demonstrations.
        rng: random generator of the draws, on the host.
    """
    frames = targets.in_contact.shape[1]
    order = torch.stack([_order(frames, rng) for _ in range(len(targets.in_contact))])
    order = order.to(targets.in_contact.device)
    rows = torch.arange(len(order), device=order.device)[:, None]
    moved = targets.moved(lambda tensor: tensor[rows, order])
    return tuple(stage[rows, order] for stage in stages), moved


def _order(frames: int, rng: torch.Generator) -> Tensor:
    """Draw the order of the frames of one demonstration, with its number of frames."""
    if float(torch.rand((), generator=rng)) >= _RETIMED:
        return torch.arange(frames)
    order = torch.randint(frames, (frames,), generator=rng).sort().values
    order[0] = 0
    return order

# SPDX-License-Identifier: Apache-2.0
"""Position and time of the contact in demonstrations: targets, loss and retiming."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional

from afformer_core.models.matching.contact import Contact
from afformer_core.offline.training.datasets.batch import ContactTargets

# Standard deviations of the targets, as shares of a frame's side.
_FIRST_SPREAD = 0.02
_FRAME_SPREAD = 0.03
# Weights of the contact in each frame and of its moments, relative to the first frame.
_FRAME_WEIGHT = 0.5
_MOMENT_WEIGHT = 0.2
# Share of demonstrations that are retimed.
_RETIMED = 0.5


def contact_loss(contact: Contact, targets: ContactTargets) -> Tensor:
    """Compute the loss of the contact in the first frame, in each frame, and of its moments.

    Args:
        contact: output of the model.
        targets: targets. Demonstrations whose first frame does not show the contact point have no
            loss for the first frame, and frames without contact have no loss for the position.
    """
    known = ~targets.points.isnan().any(dim=2)
    first = _divergence(contact.first, targets.points[:, 0], _FIRST_SPREAD)
    each = _divergence(contact.frames, targets.points, _FRAME_SPREAD)
    moments = functional.binary_cross_entropy_with_logits(
        contact.in_contact.float(), targets.in_contact.float()
    )
    return (
        _mean(first, known[:, 0])
        + _FRAME_WEIGHT * _mean(each, known & targets.in_contact)
        + _MOMENT_WEIGHT * moments
    )


def _divergence(logits: Tensor, points: Tensor, spread: float) -> Tensor:
    """Compute the divergence [...] of maps [..., h, w] from Gaussians around points [..., 2]."""
    axes = [(torch.arange(side, device=logits.device) + 0.5) / side for side in logits.shape[-2:]]
    centre = points.nan_to_num(0.5)
    down, across = (
        -(axis - centre[..., index, None]).square() / (2 * spread**2)
        for axis, index in zip(axes, (1, 0), strict=True)
    )
    expected = (down[..., :, None] + across[..., None, :]).flatten(-2).log_softmax(dim=-1)
    found = logits.float().flatten(-2).log_softmax(dim=-1)
    return functional.kl_div(found, expected, reduction='none', log_target=True).sum(dim=-1)


def _mean(losses: Tensor, counted: Tensor) -> Tensor:
    return (losses * counted).sum() / counted.sum().clamp(min=1)


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

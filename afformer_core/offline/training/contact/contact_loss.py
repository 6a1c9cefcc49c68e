# SPDX-License-Identifier: Apache-2.0
"""The loss of the contact that a model finds in demonstrations, and its targets."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from afformer_core.models.matching.contact import Contact

# Standard deviations of the targets, as shares of a frame's side.
_FIRST_SPREAD = 0.02
_FRAME_SPREAD = 0.03
# Weights of the contact in each frame and of its moments, relative to the first frame.
_FRAME_WEIGHT = 0.5
_MOMENT_WEIGHT = 0.2


@dataclass(frozen=True)
class ContactTargets:
    """Positions and times of the contact in D demonstrations of T frames.

    Attributes:
        points: float32 [D, T, 2], (x, y) as shares of a frame's width and height; NaN where it is
            unknown or not in view.
        in_contact: bool [D, T], whether the hand touches in a frame.
    """

    points: Tensor
    in_contact: Tensor

    def moved(self, move: Callable[[Tensor], Tensor]) -> ContactTargets:
        """Apply a function to every tensor."""
        return ContactTargets(move(self.points), move(self.in_contact))


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

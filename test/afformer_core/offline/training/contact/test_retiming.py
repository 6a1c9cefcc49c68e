# SPDX-License-Identifier: Apache-2.0
"""The retiming of demonstrations: frames keep their order, and what is known of them."""

import torch

from afformer_core.offline.training.contact.contact_loss import ContactTargets
from afformer_core.offline.training.contact.retiming import retime

# Frame t of 200 demonstrations of 8 frames has the value t everywhere.
NUMBERS = torch.arange(8.0).expand(200, 8)


def retimed(seed: int) -> tuple[torch.Tensor, ContactTargets]:
    stages = NUMBERS[..., None, None, None].expand(200, 8, 3, 2, 2)
    targets = ContactTargets(NUMBERS[..., None].expand(200, 8, 2), NUMBERS >= 4)
    (drawn,), moved = retime([stages], targets, torch.Generator().manual_seed(seed))
    return drawn[:, :, 0, 0, 0], moved


def test_frames_stay_in_their_order_with_what_is_known_of_them() -> None:
    frames, targets = retimed(0)

    assert bool((frames.diff(dim=1) >= 0).all())
    assert torch.equal(targets.points[..., 1], frames)
    assert torch.equal(targets.in_contact, frames >= 4)


def test_half_are_as_they_were_and_all_begin_with_the_first_frame() -> None:
    frames, _ = retimed(0)

    assert frames[:, 0].unique().tolist() == [0.0]
    assert 0.4 < float((frames == NUMBERS).all(dim=1).float().mean()) < 0.6


def test_the_same_seed_draws_the_same() -> None:
    assert torch.equal(retimed(3)[0], retimed(3)[0])
    assert not torch.equal(retimed(3)[0], retimed(4)[0])

# SPDX-License-Identifier: Apache-2.0
"""The loss of the contact: where it is least, and what it leaves out."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from afformer_core.models.matching.network import Contact
from afformer_core.offline.training.contact.module import contact_loss, retime
from afformer_core.offline.training.datasets.batch import ContactTargets

NOWHERE = float('nan')


def peak_at(side: int, row: int, column: int) -> Tensor:
    logits = torch.full((side, side), -15.0)
    logits[row, column] = 0.0
    return logits


@pytest.fixture
def contact() -> Contact:
    """Two frames: the first without a hand, the second with it at a quarter and three quarters."""
    frames = torch.stack((torch.zeros(20, 20), peak_at(20, 15, 5)))
    return Contact(
        first=peak_at(40, 30, 10)[None],
        frames=frames[None],
        in_contact=torch.tensor([[-9.0, 9.0]]),
    )


@pytest.fixture
def targets() -> ContactTargets:
    position = [0.2625, 0.7625]
    return ContactTargets(torch.tensor([[position, position]]), torch.tensor([[False, True]]))


def test_the_right_contact_costs_less_than_another(
    contact: Contact, targets: ContactTargets
) -> None:
    right = contact_loss(contact, targets)

    for wrong in (
        replace(contact, first=contact.first.flip(1)),
        replace(contact, frames=contact.frames.flip(3)),
        replace(contact, in_contact=-contact.in_contact),
    ):
        assert contact_loss(wrong, targets) > right + 0.5


def test_frames_without_contact_have_no_point(contact: Contact, targets: ContactTargets) -> None:
    moved = contact.frames.clone()
    moved[0, 0] = peak_at(20, 0, 0)

    other = contact_loss(replace(contact, frames=moved), targets)

    torch.testing.assert_close(other, contact_loss(contact, targets))


def test_a_contact_point_out_of_view_has_no_loss(
    contact: Contact, targets: ContactTargets
) -> None:
    unknown = ContactTargets(torch.full((1, 2, 2), NOWHERE), targets.in_contact)

    loss = contact_loss(contact, unknown)

    assert float(loss) == pytest.approx(0.2 * float(torch.tensor(-9.0).exp().log1p()), rel=1e-2)


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

    assert torch.equal(frames, retimed(0)[0])
    assert not torch.equal(frames, retimed(4)[0])
    assert frames[:, 0].unique().tolist() == [0.0]
    assert 0.4 < float((frames == NUMBERS).all(dim=1).float().mean()) < 0.6

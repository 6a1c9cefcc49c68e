# SPDX-License-Identifier: Apache-2.0
"""The contact head: its shapes, and frames that do not exist."""

import torch
from torch import Tensor

from afformer_core.models.matching.contact import Contact, ContactHead

CHANNELS = (40, 112, 320)


def head() -> ContactHead:
    torch.manual_seed(0)
    return ContactHead(CHANNELS, 64).eval()


def stages(batch: int, frames: int) -> list[Tensor]:
    rng = torch.Generator().manual_seed(3)
    sizes = zip(CHANNELS, ((16, 24), (8, 12), (4, 6)), strict=True)
    return [
        torch.randn((batch, frames, channels, *size), generator=rng) for channels, size in sizes
    ]


def found(frames: list[Tensor], missing: Tensor | None = None) -> Contact:
    with torch.no_grad():
        return head()(frames, missing)


def test_first_frame_is_drawn_on_the_finest_grid_and_each_frame_on_that_of_stride_16() -> None:
    contact = found(stages(2, 5))

    assert contact.first.shape == (2, 16, 24)
    assert contact.frames.shape == (2, 5, 8, 12)
    assert contact.in_contact.shape == (2, 5)


def test_frames_that_do_not_exist_change_nothing() -> None:
    whole = stages(1, 5)
    short = [each[:, :3] for each in whole]
    missing = torch.tensor([[False, False, False, True, True]])

    padded, alone = found(whole, missing), found(short)

    torch.testing.assert_close(padded.first, alone.first)
    torch.testing.assert_close(padded.in_contact[:, :3], alone.in_contact)


def test_a_later_frame_changes_what_is_found_in_the_first() -> None:
    frames = stages(1, 2)
    still = [each[:, :1].expand_as(each) for each in frames]

    assert not torch.allclose(found(frames).first, found(still).first)


def test_a_frame_is_read_against_the_first() -> None:
    frames, others = stages(1, 2), stages(2, 2)
    begun_otherwise = [
        torch.cat((other[1:, :1], each[:, 1:]), dim=1)
        for each, other in zip(frames, others, strict=True)
    ]

    assert not torch.allclose(found(frames).frames[:, 1], found(begun_otherwise).frames[:, 1])

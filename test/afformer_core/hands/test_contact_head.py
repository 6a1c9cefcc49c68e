# SPDX-License-Identifier: Apache-2.0
"""The head that tells whether a hand touches something, and its crops."""

from __future__ import annotations

import pytest
import torch

from afformer_core.hands.contact_head import HandContactHead, _moved, _squares
from afformer_core.hands.frame_stack import FRAMES, NOW


def image(*boxes: tuple[int, int, int, int]) -> torch.Tensor:
    """Black frames, 200 wide and 100 high, with a white box in each."""
    frames = torch.zeros(FRAMES, 3, 100, 200)
    for frame, (left, top, right, bottom) in zip(frames, boxes, strict=True):
        frame[:, top:bottom, left:right] = 1
    return frames.flatten(0, 1)


def test_a_square_around_the_longer_side() -> None:
    box = (90, 40, 140, 60)
    (square,) = _squares(image(*[box] * FRAMES), torch.tensor([box]).float())

    assert square.shape == (7, 80, 80)
    # The box is 50 of 80 pixels wide, 20 high, in the middle; the edges of pixels are kept.
    columns = (square[NOW] > 0).any(dim=0).nonzero()[:, 0]
    rows = (square[NOW] > 0).any(dim=1).nonzero()[:, 0]
    assert [int(columns[0]), int(columns[-1])] == [15, 64]
    assert [int(rows[0]), int(rows[-1])] == [30, 49]
    assert square[NOW].max() == pytest.approx(1)


def test_a_small_hand_is_not_enlarged_beyond_what_is_seen() -> None:
    box = (100, 50, 104, 54)
    (square,) = _squares(image(*[box] * FRAMES), torch.tensor([box]).float())

    # 38 pixels are shown by 80.
    assert int((square[NOW].max(dim=0).values > 0).sum()) == pytest.approx(4 * 80 / 38, abs=1)


def test_frames_are_colours() -> None:
    there, now = (0, 0, 1, 1), (90, 40, 140, 60)
    came = image(*[there] * NOW, *[now] * (FRAMES - NOW))
    (square,) = _squares(came, torch.tensor([now]).float())

    # A box that came there and stays.
    assert square[:, 40, 40].tolist() == pytest.approx([-1, -1, -1, 1, 1, 1, 1])


def test_each_hand_of_each_image_in_order() -> None:
    torch.manual_seed(0)
    head = HandContactHead().eval()
    first, second = torch.rand(2, 3 * FRAMES, 60, 80)
    boxes = torch.tensor([[0.0, 0, 30, 40], [20.0, 10, 70, 50]])
    together = head([first, second], [boxes, boxes[:1]])

    assert together[0].shape == (3,)
    alone = [head([first], [boxes[:1]]), head([first], [boxes[1:]]), head([second], [boxes[:1]])]
    logits, contact_points = (torch.cat(parts) for parts in zip(*alone, strict=True))
    torch.testing.assert_close(together[0], logits, atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(together[1], contact_points, atol=1e-3, rtol=1e-4)


def test_in_a_mirror_it_says_the_same() -> None:
    torch.manual_seed(0)
    head = HandContactHead().eval()
    frames, box = torch.rand(3 * FRAMES, 60, 80), torch.tensor([[20.0, 10, 56, 40]])
    mirrored_box = torch.tensor([[24.0, 10, 60, 40]])
    (logits, points), mirrored = head([frames], [box]), head([frames.flip(2)], [mirrored_box])

    torch.testing.assert_close(logits, mirrored[0], atol=1e-4, rtol=1e-3)
    ((x, y),) = points.tolist()
    assert mirrored[1][0].tolist() == pytest.approx([80 - x, y], abs=1e-2)


def test_no_hand() -> None:
    head = HandContactHead()
    images, boxes = [torch.rand(3 * FRAMES, 60, 80)], [torch.empty(0, 4)]

    assert [found.shape for found in head(images, boxes)] == [(0,), (0, 2)]
    loss = head.loss(images, boxes, [torch.empty(0, dtype=torch.bool)], [torch.empty(0, 2)])
    assert loss == 0
    loss.backward()
    # Processes that train together wait for the gradients of all.
    assert all(parameter.grad is not None for parameter in head.parameters())


def test_moved_boxes_are_about_where_they_were() -> None:
    torch.manual_seed(0)
    box = torch.tensor([[100.0, 50, 140, 130]]).expand(500, -1)
    moved = _moved(box)
    sizes, middles = moved[:, 2:] - moved[:, :2], (moved[:, 2:] + moved[:, :2]) / 2

    assert sizes.amin(dim=0).tolist() == pytest.approx([30, 60], abs=1)
    assert sizes.amax(dim=0).tolist() == pytest.approx([52, 104], abs=1)
    assert (middles - torch.tensor([120.0, 90])).abs().amax(dim=0).tolist() == pytest.approx(
        [4, 8], abs=0.2
    )


@pytest.mark.slow
def test_it_learns_what_rests() -> None:
    """White boxes that stay are in contact, those that came and go are not."""
    torch.manual_seed(0)
    head = HandContactHead()
    box = (80, 30, 120, 70)
    passing = [(80 + 20 * step, 30, 120 + 20 * step, 70) for step in range(-NOW, FRAMES - NOW)]
    images = [image(*[box] * FRAMES), image(*passing)]
    boxes = [torch.tensor([box]).float()] * 2
    contacts = [torch.tensor([True]), torch.tensor([False])]
    contact_points = [torch.tensor([[130.0, 50]]), torch.full((1, 2), torch.nan)]
    optimizer = torch.optim.AdamW(head.parameters(), 1e-3)
    for _ in range(100):
        optimizer.zero_grad()
        head.loss(images, boxes, contacts, contact_points).backward()
        optimizer.step()

    logits = head.eval()(images, boxes)[0]
    assert logits[0] > 0 > logits[1]


def test_an_unknown_contact_point_teaches_nothing() -> None:
    torch.manual_seed(0)
    head = HandContactHead()
    box = (80, 30, 120, 70)
    arguments = [image(*[box] * FRAMES)], [torch.tensor([box]).float()], [torch.tensor([True])]
    head.loss(*arguments, [torch.full((1, 2), torch.nan)]).backward()

    gradients = [each.grad for each in head.place.parameters()]
    assert all(each is not None and each.abs().max() == 0 for each in gradients)
    assert head.logit.weight.grad is not None
    assert head.logit.weight.grad.abs().max() > 0

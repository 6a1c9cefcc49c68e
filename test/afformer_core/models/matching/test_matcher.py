# SPDX-License-Identifier: Apache-2.0
"""The matcher on small maps whose correspondences are known."""

import pytest
import torch
from torch import Tensor

from afformer_core.models.matching.matcher import Descriptors, Matcher

# Two stages of 32 and 48 channels; the finer one has 8x8 positions, the contact 16x16.
CHANNELS = (32, 48)


def maps(seed: int, images: int = 1) -> list[Tensor]:
    rng = torch.Generator().manual_seed(seed)
    return [
        torch.randn((images, channels, side, side), generator=rng)
        for channels, side in zip(CHANNELS, (4, 8), strict=True)
    ]


def contact_at(row: int, column: int) -> Tensor:
    logits = torch.full((1, 16, 16), -20.0)
    logits[0, row, column] = 0.0
    return logits


def best(correlation: Tensor) -> tuple[int, int]:
    return divmod(int(correlation[0].argmax()), correlation.shape[2])


def is_near(correlation: Tensor, row: int, column: int) -> bool:
    """Cosines are interpolated, so that the best position may be the neighbour."""
    found = best(correlation)
    return max(abs(found[0] - row), abs(found[1] - column)) <= 1


def correlate(source: list[Tensor], contact: Tensor, target: list[Tensor]) -> Tensor:
    matcher = Matcher(CHANNELS)
    with torch.no_grad():
        return matcher.correlate(target, matcher.describe(source, contact))


def test_the_same_image_matches_where_the_contact_is() -> None:
    image = maps(1)

    assert best(correlate(image, contact_at(5, 10), image)) == (5, 10)


def test_a_moved_element_is_found_where_it_moved() -> None:
    image = maps(2)
    moved = [stage.roll(stage.shape[-1] // 4, dims=3) for stage in image]

    assert is_near(correlate(image, contact_at(6, 7), moved), 6, 11)


def test_what_all_positions_share_does_not_count() -> None:
    image = maps(3)
    offset = [stage + 100.0 for stage in image]

    torch.testing.assert_close(
        correlate(offset, contact_at(9, 4), offset),
        correlate(image, contact_at(9, 4), image),
        atol=1e-2,
        rtol=0,
    )


def test_the_likelier_of_two_contacts_decides() -> None:
    image = maps(4)
    contact = torch.full((1, 16, 16), -20.0)
    contact[0, 3, 3], contact[0, 12, 12] = 0.0, -3.0

    assert is_near(correlate(image, contact, image), 3, 3)


def test_consecutive_images_belong_to_one_demonstration() -> None:
    first, second = maps(5), maps(6)
    matcher = Matcher(CHANNELS)
    one, other = (
        matcher.describe(source, contact)
        for source, contact in ((first, contact_at(2, 2)), (second, contact_at(13, 5)))
    )
    both = Descriptors(
        torch.cat((one.features, other.features)), torch.cat((one.weights, other.weights))
    )
    images = [torch.cat((a, a, b, b)) for a, b in zip(first, second, strict=True)]

    with torch.no_grad():
        found = matcher.correlate(images, both)

    assert [best(each[None]) for each in found] == [(2, 2), (2, 2), (13, 5), (13, 5)]


@pytest.mark.parametrize('row', [0, 15])
def test_contacts_at_the_border_are_matched_there(row: int) -> None:
    image = maps(7)

    assert best(correlate(image, contact_at(row, 15), image)) == (row, 15)

# SPDX-License-Identifier: Apache-2.0
"""Run lengths of masks, against the text that pycocotools 2.0 writes."""

from __future__ import annotations

import numpy as np
import pytest

from afformer_core.data.readers.run_length_mask import decode_mask, is_empty

RING = 'bU3e0Q100000000@TO6l0JTO6l0JTO6l0JTO6l0JTO6l0:00000000000000000000Pi0'


def test_a_square_with_a_hole() -> None:
    expected = np.zeros((54, 96), bool)
    expected[10:31, 60:81] = True
    expected[15:20, 65:70] = False

    assert np.array_equal(decode_mask({'size': [54, 96], 'counts': RING}), expected)


def test_two_corners_of_the_image() -> None:
    expected = np.zeros((54, 96), bool)
    expected[0:3, 0:2] = expected[50:54, 90:96] = True

    assert np.array_equal(
        decode_mask({'size': [54, 96], 'counts': '03c10Rf41mYK000000000'}), expected
    )


def test_an_empty_mask() -> None:
    empty = {'size': [54, 96], 'counts': 'PR5'}

    assert not decode_mask(empty).any()
    assert is_empty(empty)


@pytest.mark.parametrize('counts', [RING, '03c10Rf41mYK000000000', '0PR5'])
def test_a_mask_with_a_pixel_on_is_not_empty(counts: str) -> None:
    assert not is_empty({'size': [54, 96], 'counts': counts})


@pytest.mark.parametrize(
    ('counts', 'size', 'expected'),
    [
        (RING, [54, 95], 'have 5184 pixels; expected 95x54'),
        ('P', [54, 96], 'end within a number'),
        ('é', [54, 96], "has the character 'é'"),
        ('', [54, 96], 'have 0 pixels'),
    ],
)
def test_a_malformed_mask_is_an_error(counts: str, size: list[int], expected: str) -> None:
    with pytest.raises(ValueError, match=expected):
        decode_mask({'size': size, 'counts': counts})

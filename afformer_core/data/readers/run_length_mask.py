# SPDX-License-Identifier: Apache-2.0
"""Masks as run lengths, in the compressed text of COCO's tools."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

# A character holds five bits of a number, the least significant first, and a bit that indicates
# whether more follow; the sign is the last bit. After three runs, numbers are differences from the
# run before the last.
_FIRST, _BITS, _MORE, _SIGN = ord('0'), 5, 0x20, 0x10
_PLAIN = 3


def decode_mask(encoded: Mapping[str, Any]) -> NDArray[np.bool_]:
    """Decode a mask.

    Args:
        encoded: `size`, (height, width), and `counts`, the lengths of alternating runs of unset
            and set pixels, down the columns from left to right, as text.

    Returns:
        bool [height, width].

    Raises:
        KeyError: a field is missing.
        ValueError: the text is malformed, or the sum of its runs does not match the size.
    """
    height, width = (int(side) for side in encoded['size'])
    runs = list(_runs(str(encoded['counts'])))
    if min(runs, default=0) < 0 or sum(runs) != height * width:
        raise ValueError(
            f'the runs of a mask have {sum(runs)} pixels; expected {width}x{height} of them'
        )
    values = np.arange(len(runs)) % 2 == 1
    return np.asarray(np.repeat(values, runs).reshape((width, height)).T)


def is_empty(encoded: Mapping[str, Any]) -> bool:
    """Check whether a mask has no set pixel, without decoding all of it (see `decode_mask`).

    Raises:
        KeyError: a field is missing.
        ValueError: the text is malformed before the first set pixel.
    """
    return not any(islice(_runs(str(encoded['counts'])), 1, None, 2))


def _runs(text: str) -> Iterator[int]:
    # The last run, and the run before it.
    last: deque[int] = deque(maxlen=2)
    count = number = shift = 0
    for character in text:
        bits = ord(character) - _FIRST
        if not 0 <= bits < 2 * _MORE:
            raise ValueError(f'a mask has the character {character!r}; expected COCO run lengths')
        number |= (bits & (_MORE - 1)) << shift
        shift += _BITS
        if bits & _MORE:
            continue
        if bits & _SIGN:
            number -= 1 << shift
        if count >= _PLAIN:
            number += last[0]
        last.append(number)
        yield number
        count += 1
        number = shift = 0
    if shift:
        raise ValueError('the run lengths of a mask end within a number')

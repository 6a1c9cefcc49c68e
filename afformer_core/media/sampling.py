# SPDX-License-Identifier: Apache-2.0
"""Evenly spaced frames of a video."""

from __future__ import annotations


def uniform_indices(count: int, maximum: int) -> list[int]:
    """Return evenly spaced indices of at most `maximum` of `count` frames, with first and last.

    Args:
        count: number of frames, at least 1.
        maximum: largest number of indices, at least 1.

    Returns:
        all indices where `count <= maximum`; else exactly `maximum`, strictly increasing (the
        middle one where `maximum` is 1).

    Raises:
        ValueError: `count` or `maximum` is below 1.
    """
    if count < 1 or maximum < 1:
        raise ValueError(
            f'count is {count} frames and maximum is {maximum}; expected at least 1 of both'
        )
    if count <= maximum:
        return list(range(count))
    if maximum == 1:
        return [count // 2]
    return [(2 * i * (count - 1) + maximum - 1) // (2 * (maximum - 1)) for i in range(maximum)]

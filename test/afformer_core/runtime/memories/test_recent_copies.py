# SPDX-License-Identifier: Apache-2.0
"""Copies of objects are made once, and kept for the most recently used ones."""

from __future__ import annotations

from afformer_core.runtime.memories.recent_copies import RecentCopies


class Counted:
    """A function that counts its calls, and an object that can be referred to weakly."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, source: Counted) -> str:
        self.calls += 1
        return f'copy {self.calls}'


def test_what_was_not_used_for_longest_goes() -> None:
    copy = Counted()
    copies = RecentCopies(copy, 2)
    first, second, third = Counted(), Counted(), Counted()
    assert [copies.of(source) for source in (first, second, first, third)] == [
        'copy 1',
        'copy 2',
        'copy 1',
        'copy 3',
    ]

    assert copies.of(first) == 'copy 1'
    assert copies.of(second) == 'copy 4'
    assert len(copies) == 2

# SPDX-License-Identifier: Apache-2.0
"""Keeps a bounded, evenly spaced selection of a stream of frames of unknown length."""

from __future__ import annotations

from typing import Generic, TypeVar

from afformer_core.data.sampling import uniform_indices

Item = TypeVar('Item')

_SURPLUS = 4


class FrameSampler(Generic[Item]):
    """Selects frames uniformly from a stream.

    Every frame is kept until there are four times the maximum; from then on every second one of
    those kept is dropped and only every second frame, then every fourth and so on, is taken. So
    memory is bounded, the selection is exactly uniform for videos of up to four times the
    maximum, and within an eighth of the spacing of it for longer ones.

    Args:
        maximum: frames that `selection` returns at most.
    """

    def __init__(self, maximum: int) -> None:
        self._maximum = maximum
        self._stride = 1
        self._kept: list[Item] = []
        self.count = 0

    def wants_next(self) -> bool:
        """Whether the next frame would be kept; if not, `skip` it unprocessed."""
        return self.count % self._stride == 0

    def skip(self) -> None:
        """Count a frame that is not wanted."""
        self.count += 1

    def add(self, item: Item) -> None:
        """Keep the next frame."""
        self._kept.append(item)
        self.count += 1
        if len(self._kept) > _SURPLUS * self._maximum:
            self._kept = self._kept[::2]
            self._stride *= 2

    def selection(self) -> list[Item]:
        """At most `maximum` of the frames kept, in order; empty before the first."""
        if not self._kept:
            return []
        return [self._kept[i] for i in uniform_indices(len(self._kept), self._maximum)]

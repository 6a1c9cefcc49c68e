# SPDX-License-Identifier: Apache-2.0
"""A bounded, evenly spaced selection of a stream of frames of unknown length."""

from __future__ import annotations

from typing import Generic, TypeVar

from afformer_core.media.video_frames import uniform_indices

Item = TypeVar('Item')

_SURPLUS = 4


class FrameSampler(Generic[Item]):
    """A uniform selection of the frames of a stream.

    Every frame is kept until there are four times the maximum. Then every second kept frame is
    dropped, and only every second new frame is kept, later every fourth, and so on. Memory is
    therefore bounded. The selection is exactly uniform for videos of up to four times the maximum;
    for longer videos, each frame is within an eighth of the spacing of its uniform position.

    Args:
        maximum: maximum number of frames that `selection` returns.

    Attributes:
        count: number of frames received so far.
    """

    def __init__(self, maximum: int) -> None:
        self._maximum = maximum
        self._stride = 1
        self._kept: list[tuple[int, Item]] = []
        self.count = 0

    @property
    def kept(self) -> list[Item]:
        """The frames that are currently kept, in order; at most four times the maximum."""
        return [item for _, item in self._kept]

    def offer(self, item: Item) -> None:
        """Count the next frame, and keep it if it is a multiple of the present stride."""
        if self.count % self._stride == 0:
            self._kept.append((self.count, item))
        self.count += 1
        self._thin_out()

    def continuation(self) -> FrameSampler[Item]:
        """Return a separate sampler for the frames that come next."""
        later: FrameSampler[Item] = FrameSampler(self._maximum)
        later._stride, later.count = self._stride, self.count
        return later

    def absorb(self, later: FrameSampler[Item]) -> None:
        """Append the frames of a `continuation`, as if they had been added here."""
        self._stride, self.count = later._stride, later.count
        mine = [kept for kept in self._kept if kept[0] % self._stride == 0]
        self._kept = mine + later._kept
        self._thin_out()

    def selection(self) -> list[Item]:
        """Return at most `maximum` of the kept frames, in order; empty before the first."""
        if not self._kept:
            return []
        return [self._kept[i][1] for i in uniform_indices(len(self._kept), self._maximum)]

    def _thin_out(self) -> None:
        while len(self._kept) > _SURPLUS * self._maximum:
            self._stride *= 2
            self._kept = [kept for kept in self._kept if kept[0] % self._stride == 0]

# SPDX-License-Identifier: Apache-2.0
"""Missing frames of a recording, by cause."""

from __future__ import annotations

from dataclasses import dataclass, field

from afformer_core.demonstrations.stamp_gaps import StampGaps


@dataclass
class FrameLosses:
    """Numbers of missing frames of a recording.

    Attributes:
        on_the_way: frames lost by the middleware, as it reports.
        dropped: frames that arrived while the queue was full.
        unreadable: messages that were no image.
        gaps: gaps between the stamps of frames that arrived.
    """

    on_the_way: int = 0
    dropped: int = 0
    unreadable: int = 0
    gaps: StampGaps = field(default_factory=StampGaps)

    @property
    def total(self) -> int:
        """Number of missing frames: the known ones, or as many as gaps have room for, if more."""
        return max(self.on_the_way + self.dropped + self.unreadable, self.gaps.missing)

    def told(self, frames: int) -> list[str]:
        """Describe the losses in words; empty if nothing is missing.

        Args:
            frames: number of frames that arrived.
        """
        if not self.total:
            return []
        counts = {
            'were lost on the way': self.on_the_way,
            'were dropped': self.dropped,
            'could not be read': self.unreadable,
        }
        known = [f'{count} frames {what}' for what, count in counts.items() if count]
        return [f'{self.total} of {frames + self.total} frames are missing', *known]

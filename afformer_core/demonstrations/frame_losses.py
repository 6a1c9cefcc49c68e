# SPDX-License-Identifier: Apache-2.0
"""Missing frames of a recording, by cause."""

from __future__ import annotations

from dataclasses import dataclass, field

from afformer_core.demonstrations.stamp_gaps import StampGaps


@dataclass
class FrameLosses:
    """Frames of a recording that are missing.

    Attributes:
        on_the_way: lost by the middleware, as it says.
        dropped: came, but could not wait.
        unreadable: were no image.
        gaps: between the stamps of those that came.
    """

    on_the_way: int = 0
    dropped: int = 0
    unreadable: int = 0
    gaps: StampGaps = field(default_factory=StampGaps)

    @property
    def total(self) -> int:
        """Frames that are missing: those that are known to be, or that gaps have room for."""
        return max(self.on_the_way + self.dropped + self.unreadable, self.gaps.missing)

    def told(self, frames: int) -> list[str]:
        """The same in words; nothing where nothing is missing.

        Args:
            frames: that came.
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

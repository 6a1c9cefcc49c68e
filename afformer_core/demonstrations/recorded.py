# SPDX-License-Identifier: Apache-2.0
"""What a finished recording gave."""

from __future__ import annotations

from dataclasses import dataclass

from afformer_core.demonstrations.state import Summary
from afformer_core.runtime.encoded_frames import EncodedFrames


@dataclass(frozen=True)
class Recorded:
    """What a recording gave.

    Attributes:
        summary: its numbers.
        encoded: the frames that are used.
        reason: why it was not trimmed, or empty.
        problem: why it is not on disk, or empty.
    """

    summary: Summary
    encoded: EncodedFrames
    reason: str
    problem: str

    def __str__(self) -> str:
        """What was kept, in words."""
        one = self.summary
        said = [f'{one.frames_kept} of {one.frames} frames, {one.duration:.1f} s']
        if one.trimmed_by:
            said.append(f'used from {one.begin:.1f} to {one.end:.1f} s by its {one.trimmed_by}')
        elif self.reason:
            said.append(f'everything is used: {self.reason}')
        if self.problem:
            said.append(f'it will be lost at the end: {self.problem}')
        return '; '.join(said)

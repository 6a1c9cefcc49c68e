# SPDX-License-Identifier: Apache-2.0
"""One frame of a clip, in place of how it moves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from afformer_core.data.frame_sampling import FrameSampling
from afformer_core.data.sample import Sample
from afformer_core.errors import VideoError


@dataclass(frozen=True)
class OneFrame(FrameSampling):
    """A single frame.

    Attributes:
        number: of the frame, from 0; None: the one in the middle of the clip.
    """

    needs_times: ClassVar[bool] = False

    number: int | None = None

    def __str__(self) -> str:
        return f'frame {"in the middle" if self.number is None else self.number}'

    @classmethod
    def at_contact(cls, sample: Sample) -> OneFrame:
        """In the middle of a sample's contact, where that is known, else of its clip."""
        return cls(None if sample.contact is None else sum(sample.contact) // 2)

    @property
    def longest(self) -> int:
        """See `FrameSampling.longest`."""
        return 1

    def windows(self, times: NDArray[np.float64]) -> list[list[int]]:
        """One window; see `FrameSampling.windows`.

        Raises:
            VideoError: the clip ends before the frame.
        """
        number = len(times) // 2 if self.number is None else self.number
        if number >= len(times):
            raise VideoError(
                f'frame {number} is asked for of a clip of {len(times)}; correct the contact in '
                'the annotations'
            )
        return [[number]]

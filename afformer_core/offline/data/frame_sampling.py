# SPDX-License-Identifier: Apache-2.0
"""Frame samplings: one window, or windows at a constant rate; names and parsing."""

from __future__ import annotations

import math
import re
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from afformer_core.media.video_frames import uniform_indices

ACCEPTED_FORMS = (
    "'uniform N' or 'R fps x N every S', such as 'uniform 64' or '2 fps x 32 every 16'"
)

_UNIFORM = re.compile(r'uniform (\d+)')
_WINDOWS = re.compile(r'(\d+(?:\.\d+)?) fps x (\d+) every (\d+)')

# At a higher rate, a day of video or a wrong time would become millions of frames.
_HIGHEST_RATE = 1000.0
# Seconds. Some files round times to milliseconds, so that differences may be off by one.
_ROUNDING = 1.2e-3


class FrameSampling(ABC):
    """The selection of a clip's frames; `str` gives the name that `parse_frame_sampling` reads.

    Attributes:
        needs_times: whether times must be real instead of merely increasing.
        longest: largest number of frames of a window; at least 1.
    """

    needs_times: ClassVar[bool]
    longest: int

    @abstractmethod
    def windows(self, times: NDArray[np.float64]) -> list[list[int]]:
        """Select the frames to use, in windows that a model sees one by one.

        Args:
            times: [N], at least one: times in seconds at which the frames of the clip appear,
                never decreasing.

        Returns:
            at least one window, each of at least one index into `times`; indices never decrease.
        """


@dataclass(frozen=True)
class UniformSampling(FrameSampling):
    """One window of frames that are evenly spread over the clip, as in the paper.

    They are evenly spaced by number, as in `read_video`; frames may be shown for different times.

    Attributes:
        longest: largest number of frames of the window; at least 1.

    Raises:
        ValueError: the number is below 1.
    """

    needs_times: ClassVar[bool] = False

    longest: int = 64

    def __post_init__(self) -> None:
        if self.longest < 1:
            raise ValueError(f'the maximum of frames is {self.longest}; expected at least 1')

    def __str__(self) -> str:
        return f'uniform {self.longest}'

    def windows(self, times: NDArray[np.float64]) -> list[list[int]]:
        """Select one window (see `FrameSampling.windows`)."""
        return [uniform_indices(len(times), self.longest)]


@dataclass(frozen=True)
class WindowSampling(FrameSampling):
    """Windows of a clip that is resampled to a constant rate, as in the authors' code.

    For each multiple of 1 / `rate` seconds from the first frame until the last one appears, the
    resampled clip has the frame that a player shows at that time; a frame that is shown for longer
    is repeated. Windows start at every `stride`-th of its frames. A clip shorter than a window is
    one short window. If frames remain at the end, a last window ends with the clip and overlaps
    the previous one by more than the others do. All windows of a longer clip thus have the same
    length, and every frame of the resampled clip is in a window.

    Attributes:
        rate: frames per second, above 0, at most 1000.
        longest: frames of a window, at least 1.
        stride: frames from the start of a window to that of the next, from 1 to `longest`.

    Raises:
        ValueError: a value is out of its range.
    """

    needs_times: ClassVar[bool] = True

    rate: float = 2.0
    longest: int = 32
    stride: int = 16

    def __post_init__(self) -> None:
        if not 0 < self.rate <= _HIGHEST_RATE:
            raise ValueError(
                f'the rate is {self.rate} fps; expected above 0 and at most {_HIGHEST_RATE:g}'
            )
        if not 1 <= self.stride <= self.longest:
            raise ValueError(
                f'windows have {self.longest} frames every {self.stride}; expected at least 1 '
                'frame, and a step from 1 to the length'
            )

    def __str__(self) -> str:
        rate = np.format_float_positional(self.rate, trim='-')
        return f'{rate} fps x {self.longest} every {self.stride}'

    def windows(self, times: NDArray[np.float64]) -> list[list[int]]:
        """Select windows of the resampled clip (see `FrameSampling.windows`)."""
        elapsed = times - times[0] - _ROUNDING
        count = math.floor((times[-1] - times[0] + _ROUNDING) * self.rate) + 1
        ticks = np.arange(count) / self.rate
        shown: list[int] = (np.searchsorted(elapsed, ticks, side='right') - 1).tolist()
        last = max(len(shown) - self.longest, 0)
        starts = [*range(0, last, self.stride), last]
        return [shown[start : start + self.longest] for start in starts]


def parse_frame_sampling(text: str) -> FrameSampling:
    """Parse a sampling from its name.

    Args:
        text: `uniform N` for at most N frames, evenly spaced; or `R fps x N every S` for windows
            of N frames, S apart, of the clip at R frames per second, where R may have decimals.

    Raises:
        ValueError: the form is unknown, or a number is out of range; the message lists all forms.
    """
    name = ' '.join(text.split())
    if match := _UNIFORM.fullmatch(name):
        return UniformSampling(int(match[1]))
    if match := _WINDOWS.fullmatch(name):
        return WindowSampling(float(match[1]), int(match[2]), int(match[3]))
    raise ValueError(f'the sampling is {text!r}; expected {ACCEPTED_FORMS}')

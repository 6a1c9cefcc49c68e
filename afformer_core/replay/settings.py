# SPDX-License-Identifier: Apache-2.0
"""Settings of a replay."""

from __future__ import annotations

from dataclasses import dataclass, field

from afformer_core.outputs.outputs import OutputSettings
from afformer_core.runtime.presence import PresenceCalibration
from afformer_core.stream.settings import StreamSettings


@dataclass(frozen=True)
class ReplaySettings:
    """How a bag is replayed.

    Attributes:
        stream: how images are grounded.
        rectified: the images are rectified, so that P of camera_info holds for them.
        depth_tolerance: seconds between the stamps of an image and of its depth at most.
        depth_wait: seconds of the recording that are read ahead for the depth of an image.
        output: how results are shown.
    """

    stream: StreamSettings = field(default_factory=StreamSettings)
    rectified: bool = False
    depth_tolerance: float = 0.02
    depth_wait: float = 0.2
    output: OutputSettings = field(default_factory=OutputSettings)

    def __post_init__(self) -> None:
        for name in ('depth_tolerance', 'depth_wait'):
            if not 0 <= getattr(self, name) <= 10:
                raise ValueError(f'{name} must be 0 to 10 seconds, not {getattr(self, name)}')

    def thresholds(self, calibration: PresenceCalibration | None) -> dict[str, float]:
        """Below which values an image is no evidence; of those measures alone that are asked for.

        Args:
            calibration: of the model, or None.

        Returns:
            some of `presence`, `confidence`, `resemblance` and `continuity`.
        """
        stream = self.stream
        if calibration is None:
            least = {
                'confidence': stream.minimum_confidence,
                'resemblance': stream.minimum_resemblance,
            }
        else:
            least = {'presence': stream.presence_threshold(calibration)}
        least['continuity'] = stream.minimum_continuity
        return {name: value for name, value in least.items() if value > -1}


@dataclass(frozen=True)
class Window:
    """A part of a recording, in seconds from its first message; `end` None: to the last."""

    start: float = 0.0
    end: float | None = None

    def __post_init__(self) -> None:
        if self.start < 0 or (self.end is not None and self.end <= self.start):
            raise ValueError(
                f'got the seconds {self.start} to {self.end}; the first must not be negative and '
                'the second be greater'
            )

    def nanoseconds(self, first: int, last: int) -> tuple[int, int]:
        """[start, stop) in nanoseconds of a recording from `first` to before `last`."""
        start = first + round(1e9 * self.start)
        return start, last if self.end is None else min(last, first + round(1e9 * self.end))

# SPDX-License-Identifier: Apache-2.0
"""The hands in simulated videos, as the simulator wrote them beside each video."""

from __future__ import annotations

from bisect import bisect
from collections.abc import Iterable, Iterator
from pathlib import Path

from afformer_core.errors import DatasetError
from afformer_core.files.annotation_files import naming, read_json
from afformer_core.hands.hand import Hand, HandDetector
from afformer_core.media.video import VideoFrame


def hands_file(video: Path) -> Path:
    """Return the file with the hands of a simulated video.

    It is a JSON list of frames, each with `time` in seconds and `hands`: for each visible hand
    `box`, `contact` and `contact_point` (see `Hand`).
    """
    return video.with_suffix('.hands.json')


class SimulatedHands(HandDetector):
    """A `HandDetector` that reads the hands of simulated videos from their files."""

    name = 'simulated_hands 1'
    interaction_score = 1.0
    least_rate = 0.0

    def __init__(self) -> None:
        self._times: list[float] = []
        self._hands: list[tuple[Hand, ...]] = []

    def begin(self, video: Path) -> None:
        """Read the hands of a video.

        Raises:
            DatasetError: the file of its hands is missing or malformed.
        """
        path = hands_file(video)
        if not path.is_file():
            raise DatasetError(
                f'{path} does not exist; expected the hands that `afformer simulate` writes '
                'beside its videos. Mine other videos with another --detector'
            )
        with naming(str(path)):
            frames = read_json(path)
            if not frames:
                raise ValueError('there are 0 frames; expected at least 1')
            self._times = [float(frame['time']) for frame in frames]
            self._hands = [tuple(_hand(**hand) for hand in frame['hands']) for frame in frames]

    def detect(self, frames: Iterable[VideoFrame]) -> Iterator[tuple[Hand, ...]]:
        """Return the hands in each frame of the video (see `HandDetector.detect`)."""
        middles = [sum(pair) / 2 for pair in zip(self._times, self._times[1:], strict=False)]
        for frame in frames:
            yield self._hands[bisect(middles, frame.time)]


def _hand(*, box: list[float], contact: bool, contact_point: list[float] | None = None) -> Hand:
    left, top, right, bottom = box
    point = None if contact_point is None else (contact_point[0], contact_point[1])
    return Hand((left, top, right, bottom), contact, 1.0, point)

# SPDX-License-Identifier: Apache-2.0
"""Mining of long videos for clips with hands that touch objects (paper, section 4.2).

Videos are examined in parts, and the detector is reset for each part. The result of each part is
stored beside the index, so that an interrupted run can resume, and a later run examines only new
videos. All files are in a folder of this machine or at a URL:

- `index.json` and `shards/`: the index (see `index`)
- `parts/KEY/00003.parquet`: the result of part 3 of the video that the key identifies
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from afformer_core.errors import AfformerError
from afformer_core.hands.hand import HandDetector
from afformer_core.media.read_ahead import read_ahead
from afformer_core.offline.maskahand.mining.index import MinedVideo, write_videos
from afformer_core.offline.maskahand.mining.mined_part import (
    MinedPart,
    examined,
    failed,
    write_part,
)
from afformer_core.offline.maskahand.mining.video_parts import (
    MiningPart,
    VideoParts,
    joined,
    missing_parts,
    video_parts,
)
from afformer_core.offline.maskahand.sources import FoundSources
from afformer_core.offline.maskahand.sources.urls import url_of
from afformer_core.offline.parallel.engine import ParallelEngine
from afformer_core.offline.parallel.local_engine import LOCAL, ONE_PROCESS
from afformer_core.offline.parallel.ray_engine import RayEngine


def windows_with(
    count: int, numbers: Collection[int], length: int, stride: int
) -> tuple[tuple[int, int], ...]:
    """Divide the frames of a video into windows, and select those with an interaction.

    Args:
        count: number of frames of the video.
        numbers: numbers of the frames with an interaction, in any order.
        length: number of frames of a window, at least 2.
        stride: frames from the beginning of a window to that of the next, at least 1.

    Returns:
        (first, last) frame of each selected window, in order. The last window ends with the video.
        A video that is shorter than a window is one window; a single frame gives none.
    """
    if count < 2:
        return ()
    ordered = sorted(numbers)
    length = min(length, count)
    firsts = (*range(0, count - length, stride), count - length)
    windows = ((first, first + length - 1) for first in firsts)
    return tuple(
        (first, last)
        for first, last in windows
        if bisect_left(ordered, first) < bisect_right(ordered, last)
    )


# Maximum number of full-size batches of frames that wait for a GPU.
_BATCHES_AHEAD = 2

OpenDetector = Callable[[], HandDetector]


class Examination:
    """The detection of hands in parts, one after another, in the process that opens it.

    Args:
        open_detector: function that opens the detector of hands.
        rate: examined frames per second.
        writes: whether it writes the results.
    """

    def __init__(self, open_detector: OpenDetector, rate: float, *, writes: bool) -> None:
        self._detector = open_detector()
        self._rate = rate
        self._writes = writes

    def __call__(self, part: MiningPart) -> MinedPart:
        """Examine a part; return its result, without the hands if they are written."""
        try:
            self._detector.begin(part.source.path)
            frames = part.source.frames(self._rate, part.start, part.stop)
            if self._detector.on_gpu:
                # A thread decodes the next batches while the GPU computes.
                frames = read_ahead(frames, _BATCHES_AHEAD * self._detector.batch_size)
            seen = examined(self._detector, frames)
        except AfformerError:
            raise
        except Exception as error:  # noqa: BLE001
            seen = failed(error)
        if not self._writes:
            return seen
        write_part(part.file, seen, part.facts)
        return replace(seen, hands={})


INDEX_FILE = 'index.json'


@dataclass(frozen=True, kw_only=True)
class MiningSettings:
    """Settings of mining.

    Attributes:
        rate: examined frames per second.
        clip_frames: examined frames of a clip, at least 2.
        stride: examined frames from the beginning of one clip to that of the next, at least 1.
        interaction_score: minimum score for a hand in contact to count as an interaction; None:
            set by the detector.
        part_frames: examined frames of a part.
    """

    rate: float = 5.0
    clip_frames: int = 32
    stride: int = 16
    interaction_score: float | None = None
    part_frames: int = 600

    def __post_init__(self) -> None:
        if not 0 < self.rate < math.inf:
            raise ValueError(f'the rate is {self.rate} frames per second; expected above 0')
        if self.clip_frames < 2 or self.stride < 1 or self.part_frames < 1:
            raise ValueError(
                f'clips have {self.clip_frames} frames at a stride of {self.stride}, parts '
                f'{self.part_frames}; expected at least 2, 1 and 1'
            )
        if self.interaction_score is not None and not 0 <= self.interaction_score <= 1:
            raise ValueError(
                f'the score from which hands interact is {self.interaction_score}; expected 0 to 1'
            )


class Mining:
    """The mining of videos: iterate over `detect`, then write the index.

    Several runs may write to one folder, because the same part gives the same file.

    Args:
        found: the videos.
        open_detector: function that opens the detector; other processes must be able to import it.
        output: folder of the index, created if it does not exist.
        settings: settings of mining.

    Attributes:
        done, total: number of examined frames, and approximate number of all frames.

    Raises:
        AfformerError: the detector cannot be opened.
        ValueError: the rate is below that required by the detector.
    """

    def __init__(
        self,
        found: FoundSources,
        open_detector: OpenDetector,
        output: Path,
        settings: MiningSettings,
    ) -> None:
        self._settings = settings
        self._found = found
        self._open_detector = open_detector
        self._output = output
        detector = open_detector()
        self._detector: HandDetector | None = detector
        if settings.rate < detector.least_rate:
            raise ValueError(
                f'rate is {settings.rate:g} frames per second; expected at least '
                f'{detector.least_rate:g} for the detector {detector.name}. Give a higher --rate '
                'or another --detector'
            )
        self._on_gpu = detector.on_gpu
        self._name, self._interaction_score = detector.name, detector.interaction_score
        self._videos, unreadable = video_parts(
            found.sources, output, self._name, settings.rate, settings.part_frames
        )
        self._broken = [*found.broken, *unreadable]
        parts = [part for video in self._videos for part in video.parts]
        self.total = sum(part.frames for part in parts)
        self._missing = missing_parts(output, parts)
        self.done = self.total - sum(part.frames for part in self._missing)

    def detect(self, engine: ParallelEngine = LOCAL) -> Iterator[int]:
        """Examine all parts that no run has examined.

        A part that an earlier run could not read completely is tried again.

        Args:
            engine: engine that examines parts, with at most one process per part. Each of its
                machines must have the videos and the detector. Its processes write the results,
                unless those of other machines would write to a folder of this one.

        Yields:
            number of examined frames of each finished part.

        Raises:
            DatasetError: processes were killed, the detector returned a wrong number of results,
                or the results cannot be written, for example to a full disk.
        """
        if not self._missing:
            return
        engine = engine.sized(len(self._missing), on_gpu=self._on_gpu)
        damaged: set[Path] = set()

        def parts() -> Iterator[MiningPart]:
            for part in self._missing:
                # Parts after damage are not used.
                if part.file.parent in damaged:
                    self.done += part.frames
                else:
                    yield part

        # Other processes open their own detector, so this one is dropped.
        kept = self._detector if engine == ONE_PROCESS else None
        self._detector = None
        open_detector = self._open_detector if kept is None else lambda: kept
        # A folder of this machine is not that of the others.
        writes = not isinstance(engine, RayEngine) or url_of(self._output) is not None
        opening = partial(Examination, open_detector, self._settings.rate, writes=writes)
        for result in engine.map(opening, parts()):
            part = result.part
            if result.error is None or isinstance(result.error, AfformerError):
                seen, written = result.get(), writes
            else:
                # Its process died repeatedly.
                seen, written = failed(result.error), False
            if not written:
                write_part(part.file, seen, part.facts)
            if seen.damage:
                damaged.add(part.file.parent)
            self.done += part.frames
            yield len(seen.times)

    def write_index(self, made: Mapping[str, Any] | None = None) -> MinedCounts:
        """Join the results, cut the clips, and write the index, video after video.

        Args:
            made: where the index comes from (see `provenance`).

        Raises:
            DatasetError: parts were not examined, their files are damaged, or the folder cannot
                be written.
        """
        settings, counts = self._settings, MinedCounts()
        score = settings.interaction_score
        score = self._interaction_score if score is None else score
        broken = list(self._broken)

        def videos() -> Iterator[MinedVideo]:
            for video in self._videos:
                seen, damage = joined(video)
                if damage:
                    broken.append((video.source.path, damage))
                if seen.times:
                    mined = _with_clips(video, seen, score, settings)
                    counts.add(mined)
                    yield mined
            broken.sort()

        described = {
            'detector': self._name,
            'rate': settings.rate,
            'clip_frames': settings.clip_frames,
            'stride': settings.stride,
            'folder_rate': self._found.folder_rate,
        }
        write_videos(self._output / INDEX_FILE, described, score, videos(), broken, made)
        counts.interaction_score, counts.broken = score, tuple(broken)
        return counts


@dataclass
class MinedCounts:
    """Counts of the contents of an index.

    Attributes:
        videos: number of videos.
        showing: number of videos with a clip.
        untouching: number of videos with hands and without a clip.
        clips: number of clips.
        undistorted: number of videos whose frames were undistorted.
        interaction_score, broken: those of `HandIndex`.
    """

    videos: int = 0
    showing: int = 0
    untouching: int = 0
    clips: int = 0
    undistorted: int = 0
    interaction_score: float = 0.0
    broken: tuple[tuple[Path, str], ...] = ()

    def add(self, video: MinedVideo) -> None:
        """Count a video."""
        self.videos += 1
        self.clips += len(video.clips)
        self.showing += bool(video.clips)
        self.undistorted += video.lens is not None
        self.untouching += bool(video.hands) and not video.clips


def _with_clips(
    video: VideoParts, seen: MinedPart, score: float, settings: MiningSettings
) -> MinedVideo:
    interactions = [
        number
        for number, hands in seen.hands.items()
        if any(hand.contact and hand.score >= score for hand in hands)
    ]
    clips = windows_with(len(seen.times), interactions, settings.clip_frames, settings.stride)
    source = video.source
    return MinedVideo(
        path=source.path,
        topic=source.topic,
        size=seen.size,
        times=seen.times,
        hands=seen.hands,
        clips=clips,
        lens=source.lens,
        origin=source.origin,
    )

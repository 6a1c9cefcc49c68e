# SPDX-License-Identifier: Apache-2.0
"""Reader of the clips of samples: frames sampled by time and resized to the model's input."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from afformer_core.data.frame_cache import FrameCache, SampledClip
from afformer_core.data.frame_sampling import FrameSampling
from afformer_core.data.sample import Sample
from afformer_core.errors import VideoError
from afformer_core.media.frame_folder import frame_number, frame_paths, stream_frames
from afformer_core.media.images import resize_to_input
from afformer_core.media.video import VideoReader

# To be counted up when the same frames would be read or resized otherwise. One of their own for
# folders of frames, so that kept videos need not be decoded again.
_VIDEO_CACHE_VERSION = 1
_FOLDER_CACHE_VERSION = 2


@dataclass(frozen=True)
class ClipReader:
    """Reads clips; of each, only one frame at a time is in memory at its full size.

    A video is decoded twice: for the times of its frames, then for those that are used. Times are
    the frames' own, so that a rate may vary, and what a player shows is read: an edit list and
    the way a phone was held are honoured, as by `VideoReader`. A clip that is a part of a video
    begins where the part does, with the frame that is then shown.

    A cached clip is kept by its path, its clip, and the size and time of change of its file or of
    each of its frames' files, so that a file that was replaced is read again.

    Attributes:
        sampling: which frames are used.
        size: (height, width) that they are resized to, each at least 1.
        cache_folder: where clips are kept as they were read, to be read faster the next time;
            None: nowhere. Several processes may share it.
        folder_rate: numbers per second in the names of the frames of a folder, 60 for
            EPIC-KITCHENS; needed by a sampling that goes by time. None: folders have no times.
    """

    sampling: FrameSampling
    size: tuple[int, int]
    cache_folder: Path | None = None
    folder_rate: float | None = None

    def __post_init__(self) -> None:
        if min(self.size) < 1:
            raise ValueError(f'frames of {self.size} are none; expected sides of at least 1')
        if self.folder_rate is not None and not 0 < self.folder_rate < float('inf'):
            raise ValueError(f'folder_rate is {self.folder_rate}; expected above 0 and finite')

    def read(self, sample: Sample) -> list[np.ndarray]:
        """The windows of a sample's clip.

        Returns:
            one array for each, uint8 [T, height, width, 3] RGB. Windows may share memory with
            each other: they are for reading.

        Raises:
            VideoError: the clip is missing or damaged, as from `read_video`; it is a folder of
                frames without times, and the sampling needs them.
            DatasetError: the cache folder cannot be written, such as when the disk is full.
        """
        paths = frame_paths(sample.video_path)
        if paths is not None and sample.clip is not None:
            raise VideoError(
                f'{sample.video_path} is a folder of frames, of which a part is named by their '
                'numbers; leave out the part in seconds'
            )
        if self.cache_folder is None:
            return self._sample(sample, paths).images()
        cache = FrameCache(self.cache_folder)
        key = self._key(sample, paths)
        clip = cache.load(key)
        if clip is None:
            clip = self._sample(sample, paths)
            cache.save(key, clip)
        return clip.images()

    def is_kept(self, sample: Sample) -> bool:
        """Whether the cache has a sample's clip; False without a cache.

        Raises:
            VideoError: the clip is missing.
        """
        if self.cache_folder is None:
            return False
        key = self._key(sample, frame_paths(sample.video_path))
        return FrameCache(self.cache_folder).path(key).is_file()

    def expected_frames(self, sample: Sample) -> int:
        """About how many frames of a clip are used, as its file says; decodes none.

        Raises:
            VideoError: the clip cannot be opened, or has no times and the sampling needs them.
        """
        paths = frame_paths(sample.video_path)
        if paths is not None:
            times = self._folder_times(sample, paths)
        else:
            with VideoReader(sample.video_path, sample.clip) as reader:
                seconds = reader.duration
                if sample.clip is not None:
                    seconds = sample.clip[1] - sample.clip[0]
                if seconds is None:
                    return self.sampling.longest
                times = np.arange(max(1, round(seconds * reader.rate))) / reader.rate
        return len({index for window in self.sampling.windows(times) for index in window})

    def _sample(self, sample: Sample, paths: Sequence[Path] | None) -> SampledClip:
        if paths is not None:
            times = self._folder_times(sample, paths)
            return self._collect(times, lambda used: stream_frames(paths[i] for i in used))
        with VideoReader(sample.video_path, sample.clip) as reader:
            return self._collect(_clip_times(reader.times(), sample.clip), reader.select)

    def _collect(
        self, times: np.ndarray, select: Callable[[Sequence[int]], Iterable[np.ndarray]]
    ) -> SampledClip:
        """Sample frames of known times; `select` gives those of increasing indices."""
        windows = self.sampling.windows(times)
        used = sorted({index for window in windows for index in window})
        frames = np.empty((len(used), *self.size, 3), np.uint8)
        for row, image in enumerate(select(used)):
            frames[row] = resize_to_input(image, self.size)
        rows = {index: row for row, index in enumerate(used)}
        return SampledClip(
            frames, tuple(tuple(rows[index] for index in window) for window in windows)
        )

    def _folder_times(self, sample: Sample, paths: Sequence[Path]) -> np.ndarray:
        if not self.sampling.needs_times:
            return np.arange(len(paths), dtype=np.float64)
        if self.folder_rate is None:
            raise VideoError(
                f'{sample.video_path} is a folder of frames, which have no times; sample it '
                "uniformly, or give the rate of its frames' numbers"
            )
        return np.array([frame_number(path) for path in paths], np.float64) / self.folder_rate

    def _key(self, sample: Sample, paths: Sequence[Path] | None) -> str:
        if paths is None and not sample.video_path.is_file():
            raise VideoError(f'there is no video file {sample.video_path}')
        files = [sample.video_path.resolve()] if paths is None else paths
        facts = (
            _VIDEO_CACHE_VERSION if paths is None else _FOLDER_CACHE_VERSION,
            str(files[0].parent.resolve()),
            [(file.name, file.stat().st_size, file.stat().st_mtime_ns) for file in files],
            sample.clip,
            str(self.sampling),
            self.size,
            self.folder_rate if paths is not None else None,
        )
        return hashlib.sha256(json.dumps(facts).encode()).hexdigest()


def _clip_times(times: np.ndarray, clip: tuple[float, float] | None) -> np.ndarray:
    """Seconds from the beginning of the clip."""
    # A damaged file may have a time that goes back; its frames are in the order of display.
    times = np.maximum.accumulate(times)
    return times if clip is None else np.maximum(times - clip[0], 0.0)

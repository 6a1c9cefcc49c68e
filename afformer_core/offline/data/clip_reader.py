# SPDX-License-Identifier: Apache-2.0
"""Reader of clips: frames sampled by time and resized to the model's input, cached on disk."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from afformer_core.errors import DatasetError, VideoError
from afformer_core.files.atomic import write_aside
from afformer_core.media.frame_folder import frame_number, frame_paths, stream_frames
from afformer_core.media.images import resize_to_input
from afformer_core.media.video import VideoReader
from afformer_core.offline.data.frame_sampling import FrameSampling
from afformer_core.offline.data.sample import Sample

# Increment when reading or resizing of the same frames changes. Folders of frames have a separate
# number, so that cached videos need not be decoded again.
_VIDEO_CACHE_VERSION = 1
_FOLDER_CACHE_VERSION = 2


@dataclass(frozen=True)
class ClipReader:
    """A reader of clips that keeps only one full-size frame in memory at a time.

    A video is decoded twice: first for the times of its frames, then for the selected frames. Each
    frame has its own time, so the rate may vary, and edit lists and orientation are honoured like
    in `VideoReader`. A clip that is a part of a video begins with the frame that is displayed at
    the start of the part.

    The cache identifies a clip by its path, its part, and the size and time of change of its file
    or of each of its frames' files, so that a replaced file is read again.

    Attributes:
        sampling: sampling of the frames.
        size: (height, width) to which they are resized, each at least 1.
        cache_folder: folder of the cache of clips; None for no cache. Several processes may share
            it.
        folder_rate: frame numbers per second in a folder of frames, 60 for EPIC-KITCHENS; needed
            by a sampling by time. None if folders have no times.

    Raises:
        ValueError: a value is out of its range.
    """

    sampling: FrameSampling
    size: tuple[int, int]
    cache_folder: Path | None = None
    folder_rate: float | None = None

    def __post_init__(self) -> None:
        if min(self.size) < 1:
            raise ValueError(f'the size of frames is {self.size}; expected sides of at least 1')
        if self.folder_rate is not None and not 0 < self.folder_rate < float('inf'):
            raise ValueError(f'folder_rate is {self.folder_rate}; expected above 0 and finite')

    def read(self, sample: Sample) -> list[np.ndarray]:
        """Read the windows of a sample's clip.

        Returns:
            one array for each, uint8 [T, height, width, 3] RGB. Windows may share memory with each
            other and must not be changed.

        Raises:
            VideoError: the clip is missing or damaged (see `read_video`), or it is a folder of
                frames without times, and the sampling needs them.
            DatasetError: the cache folder cannot be written, for example to a full disk.
        """
        paths = frame_paths(sample.video_path)
        if self.cache_folder is None:
            return self._sample(sample, paths).images()
        cache = FrameCache(self.cache_folder)
        key = self._key(sample, paths)
        clip = cache.load(key)
        if clip is None:
            clip = self._sample(sample, paths)
            cache.save(key, clip)
        return clip.images()

    def _sample(self, sample: Sample, paths: Sequence[Path] | None) -> SampledClip:
        if paths is not None:
            if sample.clip is not None:
                raise VideoError(
                    f'{sample.video_path} is a folder of frames, whose parts are given by frame '
                    'numbers. Leave out the part in seconds'
                )
            times = self._folder_times(sample, paths)
            return self._collect(times, lambda used: stream_frames(paths[i] for i in used))
        with VideoReader(sample.video_path, sample.clip) as reader:
            # A damaged file may have decreasing times, although its frames are in the order of
            # display.
            times = np.maximum.accumulate(reader.times())
            if sample.clip is not None:
                times = np.maximum(times - sample.clip[0], 0.0)
            return self._collect(times, reader.select)

    def _collect(
        self, times: np.ndarray, select: Callable[[Sequence[int]], Iterable[np.ndarray]]
    ) -> SampledClip:
        """Sample frames with known times; `select` reads frames at increasing indices."""
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
                f'{sample.video_path} is a folder of frames, which have no times. Sample it '
                "uniformly, or give the rate of its frames' numbers"
            )
        return np.array([frame_number(path) for path in paths], np.float64) / self.folder_rate

    def _key(self, sample: Sample, paths: Sequence[Path] | None) -> str:
        if paths is None and not sample.video_path.is_file():
            raise VideoError(f'{sample.video_path} does not exist; expected a video file')
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


@dataclass(frozen=True)
class SampledClip:
    """The selected frames of a clip, and the windows that they form.

    Attributes:
        frames: uint8 [N, H, W, 3] RGB, each once, in order.
        windows: for each window the indices of its frames, at least one.
    """

    frames: np.ndarray
    windows: tuple[tuple[int, ...], ...]

    def images(self) -> list[np.ndarray]:
        """Return the frames of each window, uint8 [T, H, W, 3], which must not be modified."""
        return [
            self.frames[window[0] : window[-1] + 1]
            if window == tuple(range(window[0], window[-1] + 1))
            else self.frames[list(window)]
            for window in self.windows
        ]


class FrameCache:
    """Files of sampled clips in a folder, which any number of processes may share.

    A file is a `.safetensors` of the frames, with the key and the windows as metadata. It receives
    its final name when it is complete. A truncated file, or a file of another key, counts as
    missing.

    Args:
        folder: folder of the files; created when the first one is written.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def path(self, key: str) -> Path:
        """Return the path of a clip's file.

        Args:
            key: text that identifies the clip and how it was sampled and resized, of characters
                that file names may have.
        """
        return self.folder / f'{key}.safetensors'

    def load(self, key: str) -> SampledClip | None:
        """Read the clip of a key; None if there is no valid file of it."""
        try:
            with safe_open(self.path(key), 'numpy') as file:
                note = file.metadata() or {}
                if note.get('key') != key:
                    return None
                windows = tuple(map(tuple, json.loads(note['windows'])))
                return SampledClip(file.get_tensor('frames'), windows)
        except (OSError, SafetensorError):
            return None

    def save(self, key: str, clip: SampledClip) -> None:
        """Store a clip, replacing an earlier one under its key.

        Raises:
            DatasetError: the folder cannot be written, for example to a full disk; no part of the
                clip remains there.
        """
        note = {'key': key, 'windows': json.dumps(clip.windows)}
        content = save({'frames': np.ascontiguousarray(clip.frames)}, note)
        try:
            write_aside(self.path(key), content)
        except OSError as error:
            raise DatasetError(
                f'frames cannot be written to the cache folder {self.folder}: {error}. Free some '
                'space, or choose another folder'
            ) from error

# SPDX-License-Identifier: Apache-2.0
"""Reading and writing video files."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

import av
import av.container
import numpy as np

from afformer_core.errors import VideoError
from afformer_core.media.frame_folder import frame_paths, read_frames
from afformer_core.media.sampling import uniform_indices
from afformer_core.media.video_encoding import encode_video
from afformer_core.media.video_part import Part, decode_part, is_part
from afformer_core.media.video_scan import scan_frames
from afformer_core.media.video_stream import shown_seconds, upright


@dataclass(frozen=True)
class VideoFrame:
    """A frame of a video: `time` in seconds from the first one, `image` uint8 [H, W, 3] RGB."""

    time: float
    image: np.ndarray


class VideoReader:
    """Streams the frames of a video file, one at a time, in the order of display.

    Iterating starts at the first frame each time. An edit list is honoured: the frames are
    those that a player shows, not what a cut left in the file. A file that was cut off, or is
    damaged inside, ends without a word after the last frame that can be decoded; `scan` tells.

    Args:
        path: the file.
        clip: (begin, end) in seconds from the video's first frame: read what is shown in that
            part alone, by the frames' own times. All where None.
        threads: that decode; None for as many as the machine has cores.

    Attributes:
        rate: frames per second on average.
        duration: of the whole video in seconds, as the file says; None where it does not.

    Raises:
        VideoError: there is no such file, it is empty, or it is not a video, or the part is
            none. While iterating: not one frame of it can be decoded, or the part begins after
            the video's end, or ends more than a second after it.
    """

    def __init__(
        self, path: Path | str, clip: Part | None = None, threads: int | None = None
    ) -> None:
        self._path = Path(path)
        self._clip = clip
        if clip is not None and not is_part(clip):
            raise VideoError(
                f'a part of {self._path} goes from {clip[0]} s to {clip[1]} s; '
                'it must begin at 0 s or later and end after that'
            )
        if not self._path.is_file():
            raise VideoError(f'there is no video file {self._path}')
        if self._path.stat().st_size == 0:
            raise VideoError(f'the video file {self._path} is empty (0 bytes)')
        try:
            container = av.open(str(self._path))
        except (av.FFmpegError, OSError, ValueError) as error:
            raise VideoError(
                f'{self._path} is not a video that can be read, or is cut off '
                f'before its first frame: {error}'
            ) from error
        self._container: av.container.InputContainer = container
        if not container.streams.video:
            container.close()
            raise VideoError(f'{self._path} holds no video, only other media')
        self._stream = container.streams.video[0]
        if self._stream.codec_context is None:
            container.close()
            raise VideoError(
                f'{self._path} does not say how its video is encoded, or in a way that cannot be '
                'decoded here: it is damaged, or to be converted with ffmpeg'
            )
        self._stream.thread_type = 'AUTO'
        if threads is not None:
            self._stream.codec_context.thread_count = threads
        rate = self._stream.average_rate or self._stream.guessed_rate
        self.rate = float(rate) if rate else 25.0
        self.duration = shown_seconds(container, self._stream)

    def __enter__(self) -> VideoReader:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        self._container.close()

    def __iter__(self) -> Iterator[VideoFrame]:
        for time, frame in self._timed():
            yield VideoFrame(time, upright(frame))

    def count(self) -> int:
        """How many frames can be decoded; decodes them all.

        Raises:
            VideoError: not one.
        """
        return sum(1 for _ in self._decode())

    def times(self) -> np.ndarray:
        """Seconds of all frames from the video's first one, float64 [N]; decodes them all.

        Raises:
            VideoError: as while iterating.
        """
        return np.array([time for time, _ in self._timed()], np.float64)

    def select(self, indices: Iterable[int]) -> Iterator[np.ndarray]:
        """The frames of some increasing indices, one at a time: uint8 [H, W, 3] RGB.

        Raises:
            VideoError: the video has fewer frames.
        """
        wanted = iter(indices)
        index = next(wanted, None)
        for number, (_, frame) in enumerate(self._decode() if index is not None else ()):
            if number == index:
                yield upright(frame)
                if (index := next(wanted, None)) is None:
                    return
        if index is not None:
            raise VideoError(f'{self._path} has no frame {index}')

    def read(self, indices: Iterable[int]) -> np.ndarray:
        """The frames of some increasing indices together: uint8 [T, H, W, 3] RGB.

        Raises:
            VideoError: the video has fewer frames.
        """
        return np.stack(list(self.select(indices)))

    def scan(self, start: float) -> Iterator[tuple[float, av.VideoFrame]]:
        """Frames as they are decoded, from one before a time on where there is one.

        Unlike other ways to read it, damage is told. A frame becomes a picture by `upright`,
        which takes as long as decoding it, so that it pays not to do so for all.

        Args:
            start: seconds from the video's first frame.

        Returns:
            each frame and its seconds from the video's first frame.

        Raises:
            VideoError: while iterating: not one frame can be decoded, or no more of them, or the
                video ends long before its `duration`.
        """
        return scan_frames(
            self._container, self._stream, start, self.rate, self.duration, self._path
        )

    def _timed(self) -> Iterator[tuple[float, av.VideoFrame]]:
        for number, (time, frame) in enumerate(self._decode()):
            yield (number / self.rate if time is None else time), frame

    def _decode(self) -> Iterator[tuple[float | None, av.VideoFrame]]:
        """Each frame that is read and its seconds from the video's first one, None as below."""
        if self._clip is None:
            return self._decode_all()
        return decode_part(self._decode_all, self._container, self._clip, self.rate, self._path)

    def _decode_all(self) -> Iterator[tuple[float | None, av.VideoFrame]]:
        """Each frame and its seconds from the first one, None where the file does not say."""
        self._container.seek(0, stream=self._stream, backward=True)
        first: float | None = None
        count = 0
        try:
            for frame in self._container.decode(self._stream):
                if first is None:
                    first = frame.time
                count += 1
                known = frame.time is not None and first is not None
                yield (frame.time - first if known else None), frame
        except av.FFmpegError as error:
            if count == 0:
                raise VideoError(
                    f'not one frame of {self._path} can be decoded: {error}'
                ) from error
        if count == 0:
            raise VideoError(f'{self._path} holds no frame: it is cut off before its first one')


def read_video(
    path: Path | str, frame_count: int | None = None, clip: Part | None = None
) -> np.ndarray:
    """The frames of a video file, or of a folder of image files in the order of `FrameFolder`.

    Of a file that is damaged inside, those before the damage, see `VideoReader`.

    Args:
        path: the file, the folder, or a part of a folder as `FrameRange.path` names it.
        frame_count: at most so many, evenly spaced, first and last included; all where None.
        clip: of a file, read what is shown from the one to the other second, and nothing else.

    Returns:
        uint8 [T, H, W, 3] RGB.

    Raises:
        VideoError: the file is missing, empty, not a video, or cut off before its first frame;
            a frame of the folder is missing, damaged, or of another size than the first; or there
            is no such clip.
    """
    if (paths := frame_paths(Path(path))) is not None:
        if clip is not None:
            raise VideoError(
                f'{path} is a folder of frames, which have no times; name a part by their numbers'
            )
        count = len(paths) if frame_count is None else frame_count
        return read_frames([paths[i] for i in uniform_indices(len(paths), count)])
    with VideoReader(path, clip) as reader:
        if frame_count is None:
            return np.stack([frame.image for frame in reader])
        return reader.read(uniform_indices(reader.count(), frame_count))


def write_video(
    path: Path | str, frames: Iterable[np.ndarray], rate: float, constant_rate_factor: int = 20
) -> None:
    """Write an H.264 mp4; the file appears only when it is complete.

    Args:
        path: the file, its folder exists.
        frames: uint8 [H, W, 3] RGB each, all of one size with even sides, at least one.
        rate: frames per second.
        constant_rate_factor: 0 (lossless) to 51 (worst).

    Raises:
        VideoError: there is no frame, or one does not fit the description.
    """
    path = Path(path)
    aside = path.with_name(f'.{path.name}.{os.getpid()}.part')
    try:
        encode_video(aside, frames, rate, constant_rate_factor)
        os.replace(aside, path)
    finally:
        aside.unlink(missing_ok=True)

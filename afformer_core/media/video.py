# SPDX-License-Identifier: Apache-2.0
"""Readers and writers of video files."""

from __future__ import annotations

import contextlib
import io
import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import av.container
import numpy as np

from afformer_core.errors import VideoError
from afformer_core.media.frame_folder import frame_paths, read_frames
from afformer_core.media.sparse_decoding import Needed
from afformer_core.media.video_frames import (
    Part,
    decode_part,
    is_part,
    scan_frames,
    shown_seconds,
    uniform_indices,
    upright,
)

# Containers that FFmpeg may detect, independent of the name. Lists of other files, such as
# ffconcat or m3u8, are excluded: they could read outside the folders that a node may read.
_FORMATS = (
    'mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,mpegts,mpeg,mpegvideo,flv,asf,ogg,mxf,nut,gif,apng,'
    'ivf,h264,hevc,av1,obu,m4v,mjpeg,rm,dv,swf,yuv4mpegpipe,wav,mp3,aac,flac'
)
# Pixels of a frame; 8K has 33 million. A file of a few bytes can announce more than fits into
# memory, even after small frames.
_MOST_PIXELS = 40_000_000
# Minimum share of the announced frames that an undamaged file contains.
_SOUND = 0.9


# Codecs each of whose packets holds one frame that is shown.
_FRAME_PER_PACKET = ('h264', 'hevc')


class FrameCountError(VideoError):
    """A video that has another number of frames than expected."""


@dataclass(frozen=True)
class VideoFrame:
    """A frame of a video: `time` in seconds from the first one, `image` uint8 [H, W, 3] RGB."""

    time: float
    image: np.ndarray


class VideoReader:
    """The frames of a video file, decoded one at a time, in the order of display.

    Each iteration starts at the first frame. An edit list is honoured: the frames are those that a
    player shows. Iterating over a truncated or damaged file ends silently after the last frame
    that can be decoded; `scan` raises an error. A frame of more than 40 million pixels counts as
    damage.

    Args:
        path: the file.
        clip: (begin, end) in seconds from the video's first frame, to read only the frames shown
            in that part, by their own times. None for all frames.
        threads: number of decoding threads; None: one for each core.
        file: the opened file, if `path` is not on a local disk; it is closed with the reader.
        decoded: called with the seconds of each frame from the first one as it is decoded, None if
            there are no times; an exception that it raises ends the reading.

    Attributes:
        size: (width, height) of the stored frames, which players may turn.
        rate: average frames per second.
        duration: duration of the whole video in seconds, as stored in the file; None if the file
            has none.

    Raises:
        VideoError: there is no such file, it is empty or not a video, or the clip is not valid.
            While iterating: no frame can be decoded, or the clip begins after the video's end, or
            ends more than a second after it.
    """

    def __init__(
        self,
        path: Path | str,
        clip: Part | None = None,
        threads: int | None = None,
        decoded: Callable[[float | None], None] | None = None,
        file: io.RawIOBase | None = None,
    ) -> None:
        self._path = Path(path)
        self._file = file
        self._clip = clip
        self._decoded = decoded
        if clip is not None and not is_part(clip):
            raise VideoError(
                f'a part of {self._path} goes from {clip[0]} s to {clip[1]} s; expected a start '
                'of at least 0 s and a later end'
            )
        if file is None and not self._path.is_file():
            raise VideoError(f'{self._path} does not exist; expected a video file')
        if file is None and self._path.stat().st_size == 0:
            raise VideoError(f'the video file {self._path} is empty (0 bytes). Copy it again')
        try:
            container = av.open(
                file or str(self._path), 'r', options={'format_whitelist': _FORMATS}
            )
        except (av.FFmpegError, OSError, ValueError) as error:
            raise VideoError(
                f'{self._path} cannot be read as a video, or is truncated before its first frame: '
                f'{error}'
            ) from error
        self._container: av.container.InputContainer = container
        if not container.streams.video:
            container.close()
            raise VideoError(f'{self._path} contains only other media; expected a video')
        self._stream = container.streams.video[0]
        if self._stream.codec_context is None:
            container.close()
            raise VideoError(
                f'{self._path} is damaged, or its video has an encoding that cannot be decoded '
                'here. Convert it with ffmpeg'
            )
        self._stream.thread_type = 'AUTO'
        self._stream.codec_context.options = {'max_pixels': str(_MOST_PIXELS)}
        if threads is not None:
            self._stream.codec_context.thread_count = threads
        self.size = self._stream.codec_context.width, self._stream.codec_context.height
        rate = self._stream.average_rate or self._stream.guessed_rate
        self.rate = float(rate) if rate else 25.0
        self.duration = shown_seconds(container, self._stream)
        self._damaged = False
        # Frames that an edit list cuts out.
        self._cut_out = 0

    def __enter__(self) -> VideoReader:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        self._container.close()
        if self._file is not None:
            self._file.close()

    def __iter__(self) -> Iterator[VideoFrame]:
        for time, frame in self._timed():
            yield VideoFrame(time, upright(frame))

    def count(self) -> int:
        """Count the frames that can be decoded, by decoding them all.

        Raises:
            VideoError: no frame can be decoded.
        """
        return sum(1 for _ in self._decode())

    def stored(self) -> int | None:
        """Count the frames of the whole video without decoding them.

        Returns:
            the number, which differs from `count` if the file is damaged; None if it is not known
            without decoding.
        """
        if self._clip is not None or self._stream.codec_context.name not in _FRAME_PER_PACKET:
            return None
        self._container.seek(0, stream=self._stream, backward=True)
        count = self._cut_out = 0
        # Of a file that is cut off, the frames before the end are counted.
        with contextlib.suppress(av.FFmpegError):
            for packet in self._container.demux(self._stream):
                # The packet that ends the stream is empty.
                count += packet.size > 0 and not packet.is_discard
                self._cut_out += packet.is_discard
        return count or None

    def announced(self, count: int) -> int | None:
        """Return the number of frames according to the file; None if `count` is close to it.

        Args:
            count: number of frames that were read.
        """
        announced = self._stream.frames - self._cut_out
        if not self._stream.frames:
            announced = round((self.duration or 0.0) * self.rate)
        return announced if count < announced * (1 if self._damaged else _SOUND) else None

    def times(self) -> np.ndarray:
        """Return the seconds of all frames from the first one, float64 [N]; decodes them all.

        Raises:
            VideoError: see `VideoReader`.
        """
        return np.array([time for time, _ in self._timed()], np.float64)

    def select(self, indices: Iterable[int], count: int | None = None) -> Iterator[np.ndarray]:
        """Yield the frames of increasing indices, one at a time: uint8 [H, W, 3] RGB.

        Args:
            indices: the indices.
            count: number of frames that the video must have; None: any number.

        Raises:
            VideoError: the video has fewer frames.
            FrameCountError: it has another number of frames than `count`.
        """
        expected = iter(indices)
        index = next(expected, None)
        decoded = 0
        for number, (_, frame) in enumerate(self._decode() if index is not None else ()):
            decoded = number + 1
            if number == index:
                yield upright(frame)
                index = next(expected, None)
            if index is None and count is None:
                return
        if count not in (None, decoded):
            raise FrameCountError(f'{self._path} has {decoded} frames; expected {count}')
        if index is not None:
            raise VideoError(f'{self._path} has no frame {index}; it ends before')

    def read(self, indices: Iterable[int]) -> np.ndarray:
        """Read the frames of increasing indices: uint8 [T, H, W, 3] RGB.

        Raises:
            VideoError: the video has fewer frames.
        """
        return np.stack(list(self.select(indices)))

    def scan(
        self, start: float, needed: Needed | None = None
    ) -> Iterator[tuple[float, av.VideoFrame | None]]:
        """Yield frames as they are decoded, starting before `start` if possible.

        Unlike other methods, it raises an error at damage. The caller converts frames to images
        with `upright`, which takes as long as the decoding.

        Args:
            start: seconds from the video's first frame.
            needed: function that selects needed frames (see `decode_needed`); None: all.

        Returns:
            each frame with its seconds from the video's first frame; None for a frame that was not
            needed and was skipped.

        Raises:
            VideoError: while iterating: no frame, or no further frame, can be decoded, or the
                video ends long before its `duration`.
        """
        return scan_frames(
            self._container, self._stream, start, self.rate, self.duration, self._path, needed
        )

    def _timed(self) -> Iterator[tuple[float, av.VideoFrame]]:
        for number, (time, frame) in enumerate(self._decode()):
            yield (number / self.rate if time is None else time), frame

    def _decode(self) -> Iterator[tuple[float | None, av.VideoFrame]]:
        """Yield each frame of the clip and its seconds from the video's first one, or None."""
        if self._clip is None:
            return self._decode_all()
        return decode_part(
            self._decode_all, self._container, self._clip, self.rate, self._path, self._decoded
        )

    def _decode_all(self) -> Iterator[tuple[float | None, av.VideoFrame]]:
        """Yield each frame and its seconds from the first one, None if there are no times."""
        self._container.seek(0, stream=self._stream, backward=True)
        first: float | None = None
        count = 0
        try:
            for frame in self._container.decode(self._stream):
                if first is None:
                    first = frame.time
                count += 1
                known = frame.time is not None and first is not None
                time = frame.time - first if known else None
                if self._decoded is not None:
                    self._decoded(time)
                yield time, frame
        except av.FFmpegError as error:
            self._damaged = True
            if count == 0:
                raise VideoError(f'no frame of {self._path} can be decoded: {error}') from error
        if count == 0:
            raise VideoError(
                f'{self._path} contains no frame: it is truncated before its first one'
            )


def read_video(
    path: Path | str, frame_count: int | None = None, clip: Part | None = None
) -> np.ndarray:
    """Read the frames of a video file, or of a folder of image files in `FrameFolder`'s order.

    Of a damaged file, the frames before the damage are read (see `VideoReader`).

    Args:
        path: the file, the folder, or a clip of a folder as `FrameRange.path` names it.
        frame_count: largest number of frames, evenly spaced, with first and last; None for all.
        clip: (begin, end) in seconds, to read only a part of a file; None for all.

    Returns:
        uint8 [T, H, W, 3] RGB.

    Raises:
        VideoError: the file is missing, empty, not a video, or truncated before its first frame; a
            frame of the folder is missing, damaged, or of another size than the first; or there is
            no such clip.
    """
    if (paths := frame_paths(Path(path))) is not None:
        if clip is not None:
            raise VideoError(
                f'{path} is a folder of frames, which have no times. Name a part by their numbers'
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
        path: file in an existing folder.
        frames: uint8 [H, W, 3] RGB each, all of one size with even sides, at least one.
        rate: frames per second.
        constant_rate_factor: 0 (lossless) to 51 (worst).

    Raises:
        VideoError: there is no frame, or one has another type or size.
    """
    path = Path(path)
    aside = path.with_name(f'.{path.name}.{os.getpid()}.part')
    try:
        encode_video(aside, frames, rate, constant_rate_factor)
        os.replace(aside, path)
    finally:
        aside.unlink(missing_ok=True)


def encode_video(path: Path, frames: Iterable[np.ndarray], rate: float, quality: int) -> None:
    """Write an mp4 as the frames arrive; after an error, the written part remains.

    Args:
        path: path of the file.
        frames: uint8 [H, W, 3] RGB each, all of one size with even sides, at least one.
        rate: frames per second.
        quality: constant rate factor, 0 (lossless) to 51 (worst).

    Raises:
        VideoError: there is no frame, or one has another type or size.
    """
    with av.open(str(path), 'w', format='mp4') as container:
        stream: av.VideoStream | None = None
        for image in frames:
            if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8:
                raise VideoError(
                    f'a frame is {image.dtype} {image.shape}; expected uint8 (height, width, 3)'
                )
            height, width = image.shape[:2]
            if stream is None:
                if height % 2 or width % 2:
                    raise VideoError(f'a frame is {width}x{height}; expected even sides for H.264')
                exact = Fraction(rate).limit_denominator(1000)
                stream = container.add_stream('libx264', rate=exact)
                stream.width, stream.height, stream.pix_fmt = width, height, 'yuv420p'
                # Adaptive quantisation would make x264's output differ from run to run.
                stream.options = {
                    'crf': str(quality),
                    'preset': 'veryfast',
                    'x264-params': 'no-mbtree=1:aq-mode=0',
                }
                stream.codec_context.thread_count = 1
            elif (width, height) != (stream.width, stream.height):
                raise VideoError(
                    f'a frame is {width}x{height}; expected {stream.width}x{stream.height} as '
                    'the frames before it'
                )
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format='rgb24')))
        if stream is None:
            raise VideoError(f'the number of frames of {path.name} is 0; expected at least 1')
        container.mux(stream.encode())

# SPDX-License-Identifier: Apache-2.0
"""Cutting of clips and images of the benchmark from the files of their sources."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import av
import cv2
import numpy as np
from mcap.exceptions import McapError
from mcap.reader import make_reader
from numpy.typing import NDArray

from afformer_core.errors import DatasetError, VideoError
from afformer_core.media.images import read_image, write_jpeg
from afformer_core.media.video import write_video
from afformer_core.offline.evaluation.demonstration_to_image.entries import MediaReference

_VIDEOS = ('.mp4', '.gif', '.webm')
_STEREO = '.svo2'
_START_CODE = b'\0\0\0\1'
_JPEG_QUALITY = 95
_RATE_FACTOR = 16

_Image = NDArray[np.uint8]


def source_paths(root: Path, path: str) -> list[Path]:
    """List the files that a path of a reference names, in the order of their names.

    Args:
        root: folder of the repository.
        path: see `SourceFile`.
    """
    named = root / path
    return sorted(named.parent.glob(named.name)) if '*' in named.name else [named]


def hash_source(root: Path, path: str) -> str:
    """Hash the files of a reference; see `SourceFile.sha256`.

    Raises:
        OSError: a file is missing or cannot be read.
    """
    content = hashlib.sha256()
    for file in source_paths(root, path):
        content.update(file.read_bytes())
    return content.hexdigest()


def cut_media(root: Path, media: MediaReference, output: Path) -> None:
    """Write the clip as a video, or the image as JPEG.

    Args:
        root: folder of the repository.
        media: what to cut.
        output: file to write.

    Raises:
        DatasetError: the source has fewer frames.
        VideoError, ImageError: the source cannot be read.
    """
    output.parent.mkdir(parents=True, exist_ok=True)
    frames = (cut_frame(frame, media) for frame in read_source_frames(root, media))
    if media.rate is None:
        write_jpeg(output, next(frames), _JPEG_QUALITY)
    else:
        write_video(output, frames, media.rate, _RATE_FACTOR)


def read_source_frames(root: Path, media: MediaReference) -> Iterator[_Image]:
    """Read the whole frames of a reference, uint8 RGB [H, W, 3].

    Raises:
        DatasetError: the source has fewer frames.
        VideoError, ImageError: the source cannot be read.
    """
    first, last = media.frames
    paths = source_paths(root, media.file.path)
    suffix = media.file.path[media.file.path.rfind('.') :]
    if suffix in _VIDEOS:
        read = _video_frames(paths[0])
    elif suffix == _STEREO:
        read = iter(_stereo_frames(paths[0], last + 1))
    else:
        read = map(read_image, paths)
    count = 0
    for image in islice(read, last + 1):
        count += 1
        if count > first:
            yield image
    if count <= last:
        raise DatasetError(
            f'{media.file.path} of {media.file.repository} has {count} frames; {media.name} needs '
            f'{last + 1}'
        )


def _video_frames(path: Path) -> Iterator[_Image]:
    """Decode all frames of a video, also those that its edit list hides.

    Raises:
        VideoError: it is not a video.
    """
    try:
        with av.open(str(path), options={'ignore_editlist': '1'}) as container:
            for frame in container.decode(video=0):
                yield frame.to_ndarray(format='rgb24')
    except av.FFmpegError as error:
        raise VideoError(f'{path} cannot be read as a video: {error}') from error


def _stereo_frames(path: Path, count: int) -> list[_Image]:
    """Decode the first left images of a recording of a ZED camera.

    Raises:
        VideoError: it is not such a recording.
    """
    decoder = av.CodecContext.create('h264', 'r')
    frames: list[av.VideoFrame] = []
    try:
        with path.open('rb') as file:
            for _, channel, message in make_reader(file).iter_messages():
                if channel.topic.endswith('/side_by_side') and len(frames) < count:
                    start = message.data.find(_START_CODE)
                    frames += decoder.decode(av.Packet(message.data[start:]))
        frames += decoder.decode(None)
    except (McapError, av.FFmpegError) as error:
        raise VideoError(f'{path} cannot be read as a recording of a ZED: {error}') from error
    images = [frame.to_ndarray(format='rgb24') for frame in frames[:count]]
    return [np.asarray(image[:, : image.shape[1] // 2], np.uint8) for image in images]


def cut_frame(frame: _Image, media: MediaReference) -> _Image:
    """Crop a frame, and resize or warp it to the size of the reference."""
    if media.crop is not None:
        left, top, right, bottom = media.crop
        frame = frame[top:bottom, left:right]
    if media.homography is not None:
        warped = cv2.warpPerspective(
            frame,
            np.array(media.homography),
            media.size,
            flags=cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_REFLECT,
        )
        return np.asarray(warped, np.uint8)
    if media.size == frame.shape[1::-1]:
        return np.ascontiguousarray(frame)
    return np.asarray(cv2.resize(frame, media.size, interpolation=cv2.INTER_AREA), np.uint8)

# SPDX-License-Identifier: Apache-2.0
"""Videos, images and folders of images, as sources of frames."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from afformer_core.data.sampling import uniform_indices
from afformer_core.data.video import VideoReader
from afformer_core.errors import DemonstrationError, ImageError

IMAGE_SUFFIXES = ('.bmp', '.jpeg', '.jpg', '.png', '.tif', '.tiff', '.webp')


@dataclass(frozen=True)
class MediaFrames:
    """A demonstration as it was read.

    Attributes:
        frames: uint8 RGB [H, W, 3] each, in order.
        frame_count: frames that the source holds.
        duration: seconds between its first and last frame; 0 where it has no time.
    """

    frames: tuple[NDArray[np.uint8], ...]
    frame_count: int
    duration: float


@dataclass(frozen=True)
class TimedImage:
    """uint8 RGB [H, W, 3] and its seconds from the first one, where the source has time."""

    image: NDArray[np.uint8]
    time: float | None


def read_image(path: Path) -> NDArray[np.uint8]:
    """uint8 RGB [H, W, 3] of an image file.

    Raises:
        ImageError: missing, empty or not an image.
    """
    if not path.is_file():
        raise ImageError(f'there is no image file {path}')
    data = np.fromfile(path, np.uint8)
    image = cv2.imdecode(data, cv2.IMREAD_COLOR) if data.size else None
    if image is None:
        raise ImageError(f'{path} ({data.size} bytes) is not an image that can be read')
    return np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2RGB), dtype=np.uint8)


def image_paths(folder: Path) -> tuple[Path, ...]:
    """Image files of a folder in order of their names.

    Raises:
        ImageError: there is none.
    """
    paths = tuple(
        path
        for path in sorted(folder.iterdir())
        if path.suffix.lower() in IMAGE_SUFFIXES and not path.name.startswith('.')
    )
    if not paths:
        raise ImageError(
            f'folder {folder} has no image; its files must end in one of '
            f'{", ".join(IMAGE_SUFFIXES)}'
        )
    return paths


def timed_images(path: Path) -> Iterator[TimedImage]:
    """All frames of a video, an image or a folder of images, read as they are asked for.

    Raises:
        VideoError: the video is missing, empty or not a video.
        ImageError: an image cannot be read, or a folder has none.
    """
    if path.is_dir():
        for one in image_paths(path):
            yield TimedImage(read_image(one), None)
    elif path.suffix.lower() in IMAGE_SUFFIXES:
        yield TimedImage(read_image(path), None)
    else:
        with VideoReader(path) as reader:
            for frame in reader:
                yield TimedImage(frame.image, frame.time)


def permitted_path(path: str, folders: tuple[Path, ...]) -> Path:
    """The resolved path, where it lies below one of the resolved folders.

    Raises:
        DemonstrationError: it does not, whether or not it exists.
    """
    resolved = Path(path).expanduser().resolve()
    if not any(resolved.is_relative_to(folder) for folder in folders):
        allowed = ', '.join(str(folder) for folder in folders) or 'no folder'
        raise DemonstrationError(
            f'{path!r} may not be read; the parameter demonstration_folders allows {allowed}'
        )
    return resolved


def read_demonstration(path: Path, maximum_frames: int) -> MediaFrames:
    """At most so many frames of a video or a folder of images, evenly spaced.

    Raises:
        VideoError: the video is missing, empty or not a video.
        ImageError: an image cannot be read, or a folder has none.
    """
    if path.is_dir():
        paths = image_paths(path)
        chosen = uniform_indices(len(paths), maximum_frames)
        return MediaFrames(tuple(read_image(paths[i]) for i in chosen), len(paths), 0.0)
    with VideoReader(path) as reader:
        count = reader.count()
        frames = reader.read(uniform_indices(count, maximum_frames))
        return MediaFrames(tuple(frames), count, (count - 1) / reader.rate)

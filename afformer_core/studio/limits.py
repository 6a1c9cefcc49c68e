# SPDX-License-Identifier: Apache-2.0
"""Limits of the input of a page, checks of files before decoding, and reading within limits."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np
from numpy.typing import NDArray

from afformer_core.demonstrations.media import MediaFrames, read_demonstration, split_part
from afformer_core.errors import ImageError, VideoError
from afformer_core.media.images import read_image, read_image_size
from afformer_core.media.video import VideoReader

_LONGEST_NAME = 100
# Enough for the zoom stages of a model; more is kept in memory for nothing.
_KEPT_PIXELS = 20_000_000
# Held while a large image is decoded, so that pages do not need the memory of several at once.
_DECODING = threading.Lock()


@dataclass(frozen=True)
class Limits:
    """Maximum sizes of the input of a page.

    Attributes:
        file_bytes: bytes of an uploaded file.
        image_pixels: pixels of an image; larger than those of the sensors of phones.
        frame_pixels: pixels of a frame of a video.
        frames: frames of a video.
        seconds: seconds for reading a video.
        demonstrations, images: number of demonstrations and of images in a page.
    """

    file_bytes: int = 200_000_000
    image_pixels: int = 120_000_000
    frame_pixels: int = 40_000_000
    frames: int = 36_000
    seconds: float = 120.0
    demonstrations: int = 8
    images: int = 8


def reading_limit(limits: Limits, name: str) -> Callable[[int, float], None]:
    """Return a progress callback that ends reading with a VideoError at a limit.

    Args:
        limits: the limits.
        name: display name of the video.
    """
    end = time.monotonic() + limits.seconds

    def check(frames: int, share: float) -> None:
        if frames > limits.frames:
            raise VideoError(
                f'{name} has more than {limits.frames} frames. Cut out the part that shows the '
                'action'
            )
        if time.monotonic() > end:
            raise VideoError(
                f'{name} takes more than {limits.seconds:g} s to read. Cut out the part that '
                'shows the action, or make it smaller'
            )

    return check


def require_small_image(path: Path, limits: Limits, name: str) -> tuple[int, int]:
    """Check the size of an image by its header, and return its (width, height).

    Raises:
        ImageError: it is not an image, or has more pixels than the limits allow.
    """
    try:
        width, height = read_image_size(path)
    except ValueError as error:
        raise ImageError(f'{name} cannot be read as an image. Give a JPEG, PNG or HEIC') from error
    if width * height > limits.image_pixels:
        raise ImageError(
            f'{name} has {width}x{height} pixels; expected at most '
            f'{limits.image_pixels / 1e6:g} million. Make it smaller'
        )
    return width, height


def require_small_video(path: Path, limits: Limits, name: str) -> None:
    """Check the format and the size of a video by its header.

    Raises:
        VideoError: it is not a video, it refers to other files, or its frames have more pixels
            than the limits allow.
    """
    try:
        with VideoReader(path) as reader:
            width, height = reader.size
    except VideoError as error:
        raise VideoError(
            f'{name} cannot be read as a video. Give an MP4, MKV, WebM, AVI or GIF'
        ) from error
    if width * height > limits.frame_pixels:
        raise VideoError(
            f'{name} has frames of {width}x{height} pixels; expected at most '
            f'{limits.frame_pixels / 1e6:g} million. Make them smaller'
        )


def read_limited_demonstration(
    path: Path, maximum_frames: int, limits: Limits, name: str
) -> MediaFrames:
    """Read a demonstration.

    Args:
        path: path of a video, and its part, see `read_demonstration`.
        maximum_frames: maximum number of frames that the model keeps.
        limits: the limits.
        name: its display name.

    Raises:
        VideoError: it cannot be read, or exceeds a limit.
    """
    require_small_video(split_part(path)[0], limits, name)
    return read_demonstration(path, maximum_frames, reading_limit(limits, name))


@dataclass(frozen=True)
class LimitedImage:
    """An image that a page keeps.

    Attributes:
        name: its display name.
        image: uint8 RGB [H, W, 3], reduced to at most 20 million pixels.
        size: (width, height) of the file, to whose pixels results refer.
    """

    name: str
    image: NDArray[np.uint8]
    size: tuple[int, int]


def read_limited_image(path: Path, limits: Limits, name: str) -> LimitedImage:
    """Read an image, at a half, a quarter or an eighth of its size if it is large.

    Raises:
        ImageError: it cannot be read, or exceeds a limit.
    """
    width, height = require_small_image(path, limits, name)
    reduction = next((step for step in (1, 2, 4) if width * height <= step**2 * _KEPT_PIXELS), 8)
    try:
        # A large PNG or HEIC is decoded in full before it is reduced.
        with _DECODING if reduction > 1 else nullcontext():
            return LimitedImage(name, read_image(path, reduction), (width, height))
    except ImageError as error:
        raise ImageError(f'{name} is damaged. Copy it again') from error


def shown_name(given: str) -> str:
    """Return the last part of a name from a browser, printable and short.

    It is displayed and written into tables, but never used to open or create a file.
    """
    last = PurePosixPath(given.replace('\\', '/')).name
    printable = ''.join(letter for letter in last if letter.isprintable()).strip()
    name = printable[-_LONGEST_NAME:].strip()
    return 'unnamed' if name in ('', '.', '..') else name

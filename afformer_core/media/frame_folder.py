# SPDX-License-Identifier: Apache-2.0
"""Folders of image files as videos, and clips of them."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import PIL.Image
import PIL.ImageOps

from afformer_core.errors import VideoError

IMAGE_SUFFIXES = ('.bmp', '.heic', '.jpeg', '.jpg', '.png', '.tif', '.tiff', '.webp')

_NUMBERED = re.compile(rf'.*?(\d+)(?:{"|".join(map(re.escape, IMAGE_SUFFIXES))})', re.IGNORECASE)
_RANGE = re.compile(r'(.+)#(\d+)-(\d+):(\d+)')


@dataclass(frozen=True)
class FrameRange:
    """A clip of a video whose frames are numbered image files in a folder.

    Attributes:
        folder: folder of the files, such as `frame_0000000301.jpg`; `FOLDER/color_` for those
            whose names begin so, if other images lie beside them.
        first: number of the first frame, at least 0.
        last: number of the last frame, at least `first`.
        step: one frame is read for each `step` numbers, counted from `first`; at least 1.

    Raises:
        ValueError: a number is out of its range.
    """

    folder: Path
    first: int
    last: int
    step: int = 1

    def __post_init__(self) -> None:
        if not 0 <= self.first <= self.last:
            raise ValueError(
                f'a clip goes from frame {self.first} to frame {self.last}; '
                'expected a first frame of at least 0 and not after the last'
            )
        if self.step < 1:
            raise ValueError(f'the step of a clip is {self.step}; expected at least 1')

    @property
    def path(self) -> Path:
        """Path of the clip, `FOLDER#FIRST-LAST:STEP`, that `read_video` accepts.

        Clips of one video must not share a path, since annotations of a clip are stored by its
        path.
        """
        return Path(f'{self.folder}#{self.first}-{self.last}:{self.step}')

    @classmethod
    def of(cls, path: Path) -> FrameRange | None:
        """Parse a path that names a clip; return None for other paths, and if such a file exists.

        Raises:
            ValueError: the numbers do not form a valid clip.
        """
        match = _RANGE.fullmatch(str(path))
        if match is None or path.exists():
            return None
        folder, first, last, step = match.groups()
        return cls(Path(folder), int(first), int(last), int(step))


class FrameFolder:
    """The image files of a folder, listed once, as the frames of a video.

    Frames are the files whose names end in a number before an image's suffix, in the order of the
    numbers; other files, such as a cover, are ignored. If no name ends in a number, all images are
    frames, in the order of their names.

    Args:
        folder: folder of the files; hidden ones are ignored.
        names: names of its files, if it is not on a local disk.

    Raises:
        VideoError: there is no such folder, it has no image, or a number appears twice.
    """

    def __init__(self, folder: Path, names: Iterable[str] | None = None) -> None:
        if names is None and not folder.is_dir():
            raise VideoError(f'{folder} does not exist; expected a folder of frames')
        self.folder = folder
        names = os.listdir(folder) if names is None else names
        self._images = sorted(name for name in names if _is_image(name))
        if not self._images:
            raise VideoError(
                f'{folder} contains 0 frames; expected images such as frame_0000000001.jpg, whose '
                f'names end in one of {", ".join(IMAGE_SUFFIXES)}'
            )
        self._names: dict[int, str] = {}
        for name in self._images:
            match = _NUMBERED.fullmatch(name)
            if match is None:
                continue
            other = self._names.setdefault(int(match[1]), name)
            if other != name:
                raise VideoError(
                    f'{folder} contains both {other} and {name}. Keep one file for each number'
                )

    def paths(self) -> list[Path]:
        """Return the files of all frames in order, at least one."""
        names = [self._names[number] for number in sorted(self._names)]
        return [self.folder / name for name in names or self._images]

    def clip_paths(self, first: int, last: int, step: int) -> list[Path]:
        """Return the first file of each `step` numbers from `first` to `last`.

        A folder may contain every frame of the video or, to save space, only one in `step`.

        Raises:
            VideoError: `step` consecutive numbers have no file.
        """
        paths = []
        for start in range(first, last + 1, step):
            numbers = range(start, min(start + step, last + 1))
            name = next((self._names[number] for number in numbers if number in self._names), None)
            if name is not None:
                paths.append(self.folder / name)
            # If only one in `step` frames is stored, the next one may lie just after the clip's
            # end.
            elif len(numbers) == step or not paths:
                raise VideoError(f'{self.folder} lacks the frame {_span(numbers)}')
        return paths


def frame_paths(path: Path, folders: dict[Path, FrameFolder] | None = None) -> list[Path] | None:
    """Return the files of the frames of a demonstration's path, in order.

    Args:
        path: a folder, for all its frames, or the path of a `FrameRange`.
        folders: folders that were already listed; new ones are added.

    Returns:
        at least one file; None if the path is neither a folder nor a clip.

    Raises:
        VideoError: the folder or one of the frames does not exist, or the clip is not valid.
    """
    try:
        clip = FrameRange.of(path)
    except ValueError as error:
        raise VideoError(f'{path}: {error}') from error
    if clip is None and not path.is_dir():
        return None
    folder = path if clip is None else clip.folder
    known = {} if folders is None else folders
    if folder not in known:
        known[folder] = FrameFolder(folder) if folder.is_dir() else _of_beginning(folder)
    if clip is None:
        return known[folder].paths()
    return known[folder].clip_paths(clip.first, clip.last, clip.step)


def _of_beginning(path: Path) -> FrameFolder:
    """List the images of a folder whose names begin with the last part of a path."""
    listed = os.listdir(path.parent) if path.parent.is_dir() else []
    names = [name for name in listed if name.startswith(path.name) and _is_image(name)]
    if not names:
        raise VideoError(f'{path} does not exist; expected a folder of frames')
    return FrameFolder(path.parent, names)


def frame_number(path: Path) -> int:
    """Return the number in the name of a frame's file.

    Raises:
        VideoError: it has none.
    """
    match = _NUMBERED.fullmatch(path.name)
    if match is None:
        raise VideoError(f'the name of {path} has no number; expected one before its suffix')
    return int(match[1])


def stream_frames(paths: Iterable[Path]) -> Iterator[np.ndarray]:
    """Read image files of one size, one at a time and upright: uint8 [H, W, 3] RGB.

    Raises:
        VideoError: one is missing, empty, damaged, or of another size than the first.
    """
    first: tuple[int, ...] | None = None
    for path in paths:
        frame = _read_frame(path)
        first = frame.shape if first is None else first
        if frame.shape != first:
            raise VideoError(
                f'{path} is {frame.shape[1]}x{frame.shape[0]}; expected {first[1]}x{first[0]}, '
                'the size of the first frame of the clip'
            )
        yield frame


def read_frames(paths: Sequence[Path]) -> np.ndarray:
    """Read image files of one size, at least one: uint8 [T, H, W, 3] RGB.

    Raises:
        VideoError: see `stream_frames`.
    """
    return np.stack(list(stream_frames(paths)))


def _is_image(name: str) -> bool:
    return not name.startswith('.') and Path(name).suffix.lower() in IMAGE_SUFFIXES


def _read_frame(path: Path) -> np.ndarray:
    if not path.is_file():
        raise VideoError(f'{path} does not exist; expected a frame')
    if path.stat().st_size == 0:
        raise VideoError(f'the frame {path} is empty (0 bytes). Copy it again')
    # Pillow rejects a truncated file; OpenCV would fill the rest with grey.
    try:
        with PIL.Image.open(path) as image:
            return np.array(PIL.ImageOps.exif_transpose(image).convert('RGB'))
    except (OSError, SyntaxError, ValueError, PIL.Image.DecompressionBombError) as error:
        raise VideoError(
            f'the frame {path} is truncated or cannot be read as an image: {error}'
        ) from error


def _span(numbers: range) -> str:
    return str(numbers[0]) if len(numbers) == 1 else f'from {numbers[0]} to {numbers[-1]}'

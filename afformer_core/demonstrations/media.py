# SPDX-License-Identifier: Apache-2.0
"""Sources of frames: videos, bags, images, folders of images, and sequences of images."""

from __future__ import annotations

import contextlib
import math
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from afformer_core.demonstrations.contact_reading.demonstration_reader import (
    RATE,
    DemonstrationReader,
    small_image,
)
from afformer_core.demonstrations.optical_flow import MOST_FRAMES, SIDE
from afformer_core.errors import DemonstrationError, ImageError
from afformer_core.media.bag import Bag
from afformer_core.media.frame_folder import IMAGE_SUFFIXES, FrameFolder, stream_frames
from afformer_core.media.images import Image, as_image, read_image
from afformer_core.media.polygons import Point
from afformer_core.media.read_ahead import read_ahead
from afformer_core.media.video import FrameCountError, VideoReader
from afformer_core.media.video_frames import Part, is_part, uniform_indices
from afformer_core.messages.image_decoding import IMAGE_TYPES, to_rgb
from afformer_core.runtime.demonstration import Demonstration
from afformer_core.runtime.peaks import Peak

_MARK = '#'
# Frames that are decoded while the hands of an earlier one are detected.
_FRAMES_AHEAD = 4
# The syntax of W3C media fragments for a part in seconds: VIDEO#t=1.5,3.
_PART = re.compile(r't=(\d+(?:\.\d+)?|),(\d+(?:\.\d+)?)')
# Share of the diagonal of a frame within which a tap takes a candidate for the contact.
_REACH = 0.015
_CONTACT = re.compile(r'(.*)[#&]contact=(\d+(?:\.\d+)?),(\d+(?:\.\d+)?)')
# In a long source, the frames that are read are farther apart.
_MOST_READ = 256
# Somebody waits for a file; frames of a camera arrive more slowly than one thread reads them.
_THREADS = 2

# Called with the number of frames read so far, and with the share of the file, 0 to 1, or NaN if
# unknown. An error that it raises ends the reading.
Progress = Callable[[int, float], None]


def untold(frames: int, share: float) -> None:
    """Ignore the progress."""


@dataclass(frozen=True)
class MediaFrames:
    """Frames of a demonstration from a file.

    Attributes:
        frames: uint8 RGB [H, W, 3] each, in order.
        frame_count: number of frames in the source.
        duration: seconds between its first and last frame; 0 if it has no times.
        motion_frames: uint8 RGB [h, w, 3] each, more frames at a small size, for `shown_rotation`;
            empty: `frames` are used.
        contact: see `EncodedFrames.contact`.
        announced: number of frames according to the video if it is damaged or truncated; None if
            all frames were read.
        reader: reader of the contact, which has observed the frames; None if the contact is not
            read.
    """

    frames: tuple[NDArray[np.uint8], ...]
    frame_count: int
    duration: float
    motion_frames: tuple[NDArray[np.uint8], ...] = ()
    contact: Point | None = None
    announced: int | None = None
    reader: DemonstrationReader | None = None


class EvenFrames:
    """The evenly spaced frames that are kept while a source is read.

    Args:
        count: number of frames of the source, at least 1.
        maximum: maximum number of full-size frames, at least 1.
        rate: frames per second; 0 if the source has no times.

    Attributes:
        indices: ascending indices of the frames to `take`.
    """

    def __init__(self, count: int, maximum: int, rate: float) -> None:
        self._count, self._rate = count, rate or RATE
        stride = max(round(self._rate / RATE), math.ceil(count / _MOST_READ), 1)
        self._whole = set(uniform_indices(count, maximum))
        self._small = set(uniform_indices(count, MOST_FRAMES))
        self._read = set(range(0, count, stride))
        self.indices = sorted(self._whole | self._small | self._read)
        self._reader = DemonstrationReader(_THREADS)
        self._frames: list[NDArray[np.uint8]] = []
        self._motion_frames: list[NDArray[np.uint8]] = []

    def take(self, index: int, image: NDArray[np.uint8]) -> None:
        """Add the frame, uint8 RGB [H, W, 3], of the next of the `indices`."""
        if index in self._whole:
            self._frames.append(image)
        if index in self._small:
            self._motion_frames.append(small_image(image, SIDE))
        if index in self._read:
            self._reader.observe(image, index / self._rate)

    def taken(self, duration: float, announced: int | None = None) -> MediaFrames:
        """Return the frames that were taken; see `MediaFrames` for the arguments."""
        return MediaFrames(
            tuple(self._frames),
            self._count,
            duration,
            tuple(self._motion_frames),
            announced=announced,
            reader=self._reader,
        )


@dataclass(frozen=True)
class TimedImage:
    """Image, uint8 RGB [H, W, 3], and its seconds after the first one, if the source has times."""

    image: NDArray[np.uint8]
    time: float | None


def timed_images(path: Path) -> Iterator[TimedImage]:
    """Read all frames of a video, an image or a folder of images, one at a time.

    Images of a folder are in the order of `FrameFolder`.

    Raises:
        VideoError: the video is missing, empty or not a video, or a folder has no image.
        ImageError: an image cannot be read.
    """
    if path.is_dir():
        for frame_path in FrameFolder(path).paths():
            yield TimedImage(read_image(frame_path), None)
    elif path.suffix.lower() in IMAGE_SUFFIXES:
        yield TimedImage(read_image(path), None)
    else:
        with VideoReader(path) as reader:
            for frame in reader:
                yield TimedImage(frame.image, frame.time)


def permitted_path(path: str, folders: tuple[Path, ...]) -> Path:
    """Resolve a path, and check that it lies below one of the folders.

    Args:
        path: path of a file or folder, see `read_demonstration`.
        folders: resolved folders that may be read.

    Raises:
        DemonstrationError: the path does not lie below a folder, whether or not it exists.
    """
    # the path is resolved without the topic, so that a link cannot hide in the name
    file, topic = split_topic(Path(path).expanduser())
    resolved = file.resolve()
    if not any(resolved.is_relative_to(folder) for folder in folders):
        allowed = ', '.join(str(folder) for folder in folders) or 'no folder'
        raise DemonstrationError(
            f'{path!r} may not be read; the parameter demonstration_folders allows {allowed}'
        )
    return Path(f'{resolved}{_MARK}{topic}') if topic else resolved


def split_topic(path: Path) -> tuple[Path, str]:
    """Split `BAG#TOPIC` into its two parts; the topic is '' if none is named."""
    file, mark, topic = str(path).rpartition(_MARK)
    return (Path(file), topic) if mark and not path.exists() else (path, '')


def split_part(path: Path) -> tuple[Path, Part | None]:
    """Split `VIDEO#t=BEGIN,END` into its file and its part in seconds; None: the whole video.

    Raises:
        DemonstrationError: the end of the part is not after its beginning.
    """
    file, fragment = split_topic(path)
    if (named := _PART.fullmatch(fragment)) is None:
        return path, None
    part = (float(named[1] or 0), float(named[2]))
    if not is_part(part):
        raise DemonstrationError(
            f'the part {fragment} of {file} goes from {part[0]:g} s to {part[1]:g} s; expected '
            'a later end'
        )
    return file, part


def split_contact(path: Path) -> tuple[Path, Point | None]:
    """Split `SOURCE#contact=X,Y`, or `VIDEO#t=BEGIN,END&contact=X,Y`, into source and pixel."""
    named = None if path.exists() else _CONTACT.fullmatch(str(path))
    return (path, None) if named is None else (Path(named[1]), (float(named[2]), float(named[3])))


def contact_position(pixel: Point, frame: NDArray[np.uint8]) -> Point:
    """Convert a pixel of a demonstration's first frame to `EncodedFrames.contact`.

    Args:
        pixel: (x, y); the first pixel's centre is (0, 0).
        frame: uint8 RGB [H, W, 3].

    Raises:
        DemonstrationError: the pixel lies outside the frame.
    """
    (x, y), (height, width) = pixel, frame.shape[:2]
    if not (0 <= x <= width - 1 and 0 <= y <= height - 1):
        raise DemonstrationError(
            f'the contact is marked at {x:g},{y:g}; expected a pixel of the first frame, which '
            f'has {width}x{height}'
        )
    return (x + 0.5) / width, (y + 0.5) / height


def contact_pixel(position: Point, frame: NDArray[np.uint8]) -> Point:
    """Return the pixel of a demonstration's first frame, the inverse of `contact_position`.

    Args:
        position: (x, y) as shares of width and height, 0 to 1.
        frame: uint8 RGB [H, W, 3].

    Returns:
        (x, y), to a thousandth of a pixel.
    """
    height, width = frame.shape[:2]
    return round(position[0] * width - 0.5, 3), round(position[1] * height - 0.5, 3)


def contact_candidates(demonstration: Demonstration, frame: NDArray[np.uint8]) -> tuple[Peak, ...]:
    """Return `Demonstration.contacts` as pixels inside its recorded first frame [H, W, 3]."""
    (rows, columns), (height, width) = demonstration.frame_size, frame.shape[:2]
    candidates = []
    for contact in demonstration.contacts:
        x, y = contact_pixel(((contact.u + 0.5) / columns, (contact.v + 0.5) / rows), frame)
        inside = {'u': min(max(x, 0.0), width - 1.0), 'v': min(max(y, 0.0), height - 1.0)}
        candidates.append(replace(contact, **inside))
    return tuple(candidates)


def tapped(pixel: Point, candidates: Sequence[Point], frame: NDArray[np.uint8]) -> Point:
    """Return the nearest candidate (x, y) if it is within reach in a frame; else the pixel."""
    nearest = min(candidates, key=lambda candidate: math.dist(candidate, pixel), default=pixel)
    reach = _REACH * math.hypot(*frame.shape[:2])
    return nearest if math.dist(nearest, pixel) <= reach else pixel


def select_evenly(frames: Sequence[Image], maximum_frames: int) -> MediaFrames:
    """Select evenly spaced frames of a sequence of images.

    Args:
        frames: images of one size, in order, at least one.
        maximum_frames: largest number of frames, at least 1.

    Raises:
        DemonstrationError: there is no frame.
        ImageError: a frame is not an image, or has another size than the first.
    """
    if not len(frames):
        raise DemonstrationError('the demonstration has 0 frames; expected at least 1')
    kept = EvenFrames(len(frames), maximum_frames, 0.0)
    size: tuple[int, ...] = ()
    for index in kept.indices:
        try:
            image = as_image(frames[index])
        except ImageError as error:
            raise ImageError(f'frame {index} of the demonstration: {error}') from error
        size = size or image.shape
        if image.shape != size:
            raise ImageError(
                f'frame {index} of the demonstration has {image.shape[1]}x{image.shape[0]} '
                f'pixels; expected {size[1]}x{size[0]}, like the first'
            )
        kept.take(index, image)
    return kept.taken(0.0)


def read_demonstration(
    path: Path, maximum_frames: int, progress: Progress = untold
) -> MediaFrames:
    """Read evenly spaced frames of a video, a folder of images or a bag.

    From a folder, the same frames are read as in training, see `FrameFolder`.

    Args:
        path: path of the source. `BAG#TOPIC` is a topic of a bag, required if the bag has several
            topics of images. `VIDEO#t=BEGIN,END` is a part of a video, in seconds from its first
            frame. `SOURCE#contact=X,Y` marks the contact at a pixel of the first frame; after a
            part or topic, append `&contact=X,Y`.
        maximum_frames: largest number of frames, at least 1.
        progress: called with the progress of reading after each frame.

    Raises:
        VideoError: the video is missing, empty or not a video; a folder has no image, or one that
            cannot be read or has another size than the first; the video has no such part.
        BagError: the bag is missing or damaged.
        DemonstrationError: the bag has no such topic of images, or has several and none was named;
            a part of a bag or a folder was named; the contact lies outside the frame.
    """
    source, pixel = split_contact(path)
    media = _read_source(source, maximum_frames, progress)
    if pixel is None:
        return media
    return replace(media, contact=contact_position(pixel, media.frames[0]))


def _read_source(path: Path, maximum_frames: int, progress: Progress) -> MediaFrames:
    file, part = split_part(path)
    if part is not None:
        if file.is_dir() or is_bag(file):
            raise DemonstrationError(
                f'{file} is not a video; expected a video, because its part is given in seconds'
            )
        return _read_video(file, maximum_frames, progress, part)
    file, topic = split_topic(path)
    if topic or is_bag(file):
        return _read_bag(file, topic, maximum_frames, progress)
    if not file.is_dir():
        return _read_video(file, maximum_frames, progress)
    paths = FrameFolder(file).paths()
    kept = EvenFrames(len(paths), maximum_frames, 0.0)
    images = stream_frames([paths[index] for index in kept.indices])
    for number, (index, image) in enumerate(zip(kept.indices, images, strict=True), 1):
        kept.take(index, image)
        progress(number, number / len(kept.indices))
    return kept.taken(0.0)


def is_bag(path: Path) -> bool:
    """Check whether a path is a folder of a rosbag2 or a bare MCAP file."""
    return path.suffix == '.mcap' or (path / 'metadata.yaml').is_file()


def _read_bag(path: Path, topic: str, maximum_frames: int, progress: Progress) -> MediaFrames:
    with Bag(path) as bag:
        chosen = _image_topic(bag, topic)
        count = bag.count(chosen)
        if not count:
            raise DemonstrationError(f'topic {chosen} of {path} has no image. Record it again')
        seconds = (bag.end - bag.start) * 1e-9
        kept = EvenFrames(count, maximum_frames, count / seconds if seconds > 0 else 0.0)
        expected = set(kept.indices)
        times: list[int] = []
        for number, message in enumerate(bag.messages((chosen,), bag.start, bag.end)):
            times.append(message.time)
            progress(number + 1, (number + 1) / count)
            if number in expected:
                kept.take(number, to_rgb(bag.decode(message)))
        return kept.taken((times[-1] - times[0]) * 1e-9)


def _image_topic(bag: Bag, topic: str) -> str:
    found = sorted(name for name, kind in bag.topics.items() if kind in IMAGE_TYPES)
    if topic:
        if topic not in found:
            raise DemonstrationError(
                f'{bag.path} has no image topic {topic}; it has: {", ".join(found) or "none"}'
            )
        return topic
    if len(found) != 1:
        raise DemonstrationError(
            f'{bag.path} has {len(found)} image topics ({", ".join(found) or "none"}); name one '
            f'as {bag.path.name}#TOPIC'
        )
    return found[0]


class VideoProgress:
    """The progress of a video whose frames are read, and counted before if necessary.

    Args:
        progress: called for each frame.

    Attributes:
        duration: duration of the video in seconds; None if it is not known.
    """

    def __init__(self, progress: Progress) -> None:
        self.duration: float | None = None
        self._progress = progress
        self._decoded, self._count = 0, 0
        # Share of the work before this pass, and of this pass.
        self._before, self._share = 0.0, 1.0

    def decoded(self, time: float | None) -> None:
        """Report a decoded frame, with its seconds after the first one."""
        self._decoded += 1
        part = self._decoded / self._count if self._count else math.nan
        if not self._count and time is not None and self.duration:
            part = time / self.duration
        frames = self._count if self._before else min(self._decoded, self._count or self._decoded)
        self._progress(frames, self._before + self._share * min(part, 1.0))

    def begin(self, count: int) -> None:
        """Start reading the frames, given their number; 0: counting, which is half of the work."""
        self._before = 0.5 if self._share < 1 and count else 0.0
        self._share = 1.0 if count and not self._before else 0.5
        self._decoded, self._count = 0, count


def _read_video(
    path: Path, maximum_frames: int, progress: Progress, part: Part | None = None
) -> MediaFrames:
    told = VideoProgress(progress)
    with VideoReader(path, part, decoded=told.decoded) as reader:
        told.duration = reader.duration if part is None else part[1]
        stored = reader.stored()
        if stored is not None:
            told.begin(stored)
            # Damage to the file shows only when it is decoded.
            with contextlib.suppress(FrameCountError):
                return _even_frames(reader, stored, maximum_frames, part, exact=True)
        told.begin(0)
        count = reader.count()
        told.begin(count)
        return _even_frames(reader, count, maximum_frames, part)


def _even_frames(
    reader: VideoReader, count: int, maximum_frames: int, part: Part | None, *, exact: bool = False
) -> MediaFrames:
    """Read evenly spaced frames of a video, or of its part.

    Args:
        reader: reader of the video.
        count: number of its frames.
        maximum_frames: largest number of frames, at least 1.
        part: the part; None: the whole video.
        exact: whether to check that there are no more frames.

    Raises:
        FrameCountError: `exact`, and it has another number of frames.
        VideoError: it cannot be decoded, or has fewer frames.
    """
    kept = EvenFrames(count, maximum_frames, reader.rate)
    selected = reader.select(kept.indices, count if exact else None)
    images = read_ahead(selected, _FRAMES_AHEAD)
    # Closed, the reading stops before the video is closed.
    with contextlib.closing(images):
        for index, image in zip(kept.indices, images, strict=True):
            kept.take(index, image)
    announced = reader.announced(count) if part is None else None
    return kept.taken((count - 1) / reader.rate, announced)

# SPDX-License-Identifier: Apache-2.0
"""The verification of a dataset's clips and images: existence, damage, and annotated size."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import PIL.Image
from tqdm import tqdm

from afformer_core.errors import DatasetError, VideoError
from afformer_core.media.frame_folder import FrameFolder, frame_paths, read_frames
from afformer_core.media.images import shown_size
from afformer_core.media.video import VideoReader
from afformer_core.media.video_frames import Part, beyond_end
from afformer_core.offline.data.sample import Sample

# Problems in an error.
_SHOWN = 10

ProblemKind = Literal['missing', 'unreadable', 'too short', 'other shape']
# Kind of problem and a sentence about it; None if there is none.
_Found = tuple[ProblemKind, str] | None


@dataclass(frozen=True)
class MediaProblem:
    """A problem with a clip or an image, and the samples that need it.

    Attributes:
        what: `clip` or `image`.
        kind: `missing`, `unreadable`, `too short` for a part of a video, `other shape` than
            annotated for an image.
        name: name of the file, or of the part of it.
        reason: one sentence.
        samples: ids of the samples that need it, at least one.
    """

    what: Literal['clip', 'image']
    kind: ProblemKind
    name: str
    reason: str
    samples: tuple[str, ...]


def find_problems(
    samples: Sequence[Sample], decode: bool = False, progress: bool = True
) -> list[MediaProblem]:
    """Find the clips and images that are missing or broken, clips first.

    Args:
        samples: samples of a dataset.
        decode: whether to decode all clips and images, which takes a long time and finds damaged
            files; otherwise they are only opened.
        progress: whether to show a progress bar on stderr.
    """
    users: dict[tuple[Literal['clip', 'image'], str], list[Sample]] = {}
    for sample in samples:
        users.setdefault(('clip', sample.demonstration), []).append(sample)
    for sample in samples:
        users.setdefault(('image', str(sample.image_path)), []).append(sample)
    # Many clips may share the folder of a video, which is listed once.
    folders: dict[Path, FrameFolder] = {}
    problems = []
    for (what, name), concerned in tqdm(users.items(), 'media', disable=not progress):
        found = (
            _clip_problem(concerned[0], decode, folders)
            if what == 'clip'
            else _image_problem(concerned[0], decode)
        )
        if found:
            ids = tuple(sample.sample_id for sample in concerned)
            problems.append(MediaProblem(what, found[0], name, found[1], ids))
    return problems


def usable_samples(
    samples: Sequence[Sample],
    skip_broken: bool,
    option: str = '--skip-broken',
    decode: bool = False,
) -> list[Sample]:
    """Return the samples whose clip and image can be opened.

    Args:
        samples: samples of a dataset.
        skip_broken: whether to leave out other samples instead of raising an error.
        option: name of the user's option for that.

    Raises:
        DatasetError: a clip or an image is missing or broken and `skip_broken` is false, or no
            sample is left.
    """
    problems = find_problems(samples, decode)
    broken = {sample for problem in problems for sample in problem.samples}
    usable = [sample for sample in samples if sample.sample_id not in broken]
    if problems and not (skip_broken and usable):
        some = '; '.join(problem.reason for problem in problems[:_SHOWN])
        raise DatasetError(
            f'{len(problems)} clips or images of {len(broken)} of {len(samples)} samples are '
            f'missing or broken: {some}; '
            + ('no sample remains without them' if not usable else f'{option} leaves them out')
        )
    return usable


def _clip_problem(sample: Sample, decode: bool, folders: dict[Path, FrameFolder]) -> _Found:
    try:
        paths = frame_paths(sample.video_path, folders)
    except VideoError as error:
        return 'missing', str(error)
    if paths is None and not sample.video_path.is_file():
        return 'missing', f'{sample.video_path} does not exist; expected a video file'
    try:
        if paths is not None:
            if decode:
                read_frames(paths)
            return None
        with VideoReader(sample.video_path, sample.clip) as reader:
            if decode:
                _decode(reader, sample.clip)
            if sample.clip and reader.duration and beyond_end(sample.clip, reader.duration):
                begin, end = sample.clip
                return (
                    'too short',
                    f'{sample.video_path} lasts {reader.duration:.2f} s; expected it to have the '
                    f'part from {begin:g} s to {end:g} s',
                )
    except VideoError as error:
        return 'unreadable', str(error)
    return None


def _decode(reader: VideoReader, clip: Part | None) -> None:
    """Decode a clip and raise the errors of damage, which reading ignores."""
    begin, end = clip or (0.0, math.inf)
    for time, _ in reader.scan(begin):
        if time >= end:
            return
    if clip is not None:
        # Checks that the video reaches to the end of the part.
        reader.count()


def _image_problem(sample: Sample, decode: bool) -> _Found:
    path = sample.image_path
    if not path.is_file():
        return 'missing', f'{path} does not exist; expected an image'
    try:
        with PIL.Image.open(path) as image:
            size = shown_size(image)
            if decode:
                image.load()
    except (OSError, SyntaxError, ValueError, PIL.Image.DecompressionBombError) as error:
        return ('unreadable', f'{path} cannot be read as an image, or is truncated: {error}')
    return _size_problem(path, size, sample.image_size)


def _size_problem(path: Path, size: tuple[int, int], annotated: tuple[int, int]) -> _Found:
    """Compare the shapes: an image may be resized, but not turned or cropped."""
    by_width, by_height = size[0] / annotated[0], size[1] / annotated[1]
    if abs(by_width / by_height - 1) > 0.02:
        return (
            'other shape',
            f'{path} is {size[0]}x{size[1]}; expected the shape of its annotation, '
            f'{annotated[0]}x{annotated[1]}',
        )
    return None

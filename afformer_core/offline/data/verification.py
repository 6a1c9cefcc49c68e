# SPDX-License-Identifier: Apache-2.0
"""The verification of a dataset's clips and images: existence, damage, and annotated size."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import PIL.Image
from tqdm import tqdm

from afformer_core.errors import DatasetError, VideoError
from afformer_core.media.frame_folder import FrameFolder, frame_paths, read_frames
from afformer_core.media.images import open_image, shown_size
from afformer_core.media.video import VideoReader
from afformer_core.media.video_frames import Part, beyond_end
from afformer_core.offline.data.sample import Sample

# Problems in an error.
_SHOWN = 10


@dataclass(frozen=True)
class MediaProblem:
    """A problem with a clip or an image, and the samples that need it.

    Attributes:
        reason: one sentence.
        samples: ids of the samples that need it, at least one.
    """

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
    clips: dict[str, list[Sample]] = defaultdict(list)
    images: dict[Path, list[Sample]] = defaultdict(list)
    for sample in samples:
        clips[sample.demonstration].append(sample)
        images[sample.image_path].append(sample)
    # Many clips may share the folder of a video, which is listed once.
    folders: dict[Path, FrameFolder] = {}
    checks = [
        *((partial(_clip_problem, users[0], decode, folders), users) for users in clips.values()),
        *((partial(_image_problem, users[0], decode), users) for users in images.values()),
    ]
    return [
        MediaProblem(reason, tuple(sample.sample_id for sample in users))
        for find, users in tqdm(checks, 'media', disable=not progress)
        if (reason := find())
    ]


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


def _clip_problem(sample: Sample, decode: bool, folders: dict[Path, FrameFolder]) -> str:
    try:
        paths = frame_paths(sample.video_path, folders)
        if paths is None and not sample.video_path.is_file():
            return f'{sample.video_path} does not exist; expected a video file'
        if paths is not None:
            if decode:
                read_frames(paths)
            return ''
        with VideoReader(sample.video_path, sample.clip) as reader:
            if decode:
                _decode(reader, sample.clip)
            if sample.clip and reader.duration and beyond_end(sample.clip, reader.duration):
                begin, end = sample.clip
                return (
                    f'{sample.video_path} lasts {reader.duration:.2f} s; expected it to have the '
                    f'part from {begin:g} s to {end:g} s'
                )
    except VideoError as error:
        return str(error)
    return ''


def _decode(reader: VideoReader, clip: Part | None) -> None:
    """Decode a clip and raise the errors of damage, which reading ignores."""
    begin, end = clip or (0.0, math.inf)
    for time, _ in reader.scan(begin):
        if time >= end:
            return
    if clip is not None:
        # Checks that the video reaches to the end of the part.
        reader.count()


def _image_problem(sample: Sample, decode: bool) -> str:
    path = sample.image_path
    if not path.is_file():
        return f'{path} does not exist; expected an image'
    try:
        with open_image(path) as image:
            size = shown_size(image)
            if decode:
                image.load()
    except (OSError, SyntaxError, ValueError, PIL.Image.DecompressionBombError) as error:
        return f'{path} cannot be read as an image, or is truncated: {error}'
    annotated = sample.image_size
    # An image may be resized, but not turned or cropped.
    by_width, by_height = size[0] / annotated[0], size[1] / annotated[1]
    if abs(by_width / by_height - 1) > 0.02:
        return (
            f'{path} is {size[0]}x{size[1]}; expected the shape of its annotation, '
            f'{annotated[0]}x{annotated[1]}'
        )
    return ''

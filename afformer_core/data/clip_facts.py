# SPDX-License-Identifier: Apache-2.0
"""Size and duration of a clip, known once its first frame is decoded."""

from __future__ import annotations

from dataclasses import dataclass

from afformer_core.data.sample import Sample
from afformer_core.media.frame_folder import frame_paths, read_frames
from afformer_core.media.video import VideoReader


@dataclass(frozen=True)
class ClipFacts:
    """Size and length of a clip.

    Attributes:
        size: (width, height) of its frames as displayed.
        seconds: duration, as stored in its file or annotation; None if neither has it.
        frames: number of frames in a folder of frames; None for a video file, which would have to
            be decoded.
    """

    size: tuple[int, int]
    seconds: float | None
    frames: int | None

    def __str__(self) -> str:
        parts = [f'{self.size[0]}x{self.size[1]}']
        if self.seconds is not None:
            parts.append(f'{self.seconds:.1f} s')
        if self.frames is not None:
            parts.append(f'{self.frames} frames')
        return ', '.join(parts)


def read_clip_facts(sample: Sample) -> ClipFacts:
    """Decode the first frame of a sample's clip.

    Raises:
        VideoError: the clip is missing, or its first frame cannot be decoded.
    """
    paths = frame_paths(sample.video_path)
    if paths is not None:
        height, width = read_frames(paths[:1]).shape[1:3]
        return ClipFacts((width, height), None, len(paths))
    with VideoReader(sample.video_path, sample.clip) as reader:
        height, width = next(iter(reader)).image.shape[:2]
        if sample.clip is None:
            return ClipFacts((width, height), reader.duration, None)
        return ClipFacts((width, height), sample.clip[1] - sample.clip[0], None)

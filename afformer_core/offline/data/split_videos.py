# SPDX-License-Identifier: Apache-2.0
"""The videos of an annotated split, for mining without the test split."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from afformer_core.errors import DatasetError
from afformer_core.media.frame_folder import FrameRange
from afformer_core.offline.data.annotations import open_annotations
from afformer_core.offline.data.readers.assistq import ASSISTQ
from afformer_core.offline.data.readers.epic_hotspot import EPIC_HOTSPOT

# OPRA names a clip of CHANNEL/PLAYLIST/VIDEO by its start and duration.
_CUT_CLIP = re.compile(r'[\d.]+_[\d.]+')
_PRODUCT = 3


@dataclass(frozen=True)
class SplitVideos:
    """The videos of a split, and the clips cut out of them.

    Attributes:
        paths: resolved paths of clips and videos in the annotations.
        clips: (channel, playlist, video, clip) of OPRA's clips.
        videos: names of whole videos that have a clip in the split: (channel, playlist, video) for
            OPRA, (video,) for EPIC-KITCHENS.
    """

    paths: frozenset[Path]
    clips: frozenset[tuple[str, ...]]
    videos: frozenset[tuple[str, ...]]

    @classmethod
    def of(cls, demonstrations: Iterable[Path]) -> SplitVideos:
        """Collect the videos of clips, given paths as in `Sample.video_path`."""
        paths: set[Path] = set()
        clips: set[tuple[str, ...]] = set()
        videos: set[tuple[str, ...]] = set()
        for path in demonstrations:
            frames = FrameRange.of(path)
            if frames is not None:
                videos.add((frames.folder.name,))
            elif _is_cut(path):
                clips.add(_name(path)[-_PRODUCT - 1 :])
                videos.add(_name(path)[-_PRODUCT - 1 : -1])
            else:
                paths.add(path.resolve())
        return cls(frozenset(paths), frozenset(clips), frozenset(videos))

    def has(self, path: Path) -> bool:
        """Check whether a file or folder of frames is one of the clips, or a video with clips.

        A clip that OPRA cut has the name of a clip. Any other file is a whole video of OPRA if its
        path is CHANNEL/PLAYLIST/VIDEO with a suffix, or if it lies in a folder of that name.
        """
        if path.resolve() in self.paths:
            return True
        name = _name(path)
        if _is_cut(path):
            return name[-_PRODUCT - 1 :] in self.clips
        candidates = (name[-1:], name[-_PRODUCT:], name[-_PRODUCT - 1 : -1])
        return not self.videos.isdisjoint(candidates)


@dataclass(frozen=True)
class TrainingVideos:
    """The minable videos of a dataset: those in its training and not in its test split.

    Attributes:
        training: videos of the training split.
        held_out: videos of the test split.
        held_out_from: file that names the latter; None if there is none, for example if each
            split has a folder of videos of its own.
    """

    training: SplitVideos
    held_out: SplitVideos
    held_out_from: Path | None

    @classmethod
    def read(cls, annotations: Path, held_out: Path | None = None) -> TrainingVideos:
        """Read the videos of annotations.

        Args:
            annotations: annotations of the training split (see `open_annotations`).
            held_out: annotations of the test split; None for the other split of EPIC-Hotspot's
                file, and for other files the one with `test` for `train` in its name, if it
                exists.

        Raises:
            DatasetError: one of the files is missing or malformed, or no test split is named and
                the annotations are themselves a test split.
        """
        dataset = open_annotations(annotations, split='train')
        other, source = held_out, dataset.manifest.header.source
        if other is None and source == EPIC_HOTSPOT:
            other = annotations
        elif other is None and source != ASSISTQ:
            other = _test_beside(annotations)
        tested = () if other is None else open_annotations(other, split='test').clip_paths
        return cls(SplitVideos.of(dataset.clip_paths), SplitVideos.of(tested), other)

    def has(self, path: Path) -> bool:
        """Check that a video is in the training split, without clips of the test split."""
        return self.training.has(path) and not self.held_out.has(path)


def _name(path: Path) -> tuple[str, ...]:
    """Return the parts of a path, without the suffix of a file."""
    return (*path.absolute().parent.parts, path.name if path.is_dir() else path.stem)


def _is_cut(path: Path) -> bool:
    return _CUT_CLIP.fullmatch(path.stem) is not None and len(path.absolute().parts) > _PRODUCT + 1


def _test_beside(annotations: Path) -> Path | None:
    training = annotations.with_name(annotations.name.replace('test', 'train'))
    if training != annotations and training.exists():
        raise DatasetError(
            f'{annotations} belongs to a test split; expected a training split. Give {training}'
        )
    beside = annotations.with_name(annotations.name.replace('train', 'test'))
    return beside if beside != annotations and beside.exists() else None

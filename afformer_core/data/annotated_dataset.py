# SPDX-License-Identifier: Apache-2.0
"""What the readers of all datasets have in common."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import overload

from afformer_core.data.frame_folder import FrameFolder, frame_paths
from afformer_core.data.sample import Sample
from afformer_core.errors import DatasetError, VideoError


class AnnotatedDataset(Sequence[Sample]):
    """The samples of one annotation file.

    Opening reads the annotations alone; that the clips and images are there is checked by
    `check_media`, or when they are read. A reader of a format fills `_samples`.

    Attributes:
        annotations: the file.
        root: folder that the media lie below.
        action_names: what the samples' actions are indices into.
    """

    def __init__(self, annotations: Path, root: Path, action_names: tuple[str, ...]) -> None:
        self.annotations = annotations
        self.root = root
        self.action_names = action_names
        self._samples: list[Sample] = []

    def __len__(self) -> int:
        return len(self._samples)

    @overload
    def __getitem__(self, index: int) -> Sample: ...

    @overload
    def __getitem__(self, index: slice) -> list[Sample]: ...

    def __getitem__(self, index: int | slice) -> Sample | list[Sample]:
        return self._samples[index]

    def check_media(self) -> None:
        """Make sure that every clip and image is there.

        Raises:
            DatasetError: one is not; names the first such entry, and counts them.
        """
        # A video is one folder to many clips; it is listed once.
        folders: dict[Path, FrameFolder] = {}
        absent = [
            (sample, need)
            for sample in self._samples
            for need in (_absent_video(sample.video_path, folders), _absent(sample.image_path))
            if need
        ]
        if absent:
            sample, need = absent[0]
            raise DatasetError(
                f'entry {sample.sample_id} of {self.annotations} needs {need} '
                f'({len(absent)} of {2 * len(self._samples)} files are missing); put the media '
                f'below {self.root} or give another root'
            )


def _absent_video(path: Path, folders: dict[Path, FrameFolder]) -> str:
    try:
        return _absent(path) if frame_paths(path, folders) is None else ''
    except VideoError as error:
        return f'a clip, but {error}'


def _absent(path: Path) -> str:
    return '' if path.is_file() else f'{path}, which is not there'

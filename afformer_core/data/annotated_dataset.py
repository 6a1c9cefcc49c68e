# SPDX-License-Identifier: Apache-2.0
"""What the readers of all datasets have in common."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import overload

from afformer_core.data.sample import Sample


class AnnotatedDataset(Sequence[Sample]):
    """The samples of one annotation file or folder.

    Opening reads the annotations alone; that the clips and images are there is checked by
    `find_problems`, or when they are read. A reader of a format fills `_samples`.

    Attributes:
        annotations: the file or folder.
        root: folder that the media lie below.
        action_names: what the samples' actions are indices into.
        without_table: a sentence on each folder that has media, but no table that makes samples of
            them.
    """

    def __init__(self, annotations: Path, root: Path, action_names: tuple[str, ...]) -> None:
        self.annotations = annotations
        self.root = root
        self.action_names = action_names
        self.without_table: tuple[str, ...] = ()
        self._samples: list[Sample] = []

    def __len__(self) -> int:
        return len(self._samples)

    @property
    def clip_paths(self) -> tuple[Path, ...]:
        """Of all clips that are annotated, each once, as `Sample.video_path` has them."""
        return tuple(dict.fromkeys(sample.video_path for sample in self._samples))

    @overload
    def __getitem__(self, index: int) -> Sample: ...

    @overload
    def __getitem__(self, index: slice) -> list[Sample]: ...

    def __getitem__(self, index: int | slice) -> Sample | list[Sample]:
        return self._samples[index]

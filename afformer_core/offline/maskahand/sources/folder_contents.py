# SPDX-License-Identifier: Apache-2.0
"""The files of a folder, grouped by dataset, bag and folder of frames."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from afformer_core.errors import VideoError
from afformer_core.media.frame_folder import frame_number
from afformer_core.offline.maskahand.sources.lerobot import EPISODES, INFO

BAG_METADATA = 'metadata.yaml'
MCAP_SUFFIX = '.mcap'


@dataclass(frozen=True)
class FolderContents:
    """The contents of a folder, without hidden files.

    Attributes:
        datasets: folders of LeRobot datasets, with the Parquet files of their episodes.
        bags: folders and files that may be rosbag2s.
        frames: folders of several numbered images, with the names of their files.
        others: all files that belong to no dataset and no bag.
    """

    datasets: dict[Path, tuple[Path, ...]]
    bags: tuple[Path, ...]
    frames: dict[Path, tuple[str, ...]]
    others: tuple[Path, ...]

    @classmethod
    def of(
        cls, root: Path, files: Sequence[Path], is_dataset: Callable[[Path], bool]
    ) -> FolderContents:
        """Divide files, in their order.

        Args:
            root: the folder.
            files: paths of all files in it and below.
            is_dataset: function that checks whether a folder with the file `INFO` is a dataset.
        """
        left = [file for file in files if not _is_hidden(file.relative_to(root))]
        datasets: dict[Path, tuple[Path, ...]] = {}
        described = [file.parent.parent for file in left if file.match(str(INFO))]
        for folder in filter(is_dataset, described):
            inside = [file for file in left if folder in file.parents]
            episodes = (file for file in inside if folder / EPISODES in file.parents)
            datasets[folder] = tuple(file for file in episodes if file.suffix == '.parquet')
        left = [file for file in left if not any(parent in datasets for parent in file.parents)]
        folders = {file.parent for file in left if file.name == BAG_METADATA}
        left = [file for file in left if not any(parent in folders for parent in file.parents)]
        bags = {file for file in left if file.suffix == MCAP_SUFFIX}
        left = [file for file in left if file not in bags]
        frames = {
            folder: tuple(file.name for file in files)
            for folder, files in _by_folder(left).items()
            if sum(map(_is_numbered, files)) > 1
        }
        return cls(datasets, tuple(sorted(folders | bags)), frames, tuple(left))


def _by_folder(files: Sequence[Path]) -> dict[Path, list[Path]]:
    folders: dict[Path, list[Path]] = {}
    for file in files:
        folders.setdefault(file.parent, []).append(file)
    return folders


def _is_hidden(path: Path) -> bool:
    return any(part.startswith('.') for part in path.parts)


def _is_numbered(path: Path) -> bool:
    try:
        frame_number(path)
    except VideoError:
        return False
    return True

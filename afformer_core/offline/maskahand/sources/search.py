# SPDX-License-Identifier: Apache-2.0
"""The search of files, folders and URLs for videos."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path

from afformer_core.demonstrations.media import split_topic
from afformer_core.errors import AfformerError, DatasetError, VideoError
from afformer_core.media.bag import BagError
from afformer_core.media.frame_folder import FrameFolder
from afformer_core.offline.maskahand.sources.bag_topic import BagTopic, bag_topics
from afformer_core.offline.maskahand.sources.folder_contents import (
    BAG_METADATA,
    MCAP_SUFFIX,
    FolderContents,
)
from afformer_core.offline.maskahand.sources.frame_source import FrameSource
from afformer_core.offline.maskahand.sources.intrinsics_files import (
    INTRINSICS_FILE,
    IntrinsicsFiles,
)
from afformer_core.offline.maskahand.sources.lerobot import is_lerobot, lerobot_episodes
from afformer_core.offline.maskahand.sources.opening import open_source
from afformer_core.offline.maskahand.sources.tar_video import TAR_SUFFIX, TarVideo, tar_names
from afformer_core.offline.maskahand.sources.urls import address, files_below, url_of
from afformer_core.offline.maskahand.sources.video_file import VideoFile

VIDEO_SUFFIXES = (
    '.3gp', '.avi', '.flv', '.m2ts', '.m4v', '.mkv', '.mov', '.mp4', '.mpeg', '.mpg', '.mts',
    '.ogv', '.ts', '.webm', '.wmv',
)  # fmt: skip
# Files of the recorders of ROS 1 and 2; an sqlite file without metadata is not a bag.
_ROS_1_SUFFIX, _SQLITE_SUFFIX = '.bag', '.db3'
_NO_VIDEO_SUFFIXES = (_ROS_1_SUFFIX, _SQLITE_SUFFIX, MCAP_SUFFIX, TAR_SUFFIX)


class Search:
    """A search, with the results so far in `sources` and `broken`.

    Args:
        folder_rate: see `find_sources`.
    """

    def __init__(self, folder_rate: float | None) -> None:
        self._folder_rate = folder_rate
        self._folders: set[Path] = set()
        self._intrinsics = IntrinsicsFiles(Path())
        self.sources: list[FrameSource] = []
        self.broken: list[tuple[Path, str]] = []

    def add_named(self, path: Path) -> None:
        """Add a path from the user, even if it is hidden, with any suffix."""
        self._folders.clear()
        if (url := url_of(path)) is not None:
            self._add_url(path, url)
            return
        file, topic = split_topic(path)
        if not file.exists():
            raise DatasetError(f'{file} does not exist. Name videos, bags, or folders of them')
        self._intrinsics = IntrinsicsFiles(file if file.is_dir() else file.parent)
        if topic:
            self._take(BagTopic(file, topic))
        elif file.is_dir():
            self._add_folder(file, list(self._files_below(file)))
        elif file.suffix in _NO_VIDEO_SUFFIXES:
            self._try(file, self._add_file)
        else:
            self._add_video(file)

    def _files_below(self, root: Path) -> Iterator[Path]:
        """Yield the files in a folder and below, in order, and record unreadable folders."""

        def tell(error: OSError) -> None:
            self.broken.append((Path(error.filename), f'it cannot be read: {error.strerror}'))

        for name, folders, files in os.walk(root, onerror=tell, followlinks=True):
            folder = Path(name)
            # A link may point to one of its own parents.
            if folder.resolve() in self._folders:
                folders.clear()
                continue
            self._folders.add(folder.resolve())
            folders[:] = sorted(below for below in folders if not below.startswith('.'))
            yield from (folder / file for file in sorted(files))

    def _add_url(self, path: Path, url: str) -> None:
        """Add a video, or all videos of a folder, recursively; unreachable ones are broken."""
        try:
            found = files_below(url)
        except VideoError as error:
            self._tell(path, error)
            return
        paths = [Path(found_path) for found_path in found]
        if paths == [path]:
            beside = path.parent / INTRINSICS_FILE
            self._intrinsics = IntrinsicsFiles(path.parent, {beside}, guessed=True)
        else:
            self._intrinsics = IntrinsicsFiles(path, set(paths))
            self._add_folder(path, paths)
            return
        if path.suffix in _NO_VIDEO_SUFFIXES:
            self._try(path, self._add_file)
        else:
            self._add_video(path)

    def _add_folder(self, root: Path, files: Sequence[Path]) -> None:
        """Add the videos of a folder, given all files in it and below."""
        inside = FolderContents.of(root, files, self._is_dataset)
        for folder, episodes in inside.datasets.items():
            self._try(folder, partial(self._add_dataset, episodes))
        for folder, names in inside.frames.items():
            self._try(folder, partial(self._add_frames, names))
        for bag in inside.bags:
            self._try(bag, self._add_bag)
        for file in inside.others:
            self._try(file, self._add_file)

    def _is_dataset(self, folder: Path) -> bool:
        try:
            return is_lerobot(folder)
        except VideoError:
            # The listing of the episodes reports it.
            return True

    def _try(self, path: Path, add: Callable[[Path], None]) -> None:
        """Add a path with a function, or record the reason why it fails."""
        try:
            add(path)
        except OSError as error:
            self.broken.append((path, f'it cannot be read: {error.strerror}'))
        except (BagError, VideoError) as error:
            self._tell(path, error)

    def _add_file(self, path: Path) -> None:
        if path.suffix in (MCAP_SUFFIX, _ROS_1_SUFFIX):
            self._add_bag(path)
        elif path.suffix == TAR_SUFFIX:
            self._add_tar(path)
        elif path.suffix == _SQLITE_SUFFIX:
            self.broken.append(
                (path, f'there is no {BAG_METADATA} beside it. Create it with `ros2 bag reindex`')
            )
        elif path.suffix.lower() in VIDEO_SUFFIXES:
            self._add_video(path)

    def _add_frames(self, names: Sequence[str], folder: Path) -> None:
        _require_on_disk(folder, 'folders of frames')
        FrameFolder(folder, names)
        self._take(open_source(folder, folder_rate=self._folder_rate))

    def _add_bag(self, path: Path) -> None:
        _require_on_disk(path, 'bags')
        self._take_all(bag_topics(path))

    def _add_dataset(self, files: Sequence[Path], folder: Path) -> None:
        self._take_all(lerobot_episodes(folder, files))

    def _add_video(self, path: Path) -> None:
        self._take(VideoFile(path))

    def _add_tar(self, path: Path) -> None:
        """Add the videos of a tar, and record damage after them."""
        names, damage = tar_names(path)
        if damage:
            self.broken.append((path, damage))
        for name in names:
            if Path(name).suffix.lower() in VIDEO_SUFFIXES:
                self._take(TarVideo(path, name))

    def _take_all(self, sources: Iterable[FrameSource]) -> None:
        for source in sources:
            self._take(source)

    def _take(self, source: FrameSource) -> None:
        """Add a video, undistorted if there is a calibration."""
        try:
            self.sources.append(self._intrinsics.applied(source))
        except VideoError as error:
            self.broken.append((source.path, str(error)))

    def _tell(self, path: Path, error: AfformerError) -> None:
        told = str(error)
        for named in (address(path), str(path)):
            told = told.replace(named, path.name)
        self.broken.append((path, told))


def _require_on_disk(path: Path, kind: str) -> None:
    if url_of(path) is not None:
        raise VideoError(f'{kind} are read from a disk, and not from {address(path)}. Copy it')

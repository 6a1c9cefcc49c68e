# SPDX-License-Identifier: Apache-2.0
"""The search of files, folders and URLs for videos."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path

from afformer_core.demonstrations.bag_frames import is_bag
from afformer_core.demonstrations.media import split_topic
from afformer_core.errors import AfformerError, DatasetError, VideoError
from afformer_core.maskahand.sources.bag_topic import BagTopic, bag_topics
from afformer_core.maskahand.sources.frame_source import FrameSource
from afformer_core.maskahand.sources.intrinsics_files import INTRINSICS_FILE, IntrinsicsFiles
from afformer_core.maskahand.sources.lerobot import is_lerobot, lerobot_episodes
from afformer_core.maskahand.sources.numbered_frames import FRAMES_TOPIC
from afformer_core.maskahand.sources.opening import open_source
from afformer_core.maskahand.sources.remote_bag import MCAP_SUFFIX
from afformer_core.maskahand.sources.remote_folder import RemoteFolder
from afformer_core.maskahand.sources.tar_video import TAR_SUFFIX, TarVideo, tar_names
from afformer_core.maskahand.sources.urls import address, files_below, url_of
from afformer_core.maskahand.sources.video_file import VideoFile
from afformer_core.media.bag import BagError
from afformer_core.media.frame_folder import FrameFolder, frame_number

VIDEO_SUFFIXES = (
    '.3gp', '.avi', '.flv', '.m2ts', '.m4v', '.mkv', '.mov', '.mp4', '.mpeg', '.mpg', '.mts',
    '.ogv', '.ts', '.webm', '.wmv',
)  # fmt: skip
# Files of the recorders of ROS 1 and 2; an sqlite file without metadata is not a bag.
_ROS_1_SUFFIX, _SQLITE_SUFFIX, _METADATA = '.bag', '.db3', 'metadata.yaml'
_NO_VIDEO_SUFFIXES = (_ROS_1_SUFFIX, _SQLITE_SUFFIX, TAR_SUFFIX)


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
        elif file.is_dir() or file.suffix in _NO_VIDEO_SUFFIXES or is_bag(file):
            self._add(file)
        else:
            self._add_video(file)

    def _add_url(self, path: Path, url: str) -> None:
        """Add a video, or all videos of a folder, recursively; unreachable ones are broken."""
        bag, _, topic = str(path).partition('#/')
        if topic:
            files = {folder / INTRINSICS_FILE for folder in (Path(bag), Path(bag).parent)}
            self._intrinsics = IntrinsicsFiles(Path(bag).parent, files, guessed=True)
            self._take(BagTopic(Path(bag), f'/{topic}'))
            return
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
            self._add_remote_folder(path, paths)
            return
        if path.suffix == TAR_SUFFIX:
            self._try(path, self._add_tar)
        elif path.suffix == MCAP_SUFFIX:
            self._try(path, self._add_bag)
        else:
            self._add_video(path)

    def _add_remote_folder(self, root: Path, files: Sequence[Path]) -> None:
        inside = RemoteFolder.of(root, files, self._is_dataset)
        for folder, episodes in inside.datasets.items():
            self._try(folder, partial(self._add_dataset, episodes))
        for folder, names in inside.frames.items():
            self._try(folder, partial(self._add_remote_frames, names=names))
        for bag in inside.bags:
            self._try(bag, self._add_bag)
        for file in inside.others:
            if file.suffix == TAR_SUFFIX:
                self._try(file, self._add_tar)
            elif file.suffix.lower() in VIDEO_SUFFIXES:
                self._add_video(file)

    def _is_dataset(self, folder: Path) -> bool:
        try:
            return is_lerobot(folder)
        except VideoError:
            # The listing of the episodes reports it.
            return True

    def _add(self, path: Path) -> None:
        self._try(path, self._add_kind)

    def _try(self, path: Path, add: Callable[[Path], None]) -> None:
        """Add a path with a function, or record the reason why it fails."""
        try:
            add(path)
        except OSError as error:
            self.broken.append((path, f'it cannot be read: {error.strerror}'))
        except (BagError, VideoError) as error:
            self._tell(path, error)

    def _add_kind(self, path: Path) -> None:
        if is_bag(path):
            self._add_bag(path)
        elif path.is_dir():
            self._add_folder(path)
        elif path.suffix == _ROS_1_SUFFIX:
            self._add_bag(path)
        elif path.suffix == TAR_SUFFIX:
            self._add_tar(path)
        elif path.suffix == _SQLITE_SUFFIX:
            self.broken.append(
                (path, f'there is no {_METADATA} beside it. Create it with `ros2 bag reindex`')
            )
        elif path.suffix.lower() in VIDEO_SUFFIXES:
            self._add_video(path)

    def _add_folder(self, folder: Path) -> None:
        resolved = folder.resolve()
        # A link may point to one of its own parents.
        if resolved in self._folders:
            return
        self._folders.add(resolved)
        if is_lerobot(folder):
            self._take_all(lerobot_episodes(folder))
            return
        visible = sorted(path for path in folder.iterdir() if not path.name.startswith('.'))
        if sum(map(_is_numbered, visible)) > 1:
            self._try(folder, self._add_frames)
        for path in visible:
            self._add(path)

    def _add_frames(self, folder: Path) -> None:
        FrameFolder(folder)
        self._take(open_source(folder, '', self._folder_rate))

    def _add_remote_frames(self, folder: Path, names: Sequence[str]) -> None:
        FrameFolder(folder, names)
        self._take(open_source(folder, FRAMES_TOPIC, self._folder_rate))

    def _add_bag(self, path: Path) -> None:
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


def _is_numbered(path: Path) -> bool:
    try:
        frame_number(path)
    except VideoError:
        return False
    return path.is_file()

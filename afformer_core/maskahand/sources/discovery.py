# SPDX-License-Identifier: Apache-2.0
"""Discovery of long videos in folders."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from afformer_core.demonstrations.bag_frames import is_bag
from afformer_core.demonstrations.media import split_topic
from afformer_core.errors import AfformerError, DatasetError, VideoError
from afformer_core.maskahand.sources.bag_topic import BagTopic, bag_topics
from afformer_core.maskahand.sources.frame_source import FrameSource
from afformer_core.maskahand.sources.lerobot import is_lerobot, lerobot_episodes
from afformer_core.maskahand.sources.numbered_frames import NumberedFrames
from afformer_core.maskahand.sources.remote_video import RemoteVideo
from afformer_core.maskahand.sources.tar_video import TAR_SUFFIX, TarVideo, tar_names
from afformer_core.maskahand.sources.urls import address, files_below, url_of
from afformer_core.maskahand.sources.video_file import VideoFile
from afformer_core.maskahand.sources.video_part import PART_MARK, VideoPart
from afformer_core.media.bag import BagError
from afformer_core.media.frame_folder import FrameFolder, frame_number

VIDEO_SUFFIXES = (
    '.3gp', '.avi', '.flv', '.m2ts', '.m4v', '.mkv', '.mov', '.mp4', '.mpeg', '.mpg', '.mts',
    '.ogv', '.ts', '.webm', '.wmv',
)  # fmt: skip
# Files of the recorders of ROS 1 and 2; an sqlite file without its metadata is no bag.
_ROS_1_SUFFIX, _SQLITE_SUFFIX, _METADATA = '.bag', '.db3', 'metadata.yaml'
_NO_VIDEO_SUFFIXES = (_ROS_1_SUFFIX, _SQLITE_SUFFIX, TAR_SUFFIX)


@dataclass(frozen=True)
class FoundSources:
    """The videos in files and folders.

    Attributes:
        sources: videos in the order of their paths.
        broken: (path, reason) of what looks like a video and cannot be used.
        number_rate: frame numbers per second of folders of frames (see `NumberedFrames`); None
            where unknown.
    """

    sources: tuple[FrameSource, ...]
    broken: tuple[tuple[Path, str], ...] = ()
    number_rate: float | None = None

    def only(self, expected: Callable[[Path], bool]) -> FoundSources:
        """Select the videos whose paths fulfil a condition."""
        return FoundSources(
            tuple(source for source in self.sources if expected(source.path)),
            tuple(broken for broken in self.broken if expected(broken[0])),
            self.number_rate,
        )


def find_sources(paths: Iterable[Path], number_rate: float | None = None) -> FoundSources:
    """Find the long videos among files and folders, and in all folders below.

    These are video files, folders of numbered image files, the cameras of rosbag2s, recorded
    demonstrations, episodes of LeRobot datasets, videos in tars, and video files and tars by
    their URL (see `urls`). Anything else is ignored, as are hidden files. Links are followed; a
    video that is found in several ways is taken once.

    Args:
        paths: files and folders; `BAG#TOPIC` names one topic of a bag.
        number_rate: frame numbers per second of folders of frames (see `NumberedFrames`); None to
            list these as broken.

    Raises:
        DatasetError: one of the paths does not exist.
    """
    search = _Search(number_rate)
    for path in paths:
        search.add_named(path)
    ordered = sorted(search.sources, key=lambda source: (source.path, source.topic))
    # Only the first path to each video is kept.
    unique: dict[tuple[Path, str], FrameSource] = {}
    for source in ordered:
        unique.setdefault((source.path.resolve(), source.topic), source)
    return FoundSources(tuple(unique.values()), tuple(sorted(set(search.broken))), number_rate)


def open_source(path: Path, topic: str = '', number_rate: float | None = None) -> FrameSource:
    """Return the source of a path and a topic, such as a `MinedVideo` has, without reading it.

    Args:
        path, topic: path and topic of the source; of a tar, the name of the video in it;
            of a part of a video, `t=BEGIN,END`.
        number_rate: frame numbers per second of folders of frames (see `NumberedFrames`).

    Raises:
        VideoError: it is a folder of frames and no rate is given.
    """
    if topic.startswith(PART_MARK):
        return VideoPart.of_topic(path, topic)
    if topic and path.suffix == TAR_SUFFIX:
        return TarVideo(path, topic)
    if topic:
        return BagTopic(path, topic)
    if url_of(path) is not None:
        return RemoteVideo(path)
    if not path.is_dir():
        return VideoFile(path)
    if number_rate is None:
        raise VideoError(
            f'{path} is a folder of frames without times. Give the rate of the numbers in their '
            'names, as --number-rate does'
        )
    return NumberedFrames(path, number_rate)


class _Search:
    def __init__(self, number_rate: float | None) -> None:
        self._number_rate = number_rate
        self._folders: set[Path] = set()
        self.sources: list[FrameSource] = []
        self.broken: list[tuple[Path, str]] = []

    def add_named(self, path: Path) -> None:
        """Add what a user names, hidden or not, and whatever its suffix is."""
        if (url := url_of(path)) is not None:
            self._add_url(path, url)
            return
        file, topic = split_topic(path)
        if not file.exists():
            raise DatasetError(f'{file} does not exist. Name videos, bags, or folders of them')
        if topic:
            self.sources.append(BagTopic(file, topic))
        elif (
            file.is_dir()
            or file.suffix in (_ROS_1_SUFFIX, _SQLITE_SUFFIX, TAR_SUFFIX)
            or is_bag(file)
        ):
            self._add(file)
        else:
            self._add_video(file)

    def _add_url(self, path: Path, url: str) -> None:
        """Add a video, or all of a folder and below; what cannot be reached is broken."""
        try:
            found = files_below(url)
        except VideoError as error:
            self._tell(path, error)
            return
        for each in found:
            if Path(each).suffix == TAR_SUFFIX:
                self._add_tar(Path(each))
            elif each == url or Path(each).suffix.lower() in VIDEO_SUFFIXES:
                self.sources.append(RemoteVideo(Path(each)))

    def _add(self, path: Path) -> None:
        try:
            self._add_kind(path)
        except OSError as error:
            self.broken.append((path, f'it cannot be read: {error.strerror}'))

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
                (path, f'there is no {_METADATA} beside; `ros2 bag reindex` writes one')
            )
        elif path.suffix.lower() in VIDEO_SUFFIXES:
            self._add_video(path)

    def _add_folder(self, folder: Path) -> None:
        resolved = folder.resolve()
        # A link may lead to one of its own parents.
        if resolved in self._folders:
            return
        self._folders.add(resolved)
        if is_lerobot(folder):
            self._add_lerobot(folder)
            return
        visible = sorted(each for each in folder.iterdir() if not each.name.startswith('.'))
        if sum(map(_is_numbered, visible)) > 1:
            self._add_frames(folder)
        for each in visible:
            self._add(each)

    def _add_lerobot(self, folder: Path) -> None:
        try:
            self.sources.extend(lerobot_episodes(folder))
        except VideoError as error:
            self._tell(folder, error)

    def _add_frames(self, folder: Path) -> None:
        try:
            FrameFolder(folder)
            self.sources.append(open_source(folder, '', self._number_rate))
        except VideoError as error:
            self._tell(folder, error)

    def _add_video(self, path: Path) -> None:
        self.sources.append(VideoFile(path))

    def _add_tar(self, path: Path) -> None:
        """Add the videos of a tar, and tell if it is damaged after them."""
        try:
            names, damage = tar_names(path)
        except VideoError as error:
            self._tell(path, error)
            return
        if damage:
            self.broken.append((path, damage))
        for name in names:
            if Path(name).suffix.lower() in VIDEO_SUFFIXES:
                self.sources.append(TarVideo(path, name))

    def _add_bag(self, path: Path) -> None:
        try:
            self.sources.extend(bag_topics(path))
        except BagError as error:
            self._tell(path, error)

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

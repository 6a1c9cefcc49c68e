# SPDX-License-Identifier: Apache-2.0
"""The search of files, folders and URLs for long videos, and videos by their names in an index."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from afformer_core.demonstrations.media import split_topic
from afformer_core.errors import AfformerError, DatasetError, VideoError
from afformer_core.media.bag import BagError
from afformer_core.media.frame_folder import FrameFolder, frame_number
from afformer_core.media.lens import LensIntrinsics, pinhole_focal
from afformer_core.offline.maskahand.sources.bag_topic import BagTopic, bag_topics
from afformer_core.offline.maskahand.sources.frame_source import FrameSource
from afformer_core.offline.maskahand.sources.lerobot import INFO, is_lerobot, lerobot_episodes
from afformer_core.offline.maskahand.sources.numbered_frames import NumberedFrames
from afformer_core.offline.maskahand.sources.urls import (
    address,
    files_below,
    read_file,
    url_of,
    without_folder,
)
from afformer_core.offline.maskahand.sources.video_file import (
    PART_MARK,
    TAR_SUFFIX,
    TarVideo,
    VideoFile,
    VideoPart,
    tar_names,
)

VIDEO_SUFFIXES = (
    '.3gp', '.avi', '.flv', '.m2ts', '.m4v', '.mkv', '.mov', '.mp4', '.mpeg', '.mpg', '.mts',
    '.ogv', '.ts', '.webm', '.wmv',
)  # fmt: skip
BAG_METADATA = 'metadata.yaml'
# Files of the recorders of ROS 1 and 2; an sqlite file without metadata is not a bag.
_MCAP_SUFFIX, _ROS_1_SUFFIX, _SQLITE_SUFFIX = '.mcap', '.bag', '.db3'
_NO_VIDEO_SUFFIXES = (_ROS_1_SUFFIX, _SQLITE_SUFFIX, _MCAP_SUFFIX, TAR_SUFFIX)


@dataclass(frozen=True)
class FoundSources:
    """The videos in files and folders.

    Attributes:
        sources: videos in the order of their paths.
        broken: (path, reason) of unusable videos.
        folder_rate: frame numbers per second of folders of frames (see `NumberedFrames`); None
            if unknown.
    """

    sources: tuple[FrameSource, ...]
    broken: tuple[tuple[Path, str], ...] = ()
    folder_rate: float | None = None

    def only(self, expected: Callable[[Path], bool]) -> FoundSources:
        """Select the videos whose paths fulfil a condition."""
        return FoundSources(
            tuple(source for source in self.sources if expected(source.path)),
            tuple(broken for broken in self.broken if expected(broken[0])),
            self.folder_rate,
        )


def find_sources(paths: Iterable[Path], folder_rate: float | None = None) -> FoundSources:
    """Find the long videos among files, and in folders, recursively.

    These are video files, folders of numbered image files, the cameras of rosbag2s, recorded
    demonstrations, episodes of LeRobot datasets, videos in tars, and video files, datasets and
    tars by their URL (see `urls`). Anything else is ignored, as are hidden files. Links are
    followed; a video that is found in several ways is taken once.

    Args:
        paths: files and folders; `BAG#TOPIC` names one topic of a bag.
        folder_rate: frame numbers per second of folders of frames (see `NumberedFrames`); None to
            list these as broken.

    Raises:
        DatasetError: one of the paths does not exist.
    """
    search = _Search(folder_rate)
    for path in paths:
        search.add_named(path)
    # Only the first path to each video is kept; one with two paths is read with either's lens.
    unique: dict[tuple[Path, str], FrameSource] = {}
    for source in sorted(search.sources, key=lambda s: (s.path, s.topic, s.lens is None)):
        unique.setdefault((source.path.resolve(), source.topic), source)
    return FoundSources(tuple(unique.values()), tuple(sorted(set(search.broken))), folder_rate)


def open_source(
    path: Path,
    topic: str = '',
    folder_rate: float | None = None,
    lens: LensIntrinsics | None = None,
) -> FrameSource:
    """Return the source of a path and a topic, such as a `MinedVideo` has, without reading it.

    Args:
        path, topic: path and topic of the source; of a tar, the name of the video in it.
        folder_rate: frame numbers per second of folders of frames (see `NumberedFrames`).
        lens: calibration with which frames are undistorted; None: not undistorted.

    Raises:
        VideoError: the path is a folder of frames, and no rate is given.
    """
    if topic and path.suffix == TAR_SUFFIX:
        return TarVideo(path, topic, lens=lens)
    if topic:
        kind = VideoPart if topic.startswith(PART_MARK) else BagTopic
        return kind(path, topic, lens=lens)
    if not path.is_dir():
        return VideoFile(path, lens=lens)
    if folder_rate is None:
        raise VideoError(
            f'{path} is a folder of frames without times. Give the rate of the numbers in their '
            'names, as --folder-rate does'
        )
    return NumberedFrames(path, folder_rate=folder_rate, lens=lens)


class _Search:
    """A search, with the results so far in `sources` and `broken`."""

    def __init__(self, folder_rate: float | None) -> None:
        self._folder_rate = folder_rate
        self._intrinsics = IntrinsicsFiles(Path())
        self.sources: list[FrameSource] = []
        self.broken: list[tuple[Path, str]] = []

    def add_named(self, path: Path) -> None:
        """Add a path from the user, even if it is hidden, with any suffix."""
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
        else:
            self._add_named_file(file)

    def _add_named_file(self, path: Path) -> None:
        if path.suffix in _NO_VIDEO_SUFFIXES:
            self._try(path, self._add_file)
        else:
            self._take(VideoFile(path))

    def _files_below(self, root: Path) -> Iterator[Path]:
        """Yield the files in a folder and below, in order, and record unreadable folders."""
        entered: set[Path] = set()

        def tell(error: OSError) -> None:
            self.broken.append((Path(error.filename), f'it cannot be read: {error.strerror}'))

        for name, folders, files in os.walk(root, onerror=tell, followlinks=True):
            folder = Path(name)
            # A link may point to one of its own parents.
            if folder.resolve() in entered:
                folders.clear()
                continue
            entered.add(folder.resolve())
            folders[:] = sorted(below for below in folders if not below.startswith('.'))
            yield from (folder / file for file in sorted(files))

    def _add_url(self, path: Path, url: str) -> None:
        """Add a video, or all videos of a folder, recursively; unreachable ones are broken."""
        try:
            paths = list(map(Path, files_below(url)))
        except VideoError as error:
            self._tell(path, error)
            return
        if paths == [path]:
            self._intrinsics = IntrinsicsFiles(path, ())
            self._add_named_file(path)
            return
        self._intrinsics = IntrinsicsFiles(path, set(paths))
        for file in self._outside_datasets(_shown(path, paths)):
            self._try(file, self._add_file)

    def _add_folder(self, root: Path, files: Sequence[Path]) -> None:
        """Add the videos of a folder, given all files in it and below."""
        left = self._outside_datasets(_shown(root, files))
        bags = {file.parent for file in left if file.name == BAG_METADATA}
        left = [file for file in left if not any(parent in bags for parent in file.parents)]
        folders: dict[Path, list[str]] = {}
        for file in left:
            folders.setdefault(file.parent, []).append(file.name)
        for folder, names in folders.items():
            if sum(_is_numbered(folder / name) for name in names) > 1:
                self._try(folder, self._add_frames)
        for bag in sorted(bags):
            self._try(bag, self._add_bag)
        for file in left:
            self._try(file, self._add_file)

    def _outside_datasets(self, files: list[Path]) -> list[Path]:
        """Add the episodes of LeRobot datasets, and return the files outside of these."""
        left = files
        for folder in [file.parent.parent for file in files if file.match(str(INFO))]:
            if is_lerobot(folder):
                self._try(folder, lambda found: self._take(*lerobot_episodes(found, files)))
                left = [file for file in left if folder not in file.parents]
        return left

    def _try(self, path: Path, add: Callable[[Path], None]) -> None:
        """Add a path with a function, or record the reason why it fails."""
        try:
            add(path)
        except OSError as error:
            self.broken.append((path, f'it cannot be read: {error.strerror}'))
        except (BagError, VideoError) as error:
            self._tell(path, error)

    def _add_file(self, path: Path) -> None:
        if path.suffix in (_MCAP_SUFFIX, _ROS_1_SUFFIX):
            self._add_bag(path)
        elif path.suffix == TAR_SUFFIX:
            self._add_tar(path)
        elif path.suffix == _SQLITE_SUFFIX:
            self.broken.append(
                (path, f'there is no {BAG_METADATA} beside it. Create it with `ros2 bag reindex`')
            )
        elif path.suffix.lower() in VIDEO_SUFFIXES:
            self._take(VideoFile(path))

    def _add_frames(self, folder: Path) -> None:
        FrameFolder(folder)
        self._take(open_source(folder, '', self._folder_rate))

    def _add_bag(self, path: Path) -> None:
        if url_of(path) is not None:
            raise BagError(f'{address(path)} is a bag at a URL; expected a video. Copy it here')
        self._take(*bag_topics(path))

    def _add_tar(self, path: Path) -> None:
        """Add the videos of a tar, and record damage after them."""
        names, damage = tar_names(path)
        if damage:
            self.broken.append((path, damage))
        videos = (name for name in names if Path(name).suffix.lower() in VIDEO_SUFFIXES)
        self._take(*(TarVideo(path, name) for name in videos))

    def _take(self, *sources: FrameSource) -> None:
        """Add videos, undistorted if there is a calibration."""
        for source in sources:
            try:
                self.sources.append(self._intrinsics.applied(source))
            except VideoError as error:
                self.broken.append((source.path, str(error)))

    def _tell(self, path: Path, error: AfformerError) -> None:
        self.broken.append((path, without_folder(str(error), path)))


def _shown(root: Path, files: Iterable[Path]) -> list[Path]:
    """Leave out hidden files."""
    return [
        file
        for file in files
        if not any(part.startswith('.') for part in file.relative_to(root).parts)
    ]


def _is_numbered(path: Path) -> bool:
    try:
        frame_number(path)
    except VideoError:
        return False
    return True


INTRINSICS_FILE = 'intrinsics.json'


class IntrinsicsFiles:
    """The calibrations for the videos in a folder and below, each read once.

    Args:
        root: the folder; files above it are ignored.
        listed: files of a folder at a URL, so that no other file is requested; None for a folder
            on the disk.
    """

    def __init__(self, root: Path, listed: Collection[Path] | None = None) -> None:
        self._root, self._listed = root, listed
        self._read: dict[Path, LensIntrinsics | None] = {}

    def applied(self, source: FrameSource) -> FrameSource:
        """Return a source, undistorted if there is a file in its folder or above.

        The nearest file is used.

        Raises:
            VideoError: the file is malformed.
        """
        for folder in (source.path, *source.path.parents):
            lens = self._lens(folder / INTRINSICS_FILE)
            if lens is not None:
                return replace(source, lens=lens)
            if folder == self._root:
                break
        return source

    def _lens(self, file: Path) -> LensIntrinsics | None:
        if self._listed is not None and file not in self._listed:
            return None
        if file not in self._read:
            lens: LensIntrinsics | None = None
            try:
                lens = LensIntrinsics.from_json(read_file(file))
                pinhole_focal(lens)
            except (FileNotFoundError, NotADirectoryError):
                pass
            except (OSError, VideoError) as error:
                told = str(error)
                if isinstance(error, OSError):
                    told = f'it cannot be read: {error.strerror}'
                raise VideoError(
                    f'{address(file)}: {told}. Correct it, or rename it if it does not belong '
                    f'to a camera'
                ) from error
            self._read[file] = lens
        return self._read[file]

# SPDX-License-Identifier: Apache-2.0
"""Discovery of long videos in folders."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from afformer_core.offline.maskahand.sources.frame_source import FrameSource
from afformer_core.offline.maskahand.sources.search import Search
from afformer_core.offline.maskahand.sources.undistorted import lens_of


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
    demonstrations, episodes of LeRobot datasets, videos in tars, and video files and tars by
    their URL (see `urls`). Anything else is ignored, as are hidden files. Links are followed; a
    video that is found in several ways is taken once.

    Args:
        paths: files and folders; `BAG#TOPIC` names one topic of a bag.
        folder_rate: frame numbers per second of folders of frames (see `NumberedFrames`); None to
            list these as broken.

    Raises:
        DatasetError: one of the paths does not exist.
    """
    search = Search(folder_rate)
    for path in paths:
        search.add_named(path)
    ordered = sorted(search.sources, key=_order)
    # Only the first path to each video is kept.
    unique: dict[tuple[Path, str], FrameSource] = {}
    for source in ordered:
        unique.setdefault((source.path.resolve(), source.topic), source)
    return FoundSources(tuple(unique.values()), tuple(sorted(set(search.broken))), folder_rate)


def _order(source: FrameSource) -> tuple[Path, str, bool]:
    # A video with two paths is read with the calibration of either.
    return source.path, source.topic, lens_of(source) is None

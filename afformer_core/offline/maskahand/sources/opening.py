# SPDX-License-Identifier: Apache-2.0
"""Sources of frames by the names that an index has for them."""

from __future__ import annotations

from pathlib import Path

from afformer_core.errors import VideoError
from afformer_core.media.lens import LensIntrinsics
from afformer_core.offline.maskahand.sources.bag_topic import BagTopic
from afformer_core.offline.maskahand.sources.frame_source import FrameSource
from afformer_core.offline.maskahand.sources.numbered_frames import NumberedFrames
from afformer_core.offline.maskahand.sources.tar_video import TAR_SUFFIX, TarVideo
from afformer_core.offline.maskahand.sources.undistorted import Undistorted
from afformer_core.offline.maskahand.sources.video_file import VideoFile
from afformer_core.offline.maskahand.sources.video_part import PART_MARK, VideoPart


def open_source(
    path: Path,
    topic: str = '',
    folder_rate: float | None = None,
    lens: LensIntrinsics | None = None,
) -> FrameSource:
    """Return the source of a path and a topic, such as a `MinedVideo` has, without reading it.

    Args:
        path, topic: path and topic of the source; of a tar, the name of the video in it;
            of a part of a video, `t=BEGIN,END`.
        folder_rate: frame numbers per second of folders of frames (see `NumberedFrames`).
        lens: calibration with which frames are undistorted; None: not undistorted.

    Raises:
        VideoError: the path is a folder of frames, and no rate is given.
    """
    source = _source(path, topic, folder_rate)
    return source if lens is None else Undistorted(source, lens)


def _source(path: Path, topic: str, folder_rate: float | None) -> FrameSource:
    if topic.startswith(PART_MARK):
        return VideoPart.of_topic(path, topic)
    if topic and path.suffix == TAR_SUFFIX:
        return TarVideo(path, topic)
    if topic:
        return BagTopic(path, topic)
    if not path.is_dir():
        return VideoFile(path)
    if folder_rate is None:
        raise VideoError(
            f'{path} is a folder of frames without times. Give the rate of the numbers '
            'in their names, as --folder-rate does'
        )
    return NumberedFrames(path, folder_rate)

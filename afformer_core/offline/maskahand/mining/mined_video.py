# SPDX-License-Identifier: Apache-2.0
"""A video with detected hands, and an index of mined videos."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from afformer_core.hands.hand import Hand
from afformer_core.licences import Origin
from afformer_core.media.lens import LensIntrinsics


@dataclass(frozen=True, kw_only=True)
class MinedVideo:
    """A video with detected hands.

    Attributes:
        path: path of the file, the folder of frames, the bag or the tar.
        topic: topic of the images in a bag, name of the video in a tar, or `t=BEGIN,END` of a part
            of a video; empty otherwise.
        size: (width, height) of its frames in pixels.
        times: seconds from its first frame of each examined frame, increasing.
        hands: hands in an examined frame, best first, by the frame's number; frames without hands
            are left out.
        clips: (first, last) number of the frames of each clip with an interaction.
        lens: calibration with which its frames were undistorted; None: not undistorted.
        origin: its dataset, with the licence; None if unknown.
    """

    path: Path
    topic: str
    size: tuple[int, int]
    times: tuple[float, ...]
    hands: Mapping[int, tuple[Hand, ...]]
    clips: tuple[tuple[int, int], ...]
    lens: LensIntrinsics | None = None
    origin: Origin | None = None


@dataclass(frozen=True)
class HandIndex:
    """An index of mined videos.

    Attributes:
        settings: settings of mining: the detector's name, the rate, length and stride of clips,
            and the `folder_rate` of folders of frames, or None.
        interaction_score: minimum score for a hand in contact to count as an interaction.
        videos: examined videos, in the order of their paths.
        broken: (path, reason) of videos that could not be read completely.
    """

    settings: Mapping[str, Any]
    interaction_score: float
    videos: tuple[MinedVideo, ...]
    broken: tuple[tuple[Path, str], ...] = ()


def interacting_hands(video: MinedVideo, number: int, score: float) -> tuple[Hand, ...]:
    """Return the hands that interact in a frame of a video, if the frame exists.

    Args:
        video: mined video.
        number: number of the frame.
        score: minimum score for a hand in contact to count as an interaction.
    """
    return tuple(
        hand
        for hand in video.hands.get(number, ())
        if hand.contact and hand.score >= score and _in_view(hand, video)
    )


def _in_view(hand: Hand, video: MinedVideo) -> bool:
    left, top, right, bottom = hand.box
    width, height = video.size
    return min(right, width) - max(left, 0) > 1e-3 and min(bottom, height) - max(top, 0) > 1e-3

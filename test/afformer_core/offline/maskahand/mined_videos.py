# SPDX-License-Identifier: Apache-2.0
"""Tiny videos in which a red hand presses one of some discs, and an index of them."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from afformer_core.hands.hand import Hand
from afformer_core.media.video import write_video
from afformer_core.offline.maskahand.mining.index import HandIndex, MinedVideo, write_videos
from afformer_core.offline.maskahand.pretraining.interactions import (
    InteractionClip,
    interaction_clip,
)

RATE = 4.0
SIDE = 16
# Another shape each.
SIZES = ((96, 64), (64, 64), (64, 96))


def write_mined(root: Path, frames: int = 12, clip: int = 12) -> Path:
    """Write an index and its videos; in each, a hand comes from below and presses from the middle
    of the video on, while another one rests.

    Args:
        root: folder that exists.
        frames: of each video.
        clip: frames of each clip, one after another.

    Returns:
        path of the index.
    """
    videos = []
    for number, size in enumerate(SIZES):
        path = root / f'{number}.mp4'
        hands = {frame: _hands(size, frame, frames) for frame in range(frames)}
        rng = np.random.default_rng(number)
        scene = _scene(size, rng)
        write_video(path, (_image(scene, hands[frame]) for frame in range(frames)), RATE, 10)
        times = tuple(frame / RATE for frame in range(frames))
        clips = [(first, first + clip - 1) for first in range(0, frames - clip + 1, clip)]
        in_contact = [each for each in clips if each[1] >= frames // 2]
        videos.append(
            MinedVideo(
                path=path, topic='', size=size, times=times, hands=hands, clips=tuple(in_contact)
            )
        )
    index = HandIndex({'detector': 'annotations', 'folder_rate': 12.5}, 0.99, tuple(videos))
    write_index(root / 'index.json', index)
    return root / 'index.json'


def write_index(path: Path, index: HandIndex) -> None:
    write_videos(path, index.settings, index.interaction_score, index.videos, index.broken)


def interaction_clips(
    index: HandIndex, most: int, hidden_score: float | None = None
) -> list[InteractionClip]:
    """All clips of an index in which a hand interacts, of as many interactions at most."""
    clips = (
        interaction_clip(video, first, last, index.interaction_score, most, hidden_score)
        for video in index.videos
        for first, last in video.clips
    )
    return [clip for clip in clips if clip is not None]


def _hands(size: tuple[int, int], frame: int, frames: int) -> tuple[Hand, ...]:
    width, height = size
    above = max(0, frames // 2 - frame) * SIDE / 2
    left, top = width // 2.0, min(height // 3 + above, height - 4.0)
    resting = Hand((2.0, 2.0, 2.0 + SIDE, 2.0 + SIDE), False, 0.5)
    return Hand((left, top, left + SIDE, top + SIDE), frame >= frames // 2, 1.0), resting


def _scene(size: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
    image = np.full((size[1], size[0], 3), rng.integers(0, 100, 3), np.uint8)
    for _ in range(4):
        position = [int(rng.integers(8, side - 8)) for side in size]
        cv2.circle(image, position, 5, rng.integers(100, 200, 3).tolist(), -1)
    return image


def _image(scene: np.ndarray, hands: tuple[Hand, ...]) -> np.ndarray:
    image = scene.copy()
    for hand in hands:
        left, top, right, bottom = map(int, hand.box)
        image[top:bottom, left:right] = (255, 0, 0)
    return image

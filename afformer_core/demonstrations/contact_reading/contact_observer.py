# SPDX-License-Identifier: Apache-2.0
"""Observation of frames as they arrive: the camera, the hands, and motion with the hands."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from afformer_core.arrays import UInt8Array
from afformer_core.demonstrations.contact_reading.camera_motion import background_motion
from afformer_core.demonstrations.contact_reading.comotion import FrameMotion, measure_comotion
from afformer_core.demonstrations.contact_reading.hand_paths import TrackedHand
from afformer_core.demonstrations.contact_reading.hand_shape import (
    Landmarks,
    distinct_hands,
    hand_mask,
)
from afformer_core.demonstrations.contact_reading.small_video import check_image
from afformer_core.errors import DemonstrationError
from afformer_core.hands.hand_tracks import HandTracks

# Number of kept frames. In a longer demonstration every second frame is kept, then every fourth,
# and so on.
MOST_FRAMES = 256
# Minimum seconds between two frames; at 30 frames per second, every second one is used.
_LEAST_INTERVAL = 0.045


@dataclass(frozen=True)
class DetectedHand:
    """A detected hand.

    Attributes:
        landmarks: [21, 2] (x, y) in pixels of the small frame.
        score: score of the detection; higher is more certain.

    Raises:
        DemonstrationError: the landmarks have another shape.
    """

    landmarks: Landmarks
    score: float

    def __post_init__(self) -> None:
        if self.landmarks.shape != (21, 2) or not np.isfinite(self.landmarks).all():
            raise DemonstrationError(
                f'the landmarks of a hand are {list(self.landmarks.shape)}; expected finite '
                'pixels [21, 2]'
            )


@dataclass(frozen=True)
class ObservedFrame:
    """An observed frame.

    Attributes:
        image: uint8 RGB [h, w, 3].
        time: seconds.
        to_first: [3, 3], which maps a point of its background to the first frame.
        hands: hands in it.
    """

    image: UInt8Array
    time: float
    to_first: NDArray[np.float64]
    hands: tuple[TrackedHand, ...]


class ContactObserver:
    """The frames of one demonstration while they arrive. Memory is bounded.

    Args:
        most_frames: maximum number of frames that are kept, at least 2.
    """

    def __init__(self, most_frames: int = MOST_FRAMES) -> None:
        self._most_frames = most_frames
        self._kept: list[ObservedFrame] = []
        self._newest: ObservedFrame | None = None
        self._count = 0
        self._stride = 1
        self._tracks = HandTracks()
        self._flow = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_FAST)

    @property
    def frames(self) -> list[ObservedFrame]:
        """The first frame, the kept frames, and the newest frame, in order."""
        newest = [] if self._newest is None else [self._newest]
        return self._kept + newest

    def needs(self, time: float) -> bool:
        """Check whether a frame at this time adds information; if not, leave it out."""
        return self._newest is None or time - self._newest.time >= _LEAST_INTERVAL

    def observe(self, image: UInt8Array, time: float, hands: Sequence[DetectedHand]) -> None:
        """Observe the next frame.

        Args:
            image: uint8 RGB [h, w, 3], at most 320 pixels on the longer side.
            time: seconds, later than the previous frame.
            hands: hands in it.

        Raises:
            DemonstrationError: the image has another size than the previous ones, or the time does
                not increase.
        """
        check_image(image)
        frame = ObservedFrame(image, time, np.eye(3), self._tracked(image, time, hands))
        if self._newest is not None:
            self._check_successor(frame)
            before, to_first = self._compared(self._newest, frame)
            frame = replace(frame, to_first=to_first)
            self._keep(before)
        self._newest = frame

    def _check_successor(self, frame: ObservedFrame) -> None:
        assert self._newest is not None
        (height, width), (rows, columns) = self._newest.image.shape[:2], frame.image.shape[:2]
        if (height, width) != (rows, columns):
            raise DemonstrationError(
                f'a frame has {columns}x{rows} pixels; expected {width}x{height}, like the frames '
                'before it'
            )
        if frame.time <= self._newest.time:
            raise DemonstrationError(
                f'the time of a frame is {frame.time:.3f} s; expected more than '
                f'{self._newest.time:.3f} s, the time of the frame before it'
            )

    def _keep(self, frame: ObservedFrame) -> None:
        if self._count % self._stride == 0:
            self._kept.append(frame)
        self._count += 1
        # the newest frame is an additional one
        if len(self._kept) >= self._most_frames:
            self._kept = self._kept[::2]
            self._stride *= 2

    def _compared(
        self, before: ObservedFrame, after: ObservedFrame
    ) -> tuple[ObservedFrame, NDArray[np.float64]]:
        """Measure the motion from a frame to the next.

        Returns:
            the first frame with the motion of its hands, and `to_first` of the next.
        """
        grey, next_grey = (
            np.asarray(cv2.cvtColor(video_frame.image, cv2.COLOR_RGB2GRAY), np.uint8)
            for video_frame in (before, after)
        )
        flow = np.zeros((*grey.shape, 2), np.float32)
        flow = np.asarray(self._flow.calc(grey, next_grey, flow), np.float32)
        region = hand_mask([hand.landmarks for hand in before.hands], grey.shape)
        camera = background_motion(flow, region)
        moved = FrameMotion(grey, flow, camera)
        hands = tuple(
            replace(hand, comotion=measure_comotion(moved, hand.landmarks, region))
            for hand in before.hands
        )
        return replace(before, hands=hands), before.to_first @ np.linalg.inv(camera)

    def _tracked(
        self, image: UInt8Array, time: float, hands: Sequence[DetectedHand]
    ) -> tuple[TrackedHand, ...]:
        chosen = distinct_hands([hand.landmarks for hand in hands], [hand.score for hand in hands])
        landmarks = [hands[index].landmarks for index in chosen]
        tracks = self._tracks.observe(time, landmarks, (image.shape[1], image.shape[0]))
        return tuple(
            TrackedHand(track.number, points)
            for track, points in zip(tracks, landmarks, strict=True)
        )

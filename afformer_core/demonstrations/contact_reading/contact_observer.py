# SPDX-License-Identifier: Apache-2.0
"""Observation of frames as they arrive: the camera, the hands, and what moves with them."""

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

# Frames that are kept; of a longer demonstration every second one, then every fourth, and so on.
MOST_FRAMES = 256
# Seconds between two frames at least: of 30 frames a second every second one is needed.
_LEAST_INTERVAL = 0.045


@dataclass(frozen=True)
class DetectedHand:
    """A detected hand.

    Attributes:
        landmarks: [21, 2] (x, y) in pixels of the small frame.
        score: score of the detection; the higher, the surer.

    Raises:
        DemonstrationError: the landmarks are anything else.
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
    """A frame that was observed.

    Attributes:
        image: uint8 RGB [h, w, 3].
        time: seconds.
        to_first: [3, 3], takes a point of its background to the first frame.
        hands: hands in it.
    """

    image: UInt8Array
    time: float
    to_first: NDArray[np.float64]
    hands: tuple[TrackedHand, ...]


class ContactObserver:
    """The frames of one demonstration while they arrive. Memory is bounded.

    Args:
        most_frames: number of frames that are kept at most, at least 2.
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
        """The first and the newest frame, and those between that are kept, in order."""
        newest = [] if self._newest is None else [self._newest]
        return self._kept + newest

    def needs(self, time: float) -> bool:
        """Say whether a frame of a time tells more than those so far; if not, leave it out."""
        return self._newest is None or time - self._newest.time >= _LEAST_INTERVAL

    def observe(self, image: UInt8Array, time: float, hands: Sequence[DetectedHand]) -> None:
        """Observe the next frame.

        Args:
            image: uint8 RGB [h, w, 3], at most 320 pixels on the longer side.
            time: seconds, later than the one before.
            hands: hands in it.

        Raises:
            DemonstrationError: the image has another size than those before, or the time does not
                increase.
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
                f'a frame has {columns}x{rows} pixels; expected {width}x{height} as those before'
            )
        if frame.time <= self._newest.time:
            raise DemonstrationError(
                f'a frame is of {frame.time:.3f} s; expected more than {self._newest.time:.3f} s, '
                'the time of the one before'
            )

    def _keep(self, frame: ObservedFrame) -> None:
        if self._count % self._stride == 0:
            self._kept.append(frame)
        self._count += 1
        # the newest frame is one more
        if len(self._kept) >= self._most_frames:
            self._kept = self._kept[::2]
            self._stride *= 2

    def _compared(
        self, before: ObservedFrame, after: ObservedFrame
    ) -> tuple[ObservedFrame, NDArray[np.float64]]:
        """Measure what moves from a frame to the next.

        Returns:
            the former with what it says of its hands, and the latter's `to_first`.
        """
        grey, next_grey = (
            np.asarray(cv2.cvtColor(one.image, cv2.COLOR_RGB2GRAY), np.uint8)
            for one in (before, after)
        )
        flow = np.zeros((*grey.shape, 2), np.float32)
        flow = np.asarray(self._flow.calc(grey, next_grey, flow), np.float32)
        region = hand_mask([hand.landmarks for hand in before.hands], grey.shape)
        camera = background_motion(flow, region)
        moved = FrameMotion(grey, flow, camera, after.time - before.time)
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
            TrackedHand(track.number, one) for track, one in zip(tracks, landmarks, strict=True)
        )

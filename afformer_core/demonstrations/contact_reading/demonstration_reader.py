# SPDX-License-Identifier: Apache-2.0
"""The reader of a demonstration's hands and contact, while its frames arrive."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from afformer_core.arrays import FloatArray, UInt8Array
from afformer_core.demonstrations.contact_reading.contact_maps import (
    ContactReading,
    change_map,
    combined_map,
    contact_candidates,
    entering_map,
    hand_map,
    removal_map,
)
from afformer_core.demonstrations.contact_reading.hand_paths import (
    Landmarks,
    ObservedFrame,
    TrackedHand,
    distinct_hands,
    fingertip,
    hand_mask,
    hand_paths,
    moment_scores,
)
from afformer_core.demonstrations.optical_flow import background_flow, background_motion, steadied
from afformer_core.hands.contact_estimate import hand_size
from afformer_core.hands.hand_landmarker import HandLandmarker
from afformer_core.hands.hand_tracks import HandTracks

RATE = 15.0
"""Approximate number of observed frames per second; more add no information about a hand."""

# Pixels of the longer side of observed frames, and minimum side of an image for optical flow.
_SIDE, _LEAST_SIDE = 320, 12
# Low thresholds detect hands early, and sometimes a face in a single frame.
_DETECTION_CONFIDENCE, _PRESENCE_CONFIDENCE = 0.3, 0.5
_MOST_HANDS = 4
# Number of kept frames.
MOST_FRAMES = 256
# Minimum seconds between two frames; at 30 frames per second, every second one is used.
_LEAST_INTERVAL = 0.045
# Pixels per frame against the background above which something moves, and the share of a frame
# that must move.
_MOTION, _LEAST_MOVING = 0.65, 0.003
# Pixels per frame against the background; slower motion is below the accuracy of the flow.
_STILL = 0.5
# Minimum gradient of the image at which flow is reliable, in grey levels per pixel.
_TEXTURE = 2.0
_LEAST_PIXELS = 15
# Maximum difference between the velocities of a hand and of a moved object, as a share of the
# hand's speed.
_LIKE_HAND = 0.4
# Number of frames at the start whose hands count as those of the first frame, because a detection
# may be missing.
_FIRST_FRAMES = 3
# Share of frames with a hand below which hands are assumed to be undetected.
_SELDOM = 0.1


@dataclass(frozen=True)
class DetectedHand:
    """A detected hand.

    Attributes:
        landmarks: [21, 2] (x, y) in pixels of the small frame.
        score: score of the detection; higher is more certain.
    """

    landmarks: Landmarks
    score: float


class ContactObserver:
    """The frames of one demonstration while they arrive.

    Each frame is measured when it arrives, so that the end of a recording takes a fraction of a
    second. Memory is bounded.

    Args:
        most_frames: maximum number of frames that are kept, at least 2. In a longer demonstration
            every second frame is kept, then every fourth, and so on.

    Attributes:
        moves: whether something moves against the background of the newest frame.
    """

    def __init__(self, most_frames: int = MOST_FRAMES) -> None:
        self._most_frames = most_frames
        self._kept: list[ObservedFrame] = []
        self._newest: ObservedFrame | None = None
        self._count = 0
        self._stride = 1
        self.moves = False
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
            image: uint8 RGB [h, w, 3], of the size of the previous ones.
            time: seconds, later than the previous frame.
            hands: hands in it.
        """
        frame = ObservedFrame(image, time, np.eye(3), self._tracked(image, time, hands))
        if self._newest is not None:
            before, to_first = self._compared(self._newest, frame)
            frame = replace(frame, to_first=to_first)
            self._keep(before)
        self._newest = frame

    def read(
        self, prior: FloatArray, begin: float = -math.inf, end: float = math.inf
    ) -> ContactReading | None:
        """Read the contact in the frames so far; None if fewer than two are in the part.

        Args:
            prior: float32 [H, W], log-probability of the contact over the first frame, finite;
                zeros if unknown.
            begin, end: times of the first and the last frame of the part, in seconds. The reading
                is over the first frame of the part.
        """
        frames = [frame for frame in self.frames if begin <= frame.time <= end]
        if len(frames) < 2:
            return None
        back = np.linalg.inv(frames[0].to_first)
        frames = [replace(frame, to_first=back @ frame.to_first) for frame in frames]
        return read_observed(frames, prior)

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
        rows, columns = np.indices(grey.shape)
        steps = moved.steps(np.stack([columns.ravel(), rows.ravel()], axis=1))
        self.moves = bool((np.linalg.norm(steps, axis=1) > _MOTION).mean() >= _LEAST_MOVING)
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


def read_observed(frames: Sequence[ObservedFrame], prior: FloatArray) -> ContactReading:
    """Read the contact in one or more observed frames, see `ContactObserver.read`."""
    height, width = frames[0].image.shape[:2]
    to_first = steadied([frame.to_first for frame in frames], (width, height))
    frames = [
        replace(frame, to_first=motion) for frame, motion in zip(frames, to_first, strict=True)
    ]
    times = np.array([frame.time for frame in frames])
    paths = hand_paths(times, [frame.hands for frame in frames], to_first)
    weights = moment_scores(paths)
    maps = [
        hand_map(path.tips, weight, (height, width))
        for path, weight in zip(paths, weights, strict=True)
    ]
    if sum(bool(frame.hands) for frame in frames) < _SELDOM * len(frames):
        # Fingers may be too close to the camera for their hand to be detected.
        entering = entering_map(frames)
        maps += [] if entering is None else [entering]
    early = [hand.landmarks for frame in frames[:_FIRST_FRAMES] for hand in frame.hands]
    change = change_map(
        frames[0].image, frames[-1].image, to_first[-1], hand_mask(early, (height, width))
    )
    logs = combined_map(prior, change, maps)
    return contact_candidates(logs, removal_map(frames), paths, weights)


@dataclass(frozen=True)
class FrameMotion:
    """A frame and its motion to the next one.

    Attributes:
        grey: uint8 [h, w], the frame.
        flow: float32 [h, w, 2], motion of its pixels.
        camera: [3, 3], motion of its background.
    """

    grey: NDArray[np.uint8]
    flow: NDArray[np.float32]
    camera: NDArray[np.float64]

    def steps(self, pixels: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return the motion against the background of pixels [N, 2] (column, row)."""
        steps = self.flow[pixels[:, 1], pixels[:, 0]] - background_flow(self.camera, pixels)
        return np.asarray(steps, np.float64)


def measure_comotion(motion: FrameMotion, hand: Landmarks, hands: NDArray[np.bool_]) -> float:
    """Measure how much of the surroundings of a fingertip, within one hand size, moves with it.

    Args:
        motion: the frame and its motion.
        hand: landmarks of the hand, [21, 2] pixels.
        hands: bool [h, w], mask of all hands and forearms.

    Returns:
        share of the textured surroundings that moves like the hand, 0 to 1; NaN if the hand stands
        still or little is textured.
    """
    centre = fingertip(hand)
    points = _textured_surroundings(motion.grey, centre, hand_size(hand), hands)
    if len(points) < _LEAST_PIXELS:
        return np.nan
    height, width = motion.grey.shape
    inside = np.clip(hand.astype(np.int64), 0, [width - 1, height - 1])
    hand_step = np.median(motion.steps(inside), axis=0)
    speed = float(np.linalg.norm(hand_step))
    if speed <= _STILL:
        return np.nan
    differences = np.linalg.norm(motion.steps(points) - hand_step, axis=1)
    return float((differences < _LIKE_HAND * speed).mean())


def _textured_surroundings(
    grey: NDArray[np.uint8], centre: NDArray[np.float64], radius: float, hands: NDArray[np.bool_]
) -> NDArray[np.int64]:
    """Return the pixels [N, 2] (column, row) around a point that are textured and on no hand."""
    height, width = grey.shape
    left, top = np.maximum(np.floor(centre - radius).astype(int), 0)
    right, bottom = np.minimum(np.ceil(centre + radius).astype(int) + 1, [width, height])
    if left >= right or top >= bottom:
        return np.zeros((0, 2), np.int64)
    part = grey[top:bottom, left:right]
    across, down = (cv2.Sobel(part, cv2.CV_32F, *order) / 8 for order in ((1, 0), (0, 1)))
    rows, columns = np.mgrid[top:bottom, left:right]
    near = np.hypot(columns - centre[0], rows - centre[1]) < radius
    chosen = near & ~hands[top:bottom, left:right] & (np.hypot(across, down) > _TEXTURE)
    return np.stack([columns[chosen], rows[chosen]], axis=1)


class DemonstrationReader:
    """Reader of a demonstration's hands and contact.

    Args:
        threads: number of threads that detect hands, at least 1; the hands are the same.

    Raises:
        HandModelError: the shipped hand networks are missing or damaged.

    Attributes:
        hands: number of hands in both of the newest two observed frames, because a face may be
            detected as a hand in a single frame.
    """

    def __init__(self, threads: int = 1) -> None:
        self._landmarker = HandLandmarker(
            _DETECTION_CONFIDENCE, _PRESENCE_CONFIDENCE, _MOST_HANDS, threads
        )
        self._observer = ContactObserver()
        self._size: tuple[int, ...] = ()
        self.hands = 0
        self._found = 0

    @property
    def moves(self) -> bool:
        """Whether something moves against the background of the newest observed frame."""
        return self._observer.moves

    def observe(self, image: NDArray[np.uint8], time: float) -> None:
        """Observe the next frame, unless it adds no information (see `ContactObserver.needs`).

        Args:
            image: uint8 RGB [H, W, 3]. If its size differs from the previous frames, the reader
                starts again.
            time: seconds, not before the previous frame.
        """
        if self._size != image.shape:
            self._observer, self._size = ContactObserver(), image.shape
        if not self._observer.needs(time):
            return
        small: UInt8Array = small_image(image)
        if min(small.shape[:2]) < _LEAST_SIDE:
            return
        found = self._landmarker.detect(image, time)
        self.hands, self._found = min(self._found, len(found)), len(found)
        scale = np.array(small.shape[1::-1]) / image.shape[1::-1]
        hands = [DetectedHand(hand.landmarks * scale, hand.score) for hand in found]
        self._observer.observe(small, time, hands)

    def read(
        self, prior: FloatArray, begin: float = -math.inf, end: float = math.inf
    ) -> ContactReading | None:
        """Read the contact, see `ContactObserver.read`; None with fewer than two frames."""
        return self._observer.read(prior, begin, end)


def small_image(image: UInt8Array, side: int = _SIDE) -> UInt8Array:
    """Shrink an image [H, W, 3] to at most a number of pixels on the longer side."""
    scale = side / max(image.shape)
    if scale >= 1:
        return image
    resized = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    return np.asarray(resized, np.uint8)

# SPDX-License-Identifier: Apache-2.0
"""Paths of hands over time, against the background."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from afformer_core.demonstrations.contact_reading.camera_motion import moved
from afformer_core.demonstrations.contact_reading.hand_shape import (
    Landmarks,
    finger_gap,
    fingertip,
    palm,
)
from afformer_core.demonstrations.contact_reading.time_series import interpolated, smoothed
from afformer_core.hands.contact_estimate import hand_size

# Standard deviation of the temporal smoothing of landmarks, which jitter; seconds.
_SMOOTHING = 1 / 15
# Seconds. Shorter detections are usually of a face or a foot.
_LEAST_LASTING = 0.18


@dataclass(frozen=True)
class TrackedHand:
    """A hand of a track in one frame.

    Attributes:
        track: number of the track.
        landmarks: [21, 2] pixels.
        comotion: share of its surroundings that moves with it to the next frame, see
            `measure_comotion`; NaN if unknown.
    """

    track: int
    landmarks: Landmarks
    comotion: float = np.nan


@dataclass(frozen=True, kw_only=True)
class HandPath:
    """One hand from its first to its last detection, interpolated between detections.

    Attributes:
        track: number of its track.
        times: [N], seconds.
        tips, palms: [N, 2], fingertip and palm in pixels of the first frame.
        gaps: [N], gap of thumb and index finger in hand sizes.
        size: median of its size, in pixels.
        comotion: [N], see `TrackedHand`; NaN if the hand was not detected.
    """

    track: int
    times: NDArray[np.float64]
    tips: NDArray[np.float64]
    palms: NDArray[np.float64]
    gaps: NDArray[np.float64]
    size: float
    comotion: NDArray[np.float64]

    @property
    def travel(self) -> float:
        """Length of the palm's path in pixels."""
        return float(np.linalg.norm(np.diff(self.palms, axis=0), axis=1).sum())


def hand_paths(
    times: NDArray[np.float64],
    detected: Sequence[Sequence[TrackedHand]],
    to_first: Sequence[NDArray[np.float64]],
) -> list[HandPath]:
    """Build the path of each track that lasts, by the number of the track.

    Args:
        times: [T] seconds, increasing.
        detected: hands of each of the T frames.
        to_first: [3, 3] of each of the T frames, see `camera_motion.steadied`.
    """
    interval = float(np.median(np.diff(times))) if len(times) > 1 else _LEAST_LASTING
    tracks: dict[int, dict[int, TrackedHand]] = {}
    for frame, hands in enumerate(detected):
        for hand in hands:
            tracks.setdefault(hand.track, {})[frame] = hand
    return [
        _path(track, found, times, to_first)
        for track, found in sorted(tracks.items())
        if times[max(found)] - times[min(found)] + interval >= _LEAST_LASTING
    ]


def _path(
    track: int,
    found: dict[int, TrackedHand],
    times: NDArray[np.float64],
    to_first: Sequence[NDArray[np.float64]],
) -> HandPath:
    known = np.array(sorted(found))
    frames = np.arange(known[0], known[-1] + 1)
    detected = np.stack([found[frame].landmarks for frame in known])
    landmarks = interpolated(times[frames], times[known], detected)
    landmarks = smoothed(times[frames], landmarks, _SMOOTHING)
    size = float(np.median([hand_size(points) for points in landmarks]))
    comotion = [found[frame].comotion if frame in found else np.nan for frame in frames]
    return HandPath(
        track=track,
        times=times[frames],
        tips=_in_first(fingertip(landmarks), frames, to_first),
        palms=_in_first(palm(landmarks), frames, to_first),
        gaps=np.array([finger_gap(points) for points in landmarks]) / size,
        size=size,
        comotion=np.array(comotion),
    )


def _in_first(
    points: NDArray[np.float64],
    frames: NDArray[np.int64],
    to_first: Sequence[NDArray[np.float64]],
) -> NDArray[np.float64]:
    return np.stack(
        [moved(to_first[frame], point) for frame, point in zip(frames, points, strict=True)]
    )

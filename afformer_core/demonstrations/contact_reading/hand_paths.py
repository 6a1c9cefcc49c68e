# SPDX-License-Identifier: Apache-2.0
"""Paths of hands over time, against the background, and the evidence that a contact begins.

A hand slows down at the object, the surroundings of its fingertips move with it afterwards and not
before, its fingers close, and it travels farther than other hands.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from afformer_core.arrays import UInt8Array
from afformer_core.demonstrations.optical_flow import moved
from afformer_core.hands.contact_estimate import hand_size

Values = NDArray[np.float64]
Landmarks = NDArray[np.float64]

# Landmarks of MediaPipe.
_WRIST, _THUMB_TIP, _INDEX_TIP, _MIDDLE_KNUCKLE, _MIDDLE_TIP = 0, 4, 8, 9, 12
# Landmarks of the palm, whose centre hardly moves with the fingers.
_PALM = [0, 5, 9, 13, 17]
# Weights of the tips of thumb, index and middle finger in the point of contact, where they meet.
_TIP_SHARES = {_THUMB_TIP: 0.35, _INDEX_TIP: 0.45, _MIDDLE_TIP: 0.2}
# In hand sizes: width and length of the visible forearm, and thickness around the landmarks.
_FOREARM_BREADTH, _FOREARM_LENGTH, _FLESH = 0.6, 3.0, 0.22
# In hand sizes: palms that are closer belong to the same hand.
_SAME_HAND = 0.6

# Standard deviation of the temporal smoothing of landmarks, which jitter; seconds.
_SMOOTHING = 1 / 15
# Seconds. Shorter detections are usually of a face or a foot.
_LEAST_LASTING = 0.18
# Seconds before and after a moment that are compared.
_BEFORE, _AFTER = 0.6, 0.8
# Weight of a hand's share of the total travel; the other terms are in standard deviations.
_TRAVEL = 2.0
# Temperature, as a share of the standard deviation of the scores.
_TEMPERATURE = 0.3


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
        to_first: [3, 3] of each of the T frames, see `optical_flow.steadied`.
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
    points: NDArray[np.float64], frames: NDArray[np.int64], to_first: Sequence[NDArray[np.float64]]
) -> NDArray[np.float64]:
    return np.stack(
        [moved(to_first[frame], point) for frame, point in zip(frames, points, strict=True)]
    )


def moment_scores(paths: Sequence[HandPath]) -> list[NDArray[np.float64]]:
    """Compute the logarithm of the weight of each moment of each hand; 0 is the best.

    Args:
        paths: any number of paths.

    Returns:
        [N] for each path of N frames.
    """
    if not paths:
        return []
    speed = np.concatenate([speeds(path.times, path.palms) / path.size for path in paths])
    comotion = np.concatenate(
        [changes(path.times, path.comotion, _BEFORE, _AFTER) for path in paths]
    )
    gap = np.concatenate([changes(path.times, path.gaps, _BEFORE, _AFTER) for path in paths])
    travel = np.array([path.travel for path in paths])
    lengths = [len(path.times) for path in paths]
    share = np.repeat(travel / (travel.sum() + 1e-6), lengths)
    scores = standard_scores(comotion) - standard_scores(speed) - standard_scores(gap)
    scores += _TRAVEL * share
    weights = (scores - scores.max()) / (_TEMPERATURE * scores.std() + 1e-6)
    return np.split(weights, np.cumsum(lengths)[:-1])


def interpolated(times: Values, known_times: Values, known: Values) -> Values:
    """Interpolate values [K, ...], known at increasing times, linearly at other times [N]."""
    flat = known.reshape(len(known), -1)
    columns = [np.interp(times, known_times, column) for column in flat.T]
    return np.stack(columns, axis=1).reshape(len(times), *known.shape[1:])


def smoothed(times: Values, values: Values, deviation: float) -> Values:
    """Average values [N, ...] with a normal distribution over the time between them.

    Args:
        times: [N], increasing.
        values: finite.
        deviation: standard deviation in seconds; frames that are much farther apart are unchanged.
    """
    weights = np.exp(-np.square((times[:, None] - times[None]) / deviation) / 2)
    weights /= weights.sum(axis=1, keepdims=True)
    return np.asarray(np.tensordot(weights, values, axes=1), np.float64)


def speeds(times: Values, points: Values) -> Values:
    """Compute the speed of a point [N, 2] in its unit per second; 0 for a single time."""
    if len(times) < 2:
        return np.zeros(len(times))
    return np.asarray(np.linalg.norm(np.gradient(points, times, axis=0), axis=1), np.float64)


def changes(times: Values, values: Values, before: float, after: float) -> Values:
    """Compute the mean over a window after each time minus the mean over one before it.

    Args:
        times: [N], increasing.
        values: [N]; NaN values are left out, and the mean of no value is 0.
        before, after: lengths of the two windows, in seconds.
    """
    known = np.isfinite(values)
    sums = np.concatenate(([0.0], np.cumsum(np.where(known, values, 0.0))))
    counts = np.concatenate(([0], np.cumsum(known)))
    slack = 1e-6
    here = np.arange(len(times))
    start = np.searchsorted(times, times - before - slack)
    end = np.searchsorted(times, times + after + slack)
    later = (sums[end] - sums[here]) / np.maximum(counts[end] - counts[here], 1)
    earlier = (sums[here + 1] - sums[start]) / np.maximum(counts[here + 1] - counts[start], 1)
    return np.asarray(later - earlier, np.float64)


def standard_scores(values: Values) -> Values:
    """Return values [N] as multiples of their standard deviation from their mean."""
    return np.asarray((values - values.mean()) / (values.std() + 1e-6), np.float64)


def fingertip(landmarks: Landmarks) -> NDArray[np.float64]:
    """Return the point where thumb, index and middle finger meet, given landmarks [..., 21, 2]."""
    return np.asarray(
        sum(share * landmarks[..., tip, :] for tip, share in _TIP_SHARES.items()), np.float64
    )


def palm(landmarks: Landmarks) -> NDArray[np.float64]:
    """Return the centre of the palm, given landmarks [..., 21, 2]."""
    return np.asarray(landmarks[..., _PALM, :].mean(axis=-2), np.float64)


def finger_gap(landmarks: Landmarks) -> float:
    """Return the distance between the tips of thumb and index finger, in pixels."""
    return float(np.linalg.norm(landmarks[_THUMB_TIP] - landmarks[_INDEX_TIP]))


def draw_hand(region: NDArray[np.uint8], landmarks: Landmarks) -> None:
    """Draw the visible part of a hand and its forearm into uint8 [h, w] as 1."""
    size = hand_size(landmarks)
    drawn = np.zeros_like(region)
    hull = cv2.convexHull(landmarks.astype(np.float32)).astype(np.int32)
    cv2.fillConvexPoly(drawn, hull, 1)
    wrist = landmarks[_WRIST]
    arm = wrist - landmarks[_MIDDLE_KNUCKLE]
    arm = arm / max(float(np.linalg.norm(arm)), 1e-6)
    elbow = wrist + _FOREARM_LENGTH * size * arm
    ends = [(round(x), round(y)) for x, y in (wrist, elbow)]
    cv2.line(drawn, ends[0], ends[1], 1, max(1, int(_FOREARM_BREADTH * size)))
    side = 2 * max(1, int(_FLESH * size)) + 1
    np.maximum(region, cv2.dilate(drawn, np.ones((side, side), np.uint8)), out=region)


def hand_mask(hands: Sequence[Landmarks], shape: tuple[int, int]) -> NDArray[np.bool_]:
    """Return the mask of hands and their forearms, bool [h, w]."""
    region = np.zeros(shape, np.uint8)
    for landmarks in hands:
        draw_hand(region, landmarks)
    return region > 0


def distinct_hands(hands: Sequence[Landmarks], scores: Sequence[float]) -> list[int]:
    """Choose the detection with the highest score for each hand.

    Args:
        hands: landmarks [21, 2] pixels each.
        scores: score of each.

    Returns:
        indices of the chosen detections, by descending score.
    """
    chosen: list[int] = []
    for index in sorted(range(len(hands)), key=lambda number: -scores[number]):
        if all(_apart(hands[index], hands[other]) for other in chosen):
            chosen.append(index)
    return chosen


def _apart(one: Landmarks, other: Landmarks) -> bool:
    distance = float(np.linalg.norm(palm(one) - palm(other)))
    return distance > _SAME_HAND * hand_size(other)

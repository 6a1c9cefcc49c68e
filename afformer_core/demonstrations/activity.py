# SPDX-License-Identifier: Apache-2.0
"""Detection of activity in the frames of a recording."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

Thumbnail = NDArray[np.float32]

_LONG_SIDE = 80
_BLUR = 1.0
_DELAY = 0.3
_PERSISTENCE = 0.1
_LONGEST_HISTORY = 64
# Minimum change of a pixel, as a multiple of the thumbnail's noise and in grey levels of 256.
_NOISE_FACTOR = 6.0
_LEAST_CHANGE = 6.0
# Pixels. A shift of the camera between two frames changes an edge by its gradient times the shift.
_EDGE_TOLERANCE = 0.6
_LEAST_SHARE = 0.003
_LEAST_STAYING_SHARE = 0.02
_GLOBAL_SHARE = 0.5
_CAMERA_STEP = 0.025
_GLOBAL_NOISE = 8.0
# A shift of the camera is accepted if it lowers the noise of the difference to this share.
_BETTER = 0.8
_FIT_ROUNDS = 2
# Grey levels; the shift of an image without texture cannot be estimated.
_LEAST_TEXTURE = 1.0


@dataclass(frozen=True)
class Activity:
    """Result of a detector for one frame.

    Attributes:
        active: True if something happens.
        camera_moves: True if the whole image moves, so that motion in its parts is not
            informative.
        hands: number of hands detected.
    """

    active: bool
    camera_moves: bool = False
    hands: int = 0


class ActivityDetector(Protocol):
    """Detector of activity in one recording."""

    @property
    def name(self) -> str:
        """Name of what it detects, such as 'motion'."""

    def observe(self, image: NDArray[np.uint8], time: float) -> Activity:
        """Detect activity in the next frame.

        Args:
            image: uint8 RGB [H, W, 3].
            time: seconds after the first frame.
        """


class Persistence:
    """Filter for detections that last at least 0.1 s and two frames."""

    def __init__(self) -> None:
        self._since: float | None = None

    def lasts(self, seen: bool, time: float) -> bool:  # noqa: FBT001
        """Check whether detections have lasted long enough.

        Args:
            seen: True for a detection in the next frame.
            time: time of that frame, seconds.
        """
        if not seen:
            self._since = None
        elif self._since is None:
            self._since = time
        else:
            return time - self._since >= _PERSISTENCE
        return False


class MotionActivity:
    """Detector of motion in a part of the image.

    A small blurred grey image is compared with the one from 0.3 s before. That one is first
    shifted, and its brightness and contrast are fitted, to compensate for camera shake and
    automatic exposure. A compact patch must then differ by more than the noise of the image, for
    at least 0.1 s and two frames. A change of half of the image counts as camera motion. A large
    object that came into view and stays also counts as activity, because a hand that holds a
    handle does not move.
    """

    name = 'motion'

    def __init__(self) -> None:
        self._history: deque[tuple[float, Thumbnail]] = deque(maxlen=_LONGEST_HISTORY)
        self._persistence = Persistence()
        self._before: Thumbnail | None = None
        self._begun = False

    def observe(self, image: NDArray[np.uint8], time: float) -> Activity:
        """Detect motion in the next frame, see `ActivityDetector.observe`."""
        thumbnail = _thumbnail(image)
        if self._history and self._history[-1][1].shape != thumbnail.shape:
            self._history.clear()
        reference = self._reference(time)
        self._history.append((time, thumbnail))
        if reference is None:
            return Activity(False)
        step, difference = _explained(reference, thumbnail)
        changed, size = difference.changed, difference.changed.size
        camera_moves = (
            float(np.hypot(*step)) > _CAMERA_STEP * max(changed.shape)
            or difference.noise > _GLOBAL_NOISE
            or float(changed.mean()) > _GLOBAL_SHARE
        )
        acts = not camera_moves and _largest_patch(changed) >= _LEAST_SHARE * size
        active = self._persistence.lasts(acts or self._something_stays(thumbnail), time)
        if not self._begun:
            self._before, self._begun = reference, active
        return Activity(active, camera_moves)

    def _something_stays(self, thumbnail: Thumbnail) -> bool:
        """Check whether a part of the image differs from before the first activity."""
        before = self._before
        if not self._begun or before is None or before.shape != thumbnail.shape:
            return False
        changed = _explained(before, thumbnail)[1].changed
        if float(changed.mean()) > _GLOBAL_SHARE:
            return False
        return _largest_patch(changed) >= _LEAST_STAYING_SHARE * changed.size

    def _reference(self, time: float) -> Thumbnail | None:
        """Return the newest thumbnail that is old enough, or else the oldest; drop older ones."""
        while len(self._history) > 1 and self._history[1][0] <= time - _DELAY:
            self._history.popleft()
        return self._history[0][1] if self._history else None


def _thumbnail(image: NDArray[np.uint8]) -> Thumbnail:
    height, width = image.shape[:2]
    scale = _LONG_SIDE / max(height, width)
    size = max(8, round(width * scale)), max(8, round(height * scale))
    small = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    grey = cv2.cvtColor(small, cv2.COLOR_RGB2GRAY).astype(np.float32)
    return np.asarray(cv2.GaussianBlur(grey, (0, 0), _BLUR), np.float32)


@dataclass(frozen=True)
class _Difference:
    """Pixels [h, w] in which two thumbnails differ, and the noise elsewhere in grey levels."""

    changed: NDArray[np.bool_]
    noise: float


def _explained(
    reference: Thumbnail, thumbnail: Thumbnail
) -> tuple[tuple[float, float], _Difference]:
    """Estimate the camera's shift between two thumbnails, and the difference apart from it."""
    still = _difference(reference, thumbnail)
    step = _common_step(reference, thumbnail)
    shifted = _difference(_shifted(reference, step), thumbnail)
    # on a background without texture the estimated shift is that of the hand
    if shifted.noise >= _BETTER * still.noise:
        return (0.0, 0.0), still
    border = math.ceil(max(abs(step[0]), abs(step[1]))) + 1
    inner = np.zeros_like(shifted.changed)
    inner[border:-border, border:-border] = True
    return step, _Difference(shifted.changed & inner, shifted.noise)


def _common_step(reference: Thumbnail, thumbnail: Thumbnail) -> tuple[float, float]:
    """Estimate the shift (x, y) of the whole image, in pixels of the thumbnail."""
    if min(float(reference.std()), float(thumbnail.std())) < _LEAST_TEXTURE:
        return 0.0, 0.0
    height, width = reference.shape
    window = cv2.createHanningWindow((width, height), cv2.CV_32F)
    # OpenCV multiplies the window into its arguments in place
    (x, y), _ = cv2.phaseCorrelate(reference.copy(), thumbnail.copy(), window)
    return float(x), float(y)


def _shifted(thumbnail: Thumbnail, step: tuple[float, float]) -> Thumbnail:
    matrix = np.array([[1, 0, step[0]], [0, 1, step[1]]], np.float32)
    size = (thumbnail.shape[1], thumbnail.shape[0])
    return np.asarray(
        cv2.warpAffine(thumbnail, matrix, size, borderMode=cv2.BORDER_REPLICATE), np.float32
    )


def _difference(reference: Thumbnail, thumbnail: Thumbnail) -> _Difference:
    """Find pixels whose difference brightness, contrast, noise and edges do not explain."""
    # a fit to all pixels would follow a moving part that is much darker or brighter than the rest
    gain, offset = 1.0, float(np.median(thumbnail - reference))
    difference, noise = _residual(reference, thumbnail, gain, offset)
    for _ in range(_FIT_ROUNDS):
        used = difference <= max(_NOISE_FACTOR * noise, 1.0)
        gain, offset = _fitted(reference[used], thumbnail[used])
        difference, noise = _residual(reference, thumbnail, gain, offset)
    slope = np.hypot(
        cv2.Sobel(thumbnail, cv2.CV_32F, 1, 0, scale=1 / 8),
        cv2.Sobel(thumbnail, cv2.CV_32F, 0, 1, scale=1 / 8),
    )
    tolerance = max(_NOISE_FACTOR * noise, _LEAST_CHANGE) + _EDGE_TOLERANCE * slope
    return _Difference(np.asarray(difference > tolerance), noise)


def _residual(
    reference: Thumbnail, thumbnail: Thumbnail, gain: float, offset: float
) -> tuple[Thumbnail, float]:
    """Compute the residual of a fit, and its size in unchanged pixels."""
    difference = np.abs(thumbnail - gain * reference - offset)
    return difference, 1.4826 * float(np.median(difference))


def _fitted(reference: NDArray[np.float32], thumbnail: NDArray[np.float32]) -> tuple[float, float]:
    """Fit the gain and offset from one image to the other; a flat image has gain 1."""
    mean, other = float(reference.mean()), float(thumbnail.mean())
    spread = float(((reference - mean) ** 2).mean())
    if spread < 1.0:
        return 1.0, other - mean
    gain = float(((reference - mean) * (thumbnail - other)).mean()) / spread
    return gain, other - gain * mean


def _largest_patch(change: NDArray[np.bool_]) -> int:
    _, _, statistics, _ = cv2.connectedComponentsWithStats(change.astype(np.uint8))
    return int(statistics[1:, cv2.CC_STAT_AREA].max(initial=0))

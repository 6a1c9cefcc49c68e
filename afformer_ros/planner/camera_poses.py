# SPDX-License-Identifier: Apache-2.0
"""Poses of a fixed or moving camera, by the time of its images."""

from __future__ import annotations

import threading
from bisect import bisect_right

import numpy as np

from afformer_core.errors import AfformerError
from afformer_core.geometry.transform import RigidTransform

# Number of poses to keep: 4 s at 250 Hz.
_KEPT = 1000
# Maximum seconds between two poses for interpolation: the error is at most 6 mm if the camera
# accelerates by 5 m/s2.
_LONGEST_GAP = 0.1
# Maximum seconds between poses, three times in a row, of a camera that publishes continuously.
_STREAM_GAP, _STREAM = 1.0, 3
# Maximum difference between poses of a fixed camera: metres, and elements of a rotation matrix.
_STILL = 1e-3


class NoPoseError(AfformerError):
    """Raised if the camera's pose at a time is not known."""


class CameraPoses:
    """The newest poses of the camera in the frame of the arm's base.

    A pose that is published once applies from its stamp on, until another one is published. The
    pose of a camera that publishes continuously, or that moves, is known only between two
    published poses.

    Args:
        moves: whether the camera moves, so that no pose remains valid.
    """

    def __init__(self, *, moves: bool) -> None:
        self._moves = moves
        self._lock = threading.Lock()
        self._stamps: list[int] = []
        self._poses: list[RigidTransform] = []

    def add(self, stamp: int, pose: RigidTransform) -> None:
        """Add the pose at a time in nanoseconds; earlier times restart the buffer."""
        with self._lock:
            if self._stamps and stamp < self._stamps[-1]:
                del self._stamps[:], self._poses[:]
            elif self._stamps and stamp == self._stamps[-1]:
                del self._stamps[-1], self._poses[-1]
            self._stamps.append(stamp)
            self._poses.append(pose)
            del self._stamps[:-_KEPT], self._poses[:-_KEPT]

    def newest(self) -> RigidTransform | None:
        """Return the newest pose of a fixed camera; None without one, or if the camera moves."""
        with self._lock:
            return None if self._moves or not self._poses else self._poses[-1]

    def __len__(self) -> int:
        with self._lock:
            return len(self._stamps)

    def at(self, stamp: int) -> RigidTransform:
        """Return the pose at a time in nanoseconds.

        Raises:
            NoPoseError: it is not known, but may be after a later pose.
        """
        with self._lock:
            after = bisect_right(self._stamps, stamp)
            if not after:
                raise NoPoseError(self._why_not_before(stamp))
            before = after - 1
            if stamp == self._stamps[before]:
                return self._poses[before]
            if after < len(self._stamps):
                return self._between(before, stamp)
            if self._moves or self._streams():
                late = (stamp - self._stamps[before]) * 1e-9
                raise NoPoseError(
                    f'the newest camera_pose is {late:.3f} s older than the image; expected one '
                    'after it. Publish the pose of a moving camera continuously'
                )
            return self._poses[before]

    def _between(self, before: int, stamp: int) -> RigidTransform:
        one, other = self._poses[before], self._poses[before + 1]
        begin, end = self._stamps[before], self._stamps[before + 1]
        if (
            np.abs(one.translation - other.translation).max() < _STILL
            and np.abs(one.rotation - other.rotation).max() < _STILL
        ):
            return one
        if end - begin > _LONGEST_GAP * 1e9:
            raise NoPoseError(
                f'the camera has moved between two poses {(end - begin) * 1e-9:.3f} s apart, and '
                f'the image was taken between them; expected poses at most {_LONGEST_GAP:g} s '
                'apart. Publish camera_pose more often'
            )
        return one.towards(other, (stamp - begin) / (end - begin))

    def _streams(self) -> bool:
        newest = self._stamps[-_STREAM:]
        gaps = np.diff(newest)
        return len(newest) == _STREAM and bool((gaps <= _STREAM_GAP * 1e9).all())

    def _why_not_before(self, stamp: int) -> str:
        if not self._stamps:
            return 'there is no camera_pose'
        early = (self._stamps[0] - stamp) * 1e-9
        return f'the image is {early:.3f} s older than the first camera_pose; expected one before'

# SPDX-License-Identifier: Apache-2.0
"""A buffer of transforms between frames over time, by the rules of tf2."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from afformer_core.geometry.transform import RigidTransform, TransformError

# Nanoseconds: for how long transforms are kept, and by how much stamps go back if a clock was set
# back.
KEPT, _SET_BACK = 10 * 10**9, 10**9
_IDENTITY = RigidTransform(np.eye(3), np.zeros(3))


@dataclass(frozen=True)
class FramePose:
    """Pose of a frame in its parent at a stamp.

    Attributes:
        child: the frame.
        parent: the frame that it is given in.
        stamp: nanoseconds.
        transform: from the child to the parent.

    Raises:
        TransformError: a name is empty, or both are the same.
    """

    child: str
    parent: str
    stamp: int
    transform: RigidTransform

    def __post_init__(self) -> None:
        if not self.child or not self.parent or self.child == self.parent:
            raise TransformError(
                f'a transform is from {self.child!r} to {self.parent!r}; expected two frames'
            )


class TransformBuffer:
    """Buffer of the poses of frames in their parents, which make up trees.

    It keeps ten seconds of each frame. It interpolates between two poses, and never extrapolates.
    If the clock is set back by more than a second, it drops everything except static poses.
    """

    def __init__(self) -> None:
        self._moving: dict[str, list[FramePose]] = {}
        self._static: dict[str, FramePose] = {}

    def add(self, pose: FramePose) -> None:
        """Add a pose of a moving frame."""
        self._static.pop(pose.child, None)
        poses = self._moving.get(pose.child, [])
        if poses and pose.stamp < poses[-1].stamp - _SET_BACK:
            self._moving, poses = {}, []
        insort(poses, pose, key=lambda entry: entry.stamp)
        del poses[: bisect_left(poses, poses[-1].stamp - KEPT, key=lambda entry: entry.stamp)]
        self._moving[pose.child] = poses

    def add_static(self, pose: FramePose) -> None:
        """Add a static pose of a frame, which is valid until the next one."""
        self._moving.pop(pose.child, None)
        self._static[pose.child] = pose

    def set_back(self, stamp: int) -> None:
        """Handle a clock that was set back to a stamp, in nanoseconds."""
        if any(poses[-1].stamp > stamp + _SET_BACK for poses in self._moving.values()):
            self._moving = {}

    def look_up(self, target: str, source: str, stamp: int) -> RigidTransform:
        """Find the transform to a frame from another at a stamp in nanoseconds.

        Raises:
            TransformError: the frames are not connected, or the transform is not known at that
                stamp.
        """
        from_source = dict(self._ascend(source, stamp))
        for frame, from_target in self._ascend(target, stamp):
            if frame in from_source:
                return from_target.inverse().after(from_source[frame])
        raise TransformError(self._why_unknown(target, source, stamp))

    def _ascend(self, frame: str, stamp: int) -> Iterator[tuple[str, RigidTransform]]:
        """Yield a frame and the known frames above it, each with the transform to it."""
        transform = _IDENTITY
        visited: set[str] = set()
        while frame not in visited:
            visited.add(frame)
            yield frame, transform
            pose = self._pose(frame, stamp)
            if pose is None:
                return
            frame, transform = pose.parent, pose.transform.after(transform)

    def _pose(self, frame: str, stamp: int) -> FramePose | None:
        if frame in self._static:
            return self._static[frame]
        poses = self._moving.get(frame, [])
        number = bisect_left(poses, stamp, key=lambda entry: entry.stamp)
        if number < len(poses) and poses[number].stamp == stamp:
            return poses[number]
        if not 0 < number < len(poses):
            return None
        before, after = poses[number - 1], poses[number]
        share = (stamp - before.stamp) / (after.stamp - before.stamp)
        transform = before.transform.towards(after.transform, share)
        return FramePose(frame, before.parent, stamp, transform)

    def _why_unknown(self, target: str, source: str, stamp: int) -> str:
        for frame in (source, target):
            # A frame that is unknown at this stamp may be known at another.
            *_, (top, _) = self._ascend(frame, stamp)
            if poses := self._moving.get(top):
                gap = (stamp - poses[-1].stamp) * 1e-9
                if gap > 0:
                    return f'the newest one of {top!r} is {gap:.3f} s older'
                gap = (poses[0].stamp - stamp) * 1e-9
                return f'the oldest one of {top!r} is {gap:.3f} s newer'
        return 'they are not connected'

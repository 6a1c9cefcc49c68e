# SPDX-License-Identifier: Apache-2.0
"""Joint trajectories, interpolated like those of ros2_control's joint_trajectory_controller.

Between two points without velocities a joint moves linearly, with velocities along a cubic. A new
trajectory replaces the previous one, and begins at the position and velocity that were due at that
time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from afformer_core.errors import AfformerError

# Share by which a speed may exceed its limit: planners round times to whole nanoseconds.
_SLACK = 0.01
_TOLERANCE = 1e-6


class TrajectoryError(AfformerError):
    """Raised if a controller rejects a trajectory."""


@dataclass(frozen=True)
class JointTrajectory:
    """Points through which P times J joints move.

    Attributes:
        names: names of the joints.
        times: float64 [P] seconds from the start, increasing.
        positions: float64 [P, J] radians, or metres of a finger.
        velocities: float64 [P, J] per second; None if not given.
        efforts: float64 [P, J] newton metres, or newtons of a finger; None if not given. Only the
            gripper uses them, see `ArmWorld.move_gripper`.

    Raises:
        TrajectoryError: the shapes do not match, there is no point, a number is not finite, a
            time is negative, or the times do not increase.
    """

    names: tuple[str, ...]
    times: NDArray[np.float64]
    positions: NDArray[np.float64]
    velocities: NDArray[np.float64] | None = None
    efforts: NDArray[np.float64] | None = None

    def __post_init__(self) -> None:
        if not len(self.times):
            raise TrajectoryError('the trajectory has no points; expected at least one')
        expected = (len(self.times), len(self.names))
        for name in ('positions', 'velocities', 'efforts'):
            values = getattr(self, name)
            if values is not None and values.shape != expected:
                raise TrajectoryError(
                    f'{name} are {values.shape}; expected {expected}, one for each point and joint'
                )
            if values is not None and not np.isfinite(values).all():
                raise TrajectoryError(f'{name} contain a number that is not finite; expected none')
        if not np.isfinite(self.times).all() or self.times[0] < 0:
            raise TrajectoryError(
                f'time_from_start begins at {self.times[0]:g} s; expected finite times of at '
                'least 0 s'
            )
        if (np.diff(self.times) <= 0).any():
            late = int(np.argmax(np.diff(self.times) <= 0)) + 1
            raise TrajectoryError(
                f'time_from_start of point {late} is {self.times[late]:g} s after '
                f'{self.times[late - 1]:g} s; expected increasing times'
            )

    def ordered(self, names: Sequence[str]) -> JointTrajectory:
        """Return the trajectory with its joints in the order of a controller.

        Raises:
            TrajectoryError: the joints are different.
        """
        if sorted(names) != sorted(self.names):
            raise TrajectoryError(
                f'joint_names are {", ".join(self.names) or "none"}; expected '
                f'{", ".join(names)}, in any order'
            )
        order = [self.names.index(name) for name in names]
        velocities, efforts = (
            None if values is None else values[:, order]
            for values in (self.velocities, self.efforts)
        )
        positions = self.positions[:, order]
        return JointTrajectory(tuple(names), self.times, positions, velocities, efforts)


class TrajectoryFollower:
    """Controller of some joints that follows one trajectory at a time, and then holds its end.

    Args:
        names: names of the joints.
        limits: float64 [J, 2], lowest and highest positions.
        speeds: float64 [J], highest speeds.
    """

    def __init__(
        self, names: Sequence[str], limits: NDArray[np.float64], speeds: NDArray[np.float64]
    ) -> None:
        self._names = tuple(names)
        self._limits = limits
        self._speeds = speeds
        self.stay(np.clip(np.zeros(len(names)), limits[:, 0], limits[:, 1]))

    def stay(self, positions: NDArray[np.float64]) -> None:
        """Drop the trajectory, and stay at positions, [J]."""
        self._times = np.zeros(1)
        self._positions = np.array(positions, float)[None]
        self._velocities: NDArray[np.float64] | None = None

    def start(self, trajectory: JointTrajectory, now: float, begin: float | None = None) -> None:
        """Replace the trajectory.

        Args:
            trajectory: the new one.
            now: time in seconds.
            begin: time at which it begins; None for now. Points in the past are dropped.

        Raises:
            TrajectoryError: its joints are different, a position or speed exceeds its limit, it
                does not end at rest, or all of its points are in the past. The old trajectory then
                continues.
        """
        given = trajectory.ordered(self._names)
        self._check_positions(given)
        if given.velocities is not None and np.abs(given.velocities[-1]).max() > _TOLERANCE:
            raise TrajectoryError(
                f'velocities of the last point are {given.velocities[-1].tolist()}; expected 0'
            )
        times = given.times + (now if begin is None else begin)
        left = times >= now
        if not left.any():
            raise TrajectoryError(
                f'the trajectory ended {now - times[-1]:.3f} s ago; expected one that ends later. '
                'Leave header.stamp 0 to begin at once'
            )
        position, velocity = self.desired(now)
        positions = np.vstack([position, given.positions[left]])
        velocities = None
        if given.velocities is not None:
            velocities = np.vstack([velocity, given.velocities[left]])
        times = np.concatenate([[now], times[left]])
        if times[1] - times[0] < _TOLERANCE:
            self._check_jump(positions)
            times, positions = times[1:], positions[1:]
            velocities = None if velocities is None else velocities[1:]
        self._check_speeds(times, positions, velocities)
        self._times, self._positions, self._velocities = times, positions, velocities

    def desired(self, time: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the positions and velocities, [J] each, that are due at a time in seconds."""
        after = int(np.searchsorted(self._times, time, side='right'))
        still = np.zeros(len(self._names))
        if after == 0:
            return self._positions[0], still
        if after == len(self._times):
            return self._positions[-1], still
        duration = float(self._times[after] - self._times[after - 1])
        share = (time - float(self._times[after - 1])) / duration
        first, last = self._positions[after - 1], self._positions[after]
        if self._velocities is None:
            return first + share * (last - first), (last - first) / duration
        begin, end = duration * self._velocities[after - 1], duration * self._velocities[after]
        square, cube = _cubic(first, last, begin, end)
        position = first + share * (begin + share * (square + share * cube))
        velocity = (begin + share * (2 * square + 3 * share * cube)) / duration
        return position, velocity

    def _check_positions(self, given: JointTrajectory) -> None:
        low, high = self._limits.T
        beyond = (given.positions < low - _TOLERANCE) | (given.positions > high + _TOLERANCE)
        if beyond.any():
            point, joint = map(int, np.argwhere(beyond)[0])
            raise TrajectoryError(
                f'{self._names[joint]} is {given.positions[point, joint]:.4f} at point {point}; '
                f'expected {low[joint]:g} to {high[joint]:g}'
            )

    def _check_jump(self, positions: NDArray[np.float64]) -> None:
        jump = np.abs(positions[1] - positions[0])
        if jump.max() > 1e-3:
            raise TrajectoryError(
                f'the point at 0 s is {jump.max():.4f} from where {self._names[jump.argmax()]} '
                'should be then; expected less than 0.001. Give it more time'
            )

    def _check_speeds(
        self,
        times: NDArray[np.float64],
        positions: NDArray[np.float64],
        velocities: NDArray[np.float64] | None,
    ) -> None:
        if len(times) < 2:
            return
        durations = np.diff(times)[:, None]
        speeds = np.abs(np.diff(positions, axis=0)) / durations
        if velocities is not None:
            begin, end = durations * velocities[:-1], durations * velocities[1:]
            square, cube = _cubic(positions[:-1], positions[1:], begin, end)
            # a cubic is fastest at its ends or at zero acceleration
            share = -square / np.where(np.abs(cube) < 1e-12, np.inf, 3 * cube)
            share = share.clip(0, 1)
            middle = begin + share * (2 * square + 3 * share * cube)
            speeds = np.max(np.abs([begin, middle, end]), axis=0) / durations
        beyond = speeds > (1 + _SLACK) * self._speeds
        if beyond.any():
            segment, joint = map(int, np.argwhere(beyond)[0])
            raise TrajectoryError(
                f'{self._names[joint]} would move at {speeds[segment, joint]:.2f} per second '
                f'before point {segment}; expected at most {self._speeds[joint]:g}. Give it more '
                'time'
            )


def _cubic(
    first: NDArray[np.float64],
    last: NDArray[np.float64],
    begin: NDArray[np.float64],
    end: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the coefficients of the square and the cube of a cubic over [0, 1]."""
    return 3 * (last - first) - 2 * begin - end, 2 * (first - last) + begin + end

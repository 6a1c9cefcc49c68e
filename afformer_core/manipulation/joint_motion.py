# SPDX-License-Identifier: Apache-2.0
"""Motions of joints along a path, with a time parametrisation within their limits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import ruckig
from numpy.typing import NDArray

# Seconds between the points of a motion, which a controller interpolates.
_PERIOD = 0.02
# Share of the limit of acceleration that is left for the curvature of a path.
_CURVATURE_SHARE = 0.5


@dataclass(frozen=True)
class JointLimits:
    """Limits of the motion of N joints.

    Attributes:
        velocity: float64 [N] radians per second.
        acceleration: float64 [N] radians per second squared.
        jerk: float64 [N] radians per second cubed.

    Raises:
        ValueError: a limit is not positive and finite, or the shapes differ.
    """

    velocity: NDArray[np.float64]
    acceleration: NDArray[np.float64]
    jerk: NDArray[np.float64]

    def __post_init__(self) -> None:
        for name in ('velocity', 'acceleration', 'jerk'):
            values = getattr(self, name)
            if values.shape != self.velocity.shape:
                raise ValueError(
                    f'{name} has {values.size} values; expected {self.velocity.size}, one for '
                    'each joint'
                )
            if not (np.isfinite(values) & (values > 0)).all():
                raise ValueError(f'{name} is {values.tolist()}; expected positive, finite numbers')


@dataclass(frozen=True)
class JointMotion:
    """Points through which N joints move, from rest to rest.

    Attributes:
        times: float64 [P] seconds from the start, increasing; the first one is 0.
        positions: float64 [P, N] radians.
        velocities: float64 [P, N] radians per second; 0 at both ends.
        accelerations: float64 [P, N] radians per second squared.

    Raises:
        ValueError: the shapes differ, a number is not finite, or times do not increase from 0.
    """

    times: NDArray[np.float64]
    positions: NDArray[np.float64]
    velocities: NDArray[np.float64]
    accelerations: NDArray[np.float64]

    def __post_init__(self) -> None:
        for name in ('positions', 'velocities', 'accelerations'):
            values = getattr(self, name)
            if values.shape != (len(self.times), self.positions.shape[-1]):
                raise ValueError(
                    f'{name} are {values.shape}; expected a row for each of {len(self.times)} '
                    'times'
                )
            if not np.isfinite(values).all():
                raise ValueError(f'{name} contain a number that is not finite')
        if len(self.times) < 2 or self.times[0] or (np.diff(self.times) <= 0).any():
            raise ValueError(f'times are {self.times.tolist()}; expected increasing ones from 0')

    @property
    def duration(self) -> float:
        """Seconds from the start to the end."""
        return float(self.times[-1])

    @property
    def end(self) -> NDArray[np.float64]:
        """Joint positions [N] at the end, radians."""
        return np.asarray(self.positions[-1])

    def at(self, seconds: float) -> NDArray[np.float64]:
        """Return the joint positions [N] at a time, radians; its ends before and after."""
        return np.array([np.interp(seconds, self.times, joint) for joint in self.positions.T])

    def begun_at(self, positions: NDArray[np.float64]) -> JointMotion:
        """Return the motion to the same end from other joint positions [N], near its beginning.

        A controller continues from where it has commanded the arm, and not from where something
        stopped it; the difference fades smoothly over the motion.
        """
        share = (self.times / self.duration)[:, None]
        offset = positions - self.positions[0]
        fading = 1 - share**3 * (10 - 15 * share + 6 * share**2)
        slope = -30 * share**2 * (1 - share) ** 2 / self.duration
        curvature = -60 * share * (1 - share) * (1 - 2 * share) / self.duration**2
        return JointMotion(
            self.times,
            self.positions + offset * fading,
            self.velocities + offset * slope,
            self.accelerations + offset * curvature,
        )


def joint_motion(
    path: Sequence[NDArray[np.float64]],
    limits: JointLimits,
    rate: float = np.inf,
    ramp: float = _PERIOD,
) -> JointMotion:
    """Parametrize a path by time: as fast as the limits of all joints allow, from rest to rest.

    The path is a smooth curve through its points, the straight line between two of them.

    Args:
        path: joint positions [N], radians, at least two, the current ones first.
        limits: limits of the joints.
        rate: maximum share of the path per second.
        ramp: minimum seconds in which that rate is reached, above 0.

    Raises:
        ValueError: the path has fewer than two points, or a number that is not finite.
    """
    points = np.array(path, np.float64)
    if points.ndim != 2 or len(points) < 2:
        raise ValueError(f'the path has the shape {points.shape}; expected at least two points')
    if not np.isfinite(points).all():
        raise ValueError(f'the path contains a number that is not finite: {points.tolist()}')
    segments = len(points) - 1
    slopes = np.gradient(points, 1 / segments, axis=0)
    curvatures = np.gradient(slopes, 1 / segments, axis=0) if segments > 1 else 0 * slopes
    slope, curvature = np.abs(slopes).max(axis=0), np.abs(curvatures).max(axis=0)
    profile = ruckig.InputParameter(1)
    profile.target_position = [1.0]
    share = 1 - _CURVATURE_SHARE if segments > 1 else 1.0
    with np.errstate(divide='ignore'):
        fastest = min(
            # A path without length takes the time of some periods.
            1 / _PERIOD,
            rate,
            float((limits.velocity / slope).min()),
            float(np.sqrt(_CURVATURE_SHARE * limits.acceleration / curvature).min()),
        )
        acceleration = share * float((limits.acceleration / slope).min())
        jerk = share * float((limits.jerk / slope).min())
    profile.max_velocity = [fastest]
    profile.max_acceleration = [min(acceleration, fastest / ramp)]
    profile.max_jerk = [min(jerk, 4 * fastest / ramp**2)]
    trajectory = ruckig.Trajectory(1)
    result = ruckig.Ruckig(1).calculate(profile, trajectory)
    if result < 0:
        raise ValueError(f'no motion along {points.tolist()} keeps the limits: {result}')
    return _sampled(points, slopes, trajectory)


def _sampled(
    points: NDArray[np.float64], slopes: NDArray[np.float64], trajectory: ruckig.Trajectory
) -> JointMotion:
    """Evaluate a path, a cubic between its points, where its profile is at even times."""
    count = max(2, int(np.ceil(trajectory.duration / _PERIOD)) + 1)
    times = np.linspace(0, trajectory.duration, count)
    profile = np.array([trajectory.at_time(time) for time in times.tolist()], np.float64)
    share, speed, acceleration = profile[:, :, 0].T[:, :, None]
    segments = len(points) - 1
    at = np.minimum((share[:, 0].clip(0, 1) * segments).astype(int), segments - 1)
    part = share.clip(0, 1) * segments - at[:, None]
    first, last = points[at], points[at + 1]
    begin, end = slopes[at] / segments, slopes[at + 1] / segments
    square, cube = 3 * (last - first) - 2 * begin - end, 2 * (first - last) + begin + end
    positions = first + part * (begin + part * (square + part * cube))
    slope = segments * (begin + part * (2 * square + 3 * part * cube))
    curvature = segments**2 * (2 * square + 6 * part * cube)
    velocities = slope * speed
    positions[-1], velocities[0], velocities[-1] = points[-1], 0.0, 0.0
    return JointMotion(times, positions, velocities, slope * acceleration + curvature * speed**2)

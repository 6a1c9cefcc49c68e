# SPDX-License-Identifier: Apache-2.0
"""Motions of an element and of the hand on it during a demonstration.

Time runs from 0 (the clip's start) to 1 (its end), so that the same motion can be shown in any
number of frames.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from afformer_sim.bodies.element import MOMENTARY, Use
from afformer_sim.bodies.solid import STILL, Pose

_TAP = 0.05
_ALWAYS = 0.02


@dataclass(frozen=True)
class Pause:
    """Short wait of the hand on its way to the element.

    Attributes:
        position: [3] metres from the hand's position in contact.
        distance: time from the end of the wait to the contact.
        length: duration of the wait.
    """

    position: np.ndarray
    distance: float
    length: float


@dataclass(frozen=True, kw_only=True)
class DemonstratedMotion:
    """One action on one element over time.

    Attributes:
        use: the action and the joint of the element.
        start, end: the hand is on the element from `start` to `end`; they may lie outside 0..1.
        approach, retreat: [3] metres, positions from which the hand comes and to which it goes, in
            the element's frame.
        approach_time, retreat_time: durations of these movements.
        values: joint values before and after; momentary actions go from the first to the second
            and back.
        pause: a hesitation before the contact, for example over the wrong element, or None.
    """

    use: Use
    start: float
    end: float
    approach: np.ndarray
    retreat: np.ndarray
    approach_time: float
    retreat_time: float
    values: tuple[float, float]
    pause: Pause | None = None

    @property
    def action(self) -> str:
        """Name of the action."""
        return self.use.action

    def in_contact(self, time: float) -> bool:
        """Check whether the hand is on the element at `time`."""
        return self.start <= time <= self.end

    def openness(self, time: float) -> float:
        """Return the opening of the fingers at `time`: 0 (in contact) to 1."""
        return float(np.clip(max(self.start - time, time - self.end) / 0.1, 0, 1))

    def hand_offset(self, time: float) -> np.ndarray:
        """Return the hand's offset from its position in contact at `time`: [3] metres.

        It is in the element's frame.
        """
        if time < self.start:
            return self._approach_offset(self.start - time)
        if time > self.end:
            return _ease((time - self.end) / self.retreat_time) * self.retreat
        return np.zeros(3)

    def _approach_offset(self, ahead: float) -> np.ndarray:
        if self.pause is None:
            return _ease(ahead / self.approach_time) * self.approach
        pause = self.pause
        if ahead < pause.distance:
            return _ease(ahead / pause.distance) * pause.position
        farther = (ahead - pause.distance - pause.length) / self.approach_time
        return np.asarray(pause.position + _ease(farther) * (self.approach - pause.position))

    def value(self, time: float) -> float:
        """Return the joint's value at `time`, in metres or radians."""
        before, after = self.values
        if self.action in MOMENTARY:
            share = min(_ease((time - self.start) / _TAP), _ease((self.end - time) / _TAP))
        else:
            # the visible part of a contact that begins or ends outside the clip
            first, last = max(self.start, 0.0), min(self.end, 1.0)
            lag = 0.12 * (last - first)
            share = _ease((time - first - lag) / (last - first - 2 * lag))
        return before + (after - before) * share

    def displacement(self, time: float) -> Pose:
        """Return the motion of the element from rest at `time`, in its own frame."""
        if self.use.joint is None:
            return STILL
        return self.use.joint.displacement(self.value(time))


def sample_motion(
    use: Use, rng: np.random.Generator, aside: np.ndarray | None = None
) -> DemonstratedMotion:
    """Draw a motion that carries out an action.

    Args:
        aside: [3] metres from the element to another one, in its frame, over which the hand may
            hesitate; or None.
    """
    start, end = _contact_interval(use.action, rng)
    approach = _away(rng)
    return DemonstratedMotion(
        use=use,
        start=start,
        end=end,
        approach=approach,
        retreat=_away(rng),
        approach_time=rng.uniform(0.2, 0.35),
        retreat_time=rng.uniform(0.2, 0.35),
        values=(rng.uniform(*use.before), rng.uniform(*use.after)),
        pause=_hesitation(start, approach, aside, rng),
    )


def _contact_interval(action: str, rng: np.random.Generator) -> tuple[float, float]:
    if action == 'touch':
        start = rng.uniform(0.25, 0.55)
        return start, start + rng.uniform(0.15, 0.26)
    if action == 'pick up':
        return rng.uniform(0.15, 0.34), 1 + _ALWAYS
    if action == 'put down':
        return -_ALWAYS, rng.uniform(0.66, 0.85)
    if action == 'hold':
        start, end = rng.uniform(0.08, 0.25), rng.uniform(0.78, 0.94)
    else:
        start, end = rng.uniform(0.14, 0.32), rng.uniform(0.68, 0.86)
    if rng.random() < 0.15:
        start = -_ALWAYS
    elif rng.random() < 0.15:
        end = 1 + _ALWAYS
    return start, end


def _hesitation(
    start: float, approach: np.ndarray, aside: np.ndarray | None, rng: np.random.Generator
) -> Pause | None:
    if start < 0.2 or rng.random() > 0.3:
        return None
    position = rng.uniform(0.2, 0.5) * approach
    if aside is not None and rng.random() < 0.5:
        # a miss: the hand nearly grasps the neighbour
        position = aside + np.array([0.0, 0.0, rng.uniform(0.015, 0.04)])
    distance = rng.uniform(0.08, 0.12)
    return Pause(position, distance, rng.uniform(0.04, 0.1))


def _away(rng: np.random.Generator) -> np.ndarray:
    """Draw the origin of a hand: outwards, more often below than above, 8 to 22 cm away."""
    toward = np.array([rng.normal(0, 0.6), rng.normal(-0.6, 0.5), rng.uniform(0.25, 0.9)])
    toward *= rng.uniform(0.08, 0.22) / np.linalg.norm(toward)
    return toward


def _ease(share: float) -> float:
    share = min(max(share, 0.0), 1.0)
    return share * share * (3 - 2 * share)

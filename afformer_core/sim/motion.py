# SPDX-License-Identifier: Apache-2.0
"""How an element and the hand on it move during a demonstration.

Time runs from 0 (the clip's start) to 1 (its end), so that the same motion can be shown in any
number of frames.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from afformer_core.sim.appliance import Element, Kind

_DRAWER_STROKE = 0.035
_TAP = 0.05


@dataclass(frozen=True)
class Motion:
    """One action upon one element.

    Attributes:
        action: one out of `ACTIONS`.
        start, end: the hand is on the element from `start` to `end`; they may lie outside 0..1.
        approach, retreat: [3] metres, where the hand comes from and goes to.
        approach_time, retreat_time: how long it takes for that.
        values: what the element's own coordinate is before and after: metres out of the panel
            (push, pull; press and hold go from the first to the second and back) or radians
            counterclockwise from rest (turns).
    """

    action: str
    start: float
    end: float
    approach: np.ndarray
    retreat: np.ndarray
    approach_time: float
    retreat_time: float
    values: tuple[float, float]

    def __post_init__(self) -> None:
        if self.end <= self.start:
            raise ValueError(f'contact ends at {self.end}, before it starts at {self.start}')

    def in_contact(self, time: float) -> bool:
        """Whether the hand is on the element at `time`."""
        return self.start <= time <= self.end

    def openness(self, time: float) -> float:
        """How far the fingers are open at `time`: 0 in contact to 1."""
        return float(np.clip(max(self.start - time, time - self.end) / 0.1, 0, 1))

    def hand_offset(self, time: float) -> np.ndarray:
        """Metres from its place on the element to the hand at `time`, [3]."""
        if time < self.start:
            return _ease((self.start - time) / self.approach_time) * self.approach
        if time > self.end:
            return _ease((time - self.end) / self.retreat_time) * self.retreat
        return np.zeros(3)

    def value(self, time: float) -> float:
        """The element's own coordinate at `time`."""
        before, after = self.values
        if self.action in ('press', 'hold'):
            share = min(_ease((time - self.start) / _TAP), _ease((self.end - time) / _TAP))
        else:
            lag = 0.12 * (self.end - self.start)
            share = _ease((time - self.start - lag) / (self.end - self.start - 2 * lag))
        return before + (after - before) * share

    def travel(self, time: float) -> float:
        """Metres that the element is out of its place at rest."""
        return 0.0 if self.action.startswith('turn') else self.value(time)

    def turn(self, time: float) -> float:
        """Radians that the element is turned from its angle at rest."""
        return self.value(time) if self.action.startswith('turn') else 0.0


def sample_motion(element: Element, action: str, random: np.random.Generator) -> Motion:
    """A random motion for an action that the element affords.

    Raises:
        ValueError: it does not afford the action.
    """
    if action not in element.kind.actions:
        raise ValueError(f'a {element.kind.value} affords {element.kind.actions}, not {action}')
    start, end = _contact_interval(action, random)
    return Motion(
        action=action,
        start=start,
        end=end,
        approach=_away(random),
        retreat=_away(random),
        approach_time=random.uniform(0.2, 0.35),
        retreat_time=random.uniform(0.2, 0.35),
        values=_values(element, action, random),
    )


def _contact_interval(action: str, random: np.random.Generator) -> tuple[float, float]:
    if action == 'press':
        start = random.uniform(0.25, 0.5)
        return start, start + random.uniform(0.17, 0.28)
    if action == 'hold':
        start, end = random.uniform(0.08, 0.25), random.uniform(0.78, 0.94)
    else:
        start, end = random.uniform(0.16, 0.32), random.uniform(0.68, 0.86)
    if random.random() < 0.15:
        start = -0.02
    elif random.random() < 0.15:
        end = 1.02
    return start, end


def _values(element: Element, action: str, random: np.random.Generator) -> tuple[float, float]:
    if element.kind is Kind.BUTTON:
        return 0.0, -random.uniform(0.4, 0.8) * element.depth
    if element.kind is Kind.HANDLE:
        near = random.uniform(0, 0.15) * _DRAWER_STROKE
        far = random.uniform(0.65, 1.0) * _DRAWER_STROKE
        return (near, far) if action == 'pull' else (far, near)
    sweep = random.uniform(0.9, 1.6)
    # the middle of the turn varies, so that the first angle of the hand does not tell its sense
    middle = random.uniform(-0.5, 0.5)
    sign = -1 if action == 'turn_clockwise' else 1
    return middle - sign * sweep / 2, middle + sign * sweep / 2


def _away(random: np.random.Generator) -> np.ndarray:
    """Where a hand waits: outwards, rather below than above, 8 to 22 cm away."""
    toward = np.array([random.normal(0, 0.6), random.normal(-0.6, 0.5), random.uniform(0.25, 0.9)])
    toward *= random.uniform(0.08, 0.22) / np.linalg.norm(toward)
    return toward


def _ease(share: float) -> float:
    share = min(max(share, 0.0), 1.0)
    return share * share * (3 - 2 * share)

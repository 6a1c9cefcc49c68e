# SPDX-License-Identifier: Apache-2.0
"""A goal of the action `~/ground_demonstration`: what it asks for, and how far its images are."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any

from afformer_core.demonstrations.selection import join_names
from afformer_core.outputs.placement import Placement
from afformer_ros.action import GroundDemonstration
from afformer_ros.grounding.action_parameters import ActionParameters
from afformer_ros.grounding.actions.goal_clock import GoalClock
from afformer_ros.grounding.actions.open_goal import OpenGoal
from afformer_ros.msg import Affordance


class Outcome(IntEnum):
    """Outcomes of goals, the constants of the action's result."""

    FOUND = GroundDemonstration.Result.FOUND
    NOT_FOUND = GroundDemonstration.Result.NOT_FOUND
    UNSTEADY = GroundDemonstration.Result.UNSTEADY
    NO_POSITION = GroundDemonstration.Result.NO_POSITION
    NO_IMAGE = GroundDemonstration.Result.NO_IMAGE
    UNKNOWN = GroundDemonstration.Result.UNKNOWN
    STOPPED = GroundDemonstration.Result.STOPPED
    CANCELED = GroundDemonstration.Result.CANCELED
    REPLACED = GroundDemonstration.Result.REPLACED


@dataclass(frozen=True)
class GroundCriteria:
    """What a goal asks of its images.

    Attributes:
        agreeing_images: images in a row that must agree, at least 1.
        minimum_presence: presence that each needs, above 0 to 1; 0: the model's threshold.
        target_frame: frame of positions; empty: that of the topic.
        position_required: whether the best point of each needs a position.
        timeout: seconds from the goal's acceptance to its result, above 0.
    """

    agreeing_images: int
    minimum_presence: float
    target_frame: str
    position_required: bool
    timeout: float

    @classmethod
    def of(cls, request: GroundDemonstration.Goal, parameters: ActionParameters) -> GroundCriteria:
        """Read a request.

        Args:
            request: as the client sent it.
            parameters: take the place of numbers that are 0.

        Raises:
            ValueError: a number is out of its range.
        """
        presence = float(request.minimum_presence)
        if not 0 <= presence <= 1:
            raise ValueError(f'minimum_presence is {presence}; expected 0 to 1')
        timeout = seconds_of(request.timeout, 'timeout')
        return cls(
            request.agreeing_images or parameters.agreeing_images,
            presence,
            request.target_frame,
            request.position_required,
            timeout or parameters.action_timeout,
        )


def seconds_of(duration: Any, name: str) -> float:
    """Convert a builtin_interfaces/Duration to seconds.

    Args:
        duration: the message.
        name: what it is called in the error.

    Raises:
        ValueError: it is negative.
    """
    seconds = float(duration.sec + duration.nanosec * 1e-9)
    if seconds < 0:
        raise ValueError(f'{name} is {seconds} s; expected at least 0')
    return seconds


@dataclass(eq=False)
class GroundGoal:
    """A goal, and what its images showed so far.

    Attributes:
        goal: its client's side.
        criteria: what it asks of its images.
        clock: time since its acceptance.
        names: demonstrations that are grounded for it; empty until they are memorized.
        begun: monotonic seconds from which on images count; infinite while it waits its turn.
        placement: target frame at the last image that was not held; None: that of the topic.
    """

    goal: OpenGoal
    criteria: GroundCriteria
    clock: GoalClock
    names: tuple[str, ...] = ()
    begun: float = math.inf
    placement: Placement | None = None
    _images: int = 0
    _agreeing: int = 0
    _shortcomings: Counter[Outcome] = field(default_factory=Counter)
    _last: Affordance = field(default_factory=Affordance)

    def add(self, affordance: Affordance) -> bool:
        """Take the result of the next image; whether enough of them agree.

        Args:
            affordance: grounded with the demonstrations and the minimum presence of the goal.
        """
        self._images += 1
        self._last = affordance
        shortcoming = self._shortcoming(affordance)
        self._shortcomings[shortcoming] += 1
        if shortcoming == Outcome.UNSTEADY:
            # Images before the goal do not count.
            self._agreeing = min(self._agreeing + 1, affordance.agreeing_images)
        else:
            self._agreeing = 0
        return self._agreeing >= self.criteria.agreeing_images

    def feedback(self) -> GroundDemonstration.Feedback:
        """Tell how far the goal is."""
        return GroundDemonstration.Feedback(
            images=self._images, agreeing_images=self._agreeing, presence=self._last.presence
        )

    def result(self, outcome: Outcome, message: str) -> GroundDemonstration.Result:
        """Create the result of the goal.

        Args:
            outcome: one of the result's constants.
            message: one sentence for a person.
        """
        return GroundDemonstration.Result(
            outcome=int(outcome), message=message, affordance=self._last, images=self._images
        )

    def found(self) -> GroundDemonstration.Result:
        """Create the result of a goal whose images agree."""
        return self.result(
            Outcome.FOUND,
            f'{self._demonstration} was found in {self._agreeing} images in a row',
        )

    def timed_out(self, why_no_image: str) -> GroundDemonstration.Result:
        """Create the result of a goal whose time is up: what most of its images fell short of.

        Args:
            why_no_image: why no image was grounded, if none was.
        """
        within = f'within {self.criteria.timeout:g} s'
        if not self._images:
            return self.result(
                Outcome.NO_IMAGE,
                f'no image was grounded {within}: {why_no_image}',
            )
        # Of equal counts, what is asked for first.
        order = (
            Outcome.NOT_FOUND,
            Outcome.NO_POSITION,
            Outcome.UNSTEADY,
        )
        outcome = max(order, key=lambda one: self._shortcomings[one])
        count = f'{self._shortcomings[outcome]} of {self._images} images {within}'
        reasons = {
            Outcome.NOT_FOUND: f'{self._demonstration} was not found in {count}: {self._absence}',
            Outcome.NO_POSITION: f'{self._demonstration} has no position in {count}: '
            f'{self._position_problem}',
            Outcome.UNSTEADY: f'{self._demonstration} was found in {count}, but not at '
            f'one point in {self.criteria.agreeing_images} in a row',
        }
        return self.result(outcome, reasons[outcome])

    def _shortcoming(self, affordance: Affordance) -> Outcome:
        """Return what an image falls short of; only steadiness where it counts."""
        unknown = math.isnan(affordance.presence) and self.criteria.minimum_presence > 0
        if not affordance.found or affordance.age > 0 or unknown:
            return Outcome.NOT_FOUND
        if self.criteria.position_required and not affordance.points[0].position_valid:
            return Outcome.NO_POSITION
        return Outcome.UNSTEADY

    @property
    def _demonstration(self) -> str:
        return repr(join_names(self.names))

    @property
    def _absence(self) -> str:
        last = self._last
        if not math.isnan(last.presence):
            return f'presence was {last.presence:.2f} at last, below {last.presence_threshold:.2f}'
        if self.criteria.minimum_presence:
            return 'the model is not calibrated, so that presence is not known'
        return f'confidence was {last.confidence:.2f} at last'

    @property
    def _position_problem(self) -> str:
        points = self._last.points
        return points[0].position_problem if points else 'it was not found at last'

# SPDX-License-Identifier: Apache-2.0
"""A goal of the action `~/ground_demonstration`: its criteria, and the images that meet them."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from itertools import chain

from sensor_msgs.msg import Image

from afformer_core.demonstrations.state import join_names
from afformer_core.geometry.approach import ApproachSource
from afformer_core.geometry.motion import ACTION_NAMES, action_kind
from afformer_core.outputs.results import Placement
from afformer_ros.action import GroundDemonstration
from afformer_ros.grounding.actions.action_endpoint import OpenGoal
from afformer_ros.grounding.actions.goal_fields import (
    GoalClock,
    RefusedGoalError,
    names_of,
    refused_if_invalid,
    seconds_of,
)
from afformer_ros.grounding.parameters import ActionParameters
from afformer_ros.msg import Affordance
from afformer_ros.parameter_fields import constraints_of

_FRAME = re.compile(r'[^/\s]\S*')


@dataclass(frozen=True, kw_only=True)
class GroundCriteria:
    """The criteria of a goal for its images.

    Attributes:
        demonstrations: names of the demonstrations to ground together; empty: the selection.
        agreeing_images: number of images in a row that must agree, at least 1.
        minimum_presence: minimum presence of each image, above 0 to 1; 0: the threshold of the
            model.
        action: name of the demonstrated action; empty: the node's parameter, or the model's
            action.
        target_frame: frame of positions; empty: the frame of the topic.
        position_required: whether the best point of each image must have a position.
        approach_required: weakest source of its approach; UNKNOWN: any.
        timeout: seconds from the goal's acceptance to its result, above 0.
        maximum_age: maximum seconds from the stamp of an image to its result; 0: any.
    """

    demonstrations: tuple[str, ...]
    agreeing_images: int
    minimum_presence: float
    action: str
    target_frame: str
    position_required: bool
    approach_required: ApproachSource
    timeout: float
    maximum_age: float

    @classmethod
    def of(cls, request: GroundDemonstration.Goal, parameters: ActionParameters) -> GroundCriteria:
        """Read a request.

        Args:
            request: request of the client.
            parameters: defaults for fields that are 0.

        Raises:
            RefusedGoalError: a field is out of range.
        """
        ranges = constraints_of(ActionParameters)
        presence = float(request.minimum_presence)
        if not 0 <= presence <= 1:
            raise RefusedGoalError(f'minimum_presence is {presence}; expected 0 to 1')
        frame = request.target_frame
        if frame and _FRAME.fullmatch(frame) is None:
            raise RefusedGoalError(
                f'target_frame is {frame!r}; expected the name of a frame, without a leading '
                'slash and without spaces'
            )
        approach = int(request.approach_required)
        if approach > max(ApproachSource):
            raise RefusedGoalError(
                f'approach_required is {approach}; expected 0 to {max(ApproachSource):d}'
            )
        agreeing = request.agreeing_images or parameters.agreeing_images
        with refused_if_invalid():
            ranges['agreeing_images'].check('agreeing_images', agreeing)
        timeout = seconds_of(request.timeout, 'timeout', ranges['action_timeout'])
        age = seconds_of(request.maximum_age, 'maximum_age', ranges['maximum_image_age'])
        return cls(
            demonstrations=names_of(request.demonstrations),
            agreeing_images=agreeing,
            minimum_presence=presence,
            action=str(request.action),
            target_frame=frame,
            position_required=request.position_required,
            approach_required=ApproachSource(approach),
            timeout=timeout or parameters.action_timeout,
            maximum_age=age or parameters.maximum_image_age,
        )

    def check_action(self, action_names: Sequence[str]) -> None:
        """Check that the action is known.

        Args:
            action_names: names of the actions of the model; those with a motion are known, too.

        Raises:
            RefusedGoalError: it is not known.
        """
        if self.action and self.action not in action_names and action_kind(self.action) is None:
            known = dict.fromkeys([*action_names, *chain(*ACTION_NAMES.values())])
            raise RefusedGoalError(
                f'action is {self.action!r}; expected one of {", ".join(known)}, or none'
            )


class GoalOutcome(IntEnum):
    """Outcomes of goals: the constants of the action's result."""

    FOUND = GroundDemonstration.Result.FOUND
    NOT_FOUND = GroundDemonstration.Result.NOT_FOUND
    UNSTEADY = GroundDemonstration.Result.UNSTEADY
    NO_POSITION = GroundDemonstration.Result.NO_POSITION
    NO_IMAGE = GroundDemonstration.Result.NO_IMAGE
    UNKNOWN = GroundDemonstration.Result.UNKNOWN
    STOPPED = GroundDemonstration.Result.STOPPED
    CANCELED = GroundDemonstration.Result.CANCELED
    REPLACED = GroundDemonstration.Result.REPLACED
    STALE = GroundDemonstration.Result.STALE
    REFUSED = GroundDemonstration.Result.REFUSED
    NO_APPROACH = GroundDemonstration.Result.NO_APPROACH


# Criteria that an image may fail, in order of precedence for equal counts.
_SHORTCOMINGS = (
    GoalOutcome.STALE,
    GoalOutcome.NOT_FOUND,
    GoalOutcome.NO_POSITION,
    GoalOutcome.NO_APPROACH,
    GoalOutcome.UNSTEADY,
)


@dataclass(eq=False)
class GroundGoal:
    """A goal, and the results of its images so far.

    Attributes:
        goal: goal of the client.
        criteria: criteria for its images.
        clock: time since its acceptance.
        names: demonstrations to ground; empty until they are memorized.
        begun: time after which images count, monotonic seconds; infinite while it waits for its
            turn.
        placement: target frame at the last image without a held result; None: that of the topic.
    """

    goal: OpenGoal
    criteria: GroundCriteria
    clock: GoalClock
    names: tuple[str, ...] = ()
    begun: float = math.inf
    placement: Placement | None = None
    _images: int = 0
    _agreeing: int = 0
    _counts: Counter[GoalOutcome] = field(default_factory=Counter)
    _reasons: dict[GoalOutcome, str] = field(default_factory=dict)
    _last: Affordance = field(default_factory=Affordance)
    _create_mask: Callable[[], Image] = Image

    def add(
        self, affordance: Affordance, create_mask: Callable[[], Image], age_problem: str = ''
    ) -> bool:
        """Add the result of the next image; return whether enough images agree.

        Args:
            affordance: result with the demonstrations and the minimum presence of the goal.
            create_mask: creates the mask of the same image; called only for the last image.
            age_problem: reason why the image is too old to count; empty if it counts.
        """
        self._images += 1
        self._last, self._create_mask = affordance, create_mask
        shortcoming, reason = self._shortcoming(affordance, age_problem)
        self._counts[shortcoming] += 1
        self._reasons[shortcoming] = reason
        if shortcoming == GoalOutcome.UNSTEADY:
            # Images from before the goal do not count.
            self._agreeing = min(self._agreeing + 1, affordance.agreeing_images)
        else:
            self._agreeing = 0
        return self._agreeing >= self.criteria.agreeing_images

    def feedback(self) -> GroundDemonstration.Feedback:
        """Create the feedback of the goal."""
        return GroundDemonstration.Feedback(
            images=self._images, agreeing_images=self._agreeing, presence=self._last.presence
        )

    def result(self, outcome: GoalOutcome, message: str) -> GroundDemonstration.Result:
        """Create the result of the goal.

        Args:
            outcome: one of the constants of the result.
            message: message for the user, one sentence.
        """
        last = self._last
        return GroundDemonstration.Result(
            outcome=int(outcome),
            message=message,
            affordance=last,
            mask=self._create_mask() if last.found else Image(header=last.header),
            images=self._images,
        )

    def found(self) -> GroundDemonstration.Result:
        """Create the result of a goal whose images agree."""
        return self.result(
            GoalOutcome.FOUND,
            f'{self._demonstration} was found in {self._agreeing} images in a row',
        )

    def timed_out(self, why_no_image: str) -> GroundDemonstration.Result:
        """Create the result of a goal whose time is up: the criterion that most images failed.

        Args:
            why_no_image: reason why no image was grounded, if none was.
        """
        within = f'within {self.criteria.timeout:g} s'
        if not self._images:
            return self.result(
                GoalOutcome.NO_IMAGE, f'no image was grounded {within}: {why_no_image}'
            )
        outcome = max(_SHORTCOMINGS, key=lambda kind: self._counts[kind])
        count = f'{self._counts[outcome]} of {self._images} images {within}'
        texts = {
            GoalOutcome.STALE: f'{count} did not count because of their age; the last one:',
            GoalOutcome.NOT_FOUND: f'{self._demonstration} was not found in {count}:',
            GoalOutcome.NO_POSITION: f'{self._demonstration} has no position in {count}:',
            GoalOutcome.NO_APPROACH: f'{self._demonstration} has no such approach in {count}:',
            GoalOutcome.UNSTEADY: f'{self._demonstration} was found in {count}, but',
        }
        return self.result(outcome, f'{texts[outcome]} {self._reasons[outcome]}')

    def _shortcoming(self, affordance: Affordance, age_problem: str) -> tuple[GoalOutcome, str]:
        """Return the criterion that an image fails and the reason; steadiness if it counts."""
        if age_problem:
            return GoalOutcome.STALE, age_problem
        unknown = math.isnan(affordance.presence) and self.criteria.minimum_presence > 0
        if not affordance.found or affordance.age > 0 or unknown:
            return GoalOutcome.NOT_FOUND, self._absence(affordance)
        best = affordance.points[0]
        required = self.criteria.approach_required
        if not best.position_valid and (self.criteria.position_required or required):
            return GoalOutcome.NO_POSITION, best.position_problem
        if required and not 0 < best.approach_source <= required:
            source, weakest = _in_words(ApproachSource(best.approach_source)), _in_words(required)
            return GoalOutcome.NO_APPROACH, f'it follows from the {source}; expected the {weakest}'
        return (
            GoalOutcome.UNSTEADY,
            f'not at one point in {self.criteria.agreeing_images} in a row',
        )

    def _absence(self, affordance: Affordance) -> str:
        presence, threshold = affordance.presence, affordance.presence_threshold
        if presence < threshold:
            return f'the last presence was {presence:.2f}, below {threshold:.2f}'
        if not math.isnan(presence):
            return (
                'it looked different from when it was last found; the last continuity was '
                f'{affordance.continuity:.2f}'
            )
        if self.criteria.minimum_presence:
            return 'the model is not calibrated, so presence is not known'
        return (
            f'the last confidence was {affordance.confidence:.2f}, feature similarity '
            f'{affordance.feature_similarity:.2f} and continuity {affordance.continuity:.2f}'
        )

    @property
    def _demonstration(self) -> str:
        return repr(join_names(self.names))


def _in_words(source: ApproachSource) -> str:
    return source.name.lower().replace('_', ' ')

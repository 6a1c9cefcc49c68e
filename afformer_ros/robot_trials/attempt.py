# SPDX-License-Identifier: Apache-2.0
"""Attempts of the arm, and their outcomes."""

from __future__ import annotations

from dataclasses import dataclass

from afformer_core.errors import AfformerError
from afformer_ros.planner.answers import (
    GoalRefusedError,
    NoAnswerError,
    NoPositionError,
    NotFoundError,
    UnsteadyError,
)
from afformer_ros.planner.contact import BlockedError, UnknownActionError, UnreachableError
from afformer_ros.planner.joint_states import ArmError
from afformer_sim.closed_loop.trial import AttemptVerdict

# The arm did not act, because the grounding node found no point, or the arm cannot act there.
NOT_FOUND, UNSTEADY = AttemptVerdict.NOT_FOUND.value, 'point not steady'
NO_POSITION = 'point without a position'
UNREACHABLE, BLOCKED, NO_SKILL = 'out of reach', 'stopped on the way', 'action without a skill'
# The element is out of the view of the head camera.
HIDDEN = 'element hidden'
# Another part of the graph failed, which is not informative about the model or the skill.
NO_ANSWER, REFUSED, ARM_FAILED = 'no answer', 'refused', 'arm failed'
UNANSWERED = (NO_ANSWER, REFUSED, ARM_FAILED)

# The first matching kind of an error is used.
_VERDICTS: dict[type[AfformerError], str] = {
    UnsteadyError: UNSTEADY,
    NoPositionError: NO_POSITION,
    NotFoundError: NOT_FOUND,
    BlockedError: BLOCKED,
    UnreachableError: UNREACHABLE,
    UnknownActionError: NO_SKILL,
    NoAnswerError: NO_ANSWER,
    GoalRefusedError: REFUSED,
    ArmError: ARM_FAILED,
}


@dataclass(frozen=True)
class ArmAttempt:
    """One attempt of the arm.

    Attributes:
        verdict: verdict of the simulator, or one of the constants of this module.
        said: message of the planner.
        action: action that was carried out; empty if there was none.
    """

    verdict: str
    said: str
    action: str = ''

    @property
    def done(self) -> bool:
        """Whether the right element was operated, and no other."""
        return self.verdict == AttemptVerdict.DONE.value

    @property
    def answered(self) -> bool:
        """Whether it is informative about the model and the skill, so that it counts."""
        return self.verdict not in UNANSWERED


def failed_attempt(error: AfformerError) -> ArmAttempt:
    """Return the attempt that ended with an error of the planner.

    Raises:
        AfformerError: the error itself, if it ends the trials.
    """
    for kind, verdict in _VERDICTS.items():
        if isinstance(error, kind):
            return ArmAttempt(verdict, str(error))
    raise error

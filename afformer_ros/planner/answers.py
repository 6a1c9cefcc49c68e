# SPDX-License-Identifier: Apache-2.0
"""Answers of the grounding node to a planner, and the errors where it names no point."""

from __future__ import annotations

from afformer_core.errors import AfformerError
from afformer_ros.action import GroundDemonstration
from afformer_ros.msg import Affordance

_Result = GroundDemonstration.Result


class NoAnswerError(AfformerError):
    """A grounding node that does not answer, or that has grounded too few images to answer."""


class RefusedError(AfformerError):
    """A grounding node that refuses a goal, or ends it before it has an answer."""


class NotFoundError(AfformerError):
    """The answer of a grounding node that there is no point to act at."""


class UnsteadyError(NotFoundError):
    """What was demonstrated is found, but at another point in each image."""


class NoPositionError(NotFoundError):
    """What was demonstrated is found, but its position in space is not known."""


_ERRORS: dict[int, type[AfformerError]] = {
    _Result.NOT_FOUND: NotFoundError,
    _Result.UNSTEADY: UnsteadyError,
    _Result.NO_POSITION: NoPositionError,
    _Result.NO_IMAGE: NoAnswerError,
    _Result.STALE: NoAnswerError,
}


def found_affordance(result: GroundDemonstration.Result, agreeing_images: int) -> Affordance:
    """Return where to act.

    Args:
        result: result of the goal.
        agreeing_images: images in a row that had to agree; a node that had time for fewer has not
            answered.

    Raises:
        NotFoundError, UnsteadyError, NoPositionError: the node has looked, and names no point.
        NoAnswerError: it was too slow to look.
        RefusedError: it does not know the demonstration, or has ended the goal.
    """
    if result.outcome == _Result.FOUND:
        return result.affordance
    error = _ERRORS.get(result.outcome, RefusedError)
    if error is UnsteadyError and result.images < agreeing_images:
        error = NoAnswerError
    raise error(result.message)

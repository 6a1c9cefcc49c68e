# SPDX-License-Identifier: Apache-2.0
"""Answers of the grounding node to a planner, and errors for answers without a point."""

from __future__ import annotations

from afformer_core.errors import AfformerError
from afformer_ros.action import GroundDemonstration
from afformer_ros.client import GoalRefusedError, NoAnswerError
from afformer_ros.msg import Affordance

__all__ = [
    'GoalRefusedError',
    'NoAnswerError',
    'NoPositionError',
    'NotFoundError',
    'UnsteadyError',
    'found_affordance',
]
_Result = GroundDemonstration.Result


class NotFoundError(AfformerError):
    """Raised if the grounding node finds no point."""


class UnsteadyError(NotFoundError):
    """Raised if the demonstrated part is found at a different point in each image."""


class NoPositionError(NotFoundError):
    """Raised if the demonstrated part is found, but its position in space is unknown."""


_ERRORS: dict[int, type[AfformerError]] = {
    _Result.NOT_FOUND: NotFoundError,
    _Result.UNSTEADY: UnsteadyError,
    _Result.NO_POSITION: NoPositionError,
    _Result.NO_IMAGE: NoAnswerError,
    _Result.STALE: NoAnswerError,
}


def found_affordance(result: GroundDemonstration.Result, agreeing_images: int) -> Affordance:
    """Return the affordance of a result.

    Args:
        result: result of the goal.
        agreeing_images: number of images in a row that had to agree; with fewer grounded images,
            there is no answer.

    Raises:
        NotFoundError, UnsteadyError, NoPositionError: the node has grounded images, and found no
            usable point.
        NoAnswerError: the node was too slow to ground enough images.
        GoalRefusedError: the node does not have the demonstration, or has ended the goal.
    """
    if result.outcome == _Result.FOUND:
        return result.affordance
    error = _ERRORS.get(result.outcome, GoalRefusedError)
    if error is UnsteadyError and result.images < agreeing_images:
        error = NoAnswerError
    raise error(result.message)

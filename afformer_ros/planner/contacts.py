# SPDX-License-Identifier: Apache-2.0
"""The points of an affordance at which an arm may act, and errors for answers without one."""

from __future__ import annotations

import math

import numpy as np
from geometry_msgs.msg import Vector3
from numpy.typing import NDArray

from afformer_core.errors import AfformerError
from afformer_core.geometry.transform import RigidTransform, rotation_of_quaternion
from afformer_core.manipulation.contact import ArmContact
from afformer_core.runtime.grounding import UNKNOWN_ACTION
from afformer_ros.action import GroundDemonstration
from afformer_ros.client import GoalRefusedError, NoAnswerError
from afformer_ros.msg import Affordance, AffordancePoint

_Result = GroundDemonstration.Result


class NotFoundError(AfformerError):
    """Raised if the grounding node finds no point."""


class UnsteadyError(NotFoundError):
    """Raised if the demonstrated part is found at a different point in each image."""


class NoPositionError(NotFoundError):
    """Raised if the demonstrated part is found, but not where in space, or how to approach it."""


_ERRORS: dict[int, type[AfformerError]] = {
    _Result.NOT_FOUND: NotFoundError,
    _Result.UNSTEADY: UnsteadyError,
    _Result.NO_POSITION: NoPositionError,
    _Result.NO_APPROACH: NoPositionError,
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


class NotSureError(NotFoundError):
    """Raised if presence or the action is not known."""


class UncertainPartError(NotFoundError):
    """Raised if it is not certain which part was demonstrated, or that it is in view."""


def check_sure(affordance: Affordance, margin: float) -> None:
    """Check that presence, the certainty of the best point and the action allow to act.

    Args:
        affordance: result of the grounding node.
        margin: required presence, as a share of the way from its threshold to 1; 0: the threshold,
            also of a model that is not calibrated.

    Raises:
        NotSureError: presence or the action is not known.
        UncertainPartError: presence or the certainty is too low.
    """
    presence, threshold = affordance.presence, affordance.presence_threshold
    needed = threshold + margin * (1 - threshold)
    if margin and math.isnan(presence + needed):
        raise NotSureError(
            'presence is not known, because the model is not calibrated; expected a margin of '
            f'{margin:g} above its threshold. Calibrate the model, or set presence_margin to 0'
        )
    if margin and presence < needed:
        raise UncertainPartError(
            f'presence is {presence:.2f}, too close to its threshold of {threshold:.2f} to act; '
            f'expected at least {needed:.2f}. Check that the image shows the demonstrated part'
        )
    if affordance.unsure:
        raise UncertainPartError(
            f'not sure which part: certainty {affordance.certainty:.2f}, threshold '
            f'{affordance.certainty_threshold:.2f}'
        )
    if affordance.action == UNKNOWN_ACTION:
        best = affordance.actions[0]
        raise NotSureError(
            f'the action is not known: {best.name} has the best score, {best.score:.2f}; expected '
            f'at least {affordance.action_threshold:.3g}. Set the parameter action to the '
            'demonstrated action'
        )


def contacts_of(
    affordance: Affordance,
    to_base: RigidTransform,
    camera: NDArray[np.float64] | None,
    minimum_score: float,
) -> list[ArmContact]:
    """Read the points at which an arm may act, best first.

    These are the valid grasp candidates, and points that are approached along the line of sight.

    Args:
        affordance: result of the grounding node.
        to_base: transform from the frame of its positions to the frame of the arm's base.
        camera: position of the camera in the frame of the base, [3]; None if it is not known.
        minimum_score: minimum score of a point, 0 to 1.

    Raises:
        NoPositionError: there is no such point.
        UnknownActionError: the arm has no skill for the action.
    """
    contacts, problems = [], []
    for point in affordance.points:
        problem = _problem(point, minimum_score)
        if not problem:
            try:
                contacts.append(_contact(point, affordance.action, to_base, camera))
            except ValueError as error:
                problem = str(error)
        if problem:
            problems.append(problem)
    if not contacts:
        reason = problems[0] if problems else 'there are no points'
        raise NoPositionError(f'there is no point at which the arm may act: {reason}')
    return contacts


def _problem(point: AffordancePoint, minimum_score: float) -> str:
    """Explain why the arm may not act at a point; empty if it may."""
    if not point.position_valid:
        return point.position_problem or 'its position is not known'
    if not point.score >= minimum_score:
        return f'its score is {point.score:.3f}; expected at least {minimum_score:g}'
    sighted = point.approach_source == AffordancePoint.APPROACH_LINE_OF_SIGHT
    if not (point.grasp_candidate_valid or sighted):
        return 'it is not a grasp candidate; its score is below minimum_candidate_score'
    return ''


def _contact(
    point: AffordancePoint,
    action: str,
    to_base: RigidTransform,
    camera: NDArray[np.float64] | None,
) -> ArmContact:
    position = to_base.point(
        np.array([point.position.x, point.position.y, point.position.z], np.float64)
    )
    closing = None
    if point.grasp_candidate_valid and point.grasp_axis_known:
        turn = point.grasp_candidate.orientation
        quaternion = np.array([turn.x, turn.y, turn.z, turn.w])
        closing = to_base.vector(rotation_of_quaternion(quaternion)[:, 1])
    return ArmContact(
        action,
        position,
        -to_base.vector(_vector(point.approach)),
        to_base.vector(_vector(point.motion)) if _moves(point, action) else None,
        (float(point.u), float(point.v)),
        camera=camera,
        closing=closing,
        width=float(point.grasp_width) if math.isfinite(point.grasp_width) else None,
    )


def _moves(point: AffordancePoint, action: str) -> bool:
    kind = AffordancePoint.ROTATION if action == 'rotate' else AffordancePoint.TRANSLATION
    return bool(point.motion_valid) and point.motion_type == kind


def _vector(message: Vector3) -> NDArray[np.float64]:
    return np.array([message.x, message.y, message.z])

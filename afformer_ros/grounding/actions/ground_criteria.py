# SPDX-License-Identifier: Apache-2.0
"""The criteria of a goal of the action `~/ground_demonstration` for its images."""

from __future__ import annotations

import re
from dataclasses import dataclass

from afformer_ros.action import GroundDemonstration
from afformer_ros.grounding.actions.goal_fields import (
    RefusedGoalError,
    names_of,
    refused_if_invalid,
    seconds_of,
)
from afformer_ros.grounding.parameters import ActionParameters
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
        timeout: seconds from the goal's acceptance to its result, above 0.
        maximum_age: maximum seconds from the stamp of an image to its result; 0: any.
    """

    demonstrations: tuple[str, ...]
    agreeing_images: int
    minimum_presence: float
    action: str
    target_frame: str
    position_required: bool
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
            timeout=timeout or parameters.action_timeout,
            maximum_age=age or parameters.maximum_image_age,
        )

# SPDX-License-Identifier: Apache-2.0
"""Parameters of the grounding node for goals of its actions."""

from __future__ import annotations

from dataclasses import dataclass

from afformer_ros.parameter_fields import parameter

GOAL_POLICIES = ('queue', 'refuse', 'replace')


@dataclass(frozen=True)
class ActionParameters:
    """The parameters of the actions; each text is the ROS description."""

    goal_policy: str = parameter(
        'queue',
        'Treatment of a goal of ground_demonstration while another goal is open: it waits '
        'for its turn (queue), is refused (refuse), or ends the others (replace)',
        choices=GOAL_POLICIES,
    )
    agreeing_images: int = parameter(
        3,
        'Number of images in a row whose best points must agree before a goal of '
        'ground_demonstration succeeds, unless the goal sets its own number',
        limits=(1, 1000),
    )
    action_timeout: float = parameter(
        10.0,
        'Maximum time from the acceptance of a goal of ground_demonstration to its result, '
        'in seconds, unless the goal sets its own timeout',
        limits=(0.1, 86400.0),
    )
    maximum_image_age: float = parameter(
        5.0,
        'Maximum age of an image that counts for a goal of ground_demonstration, in seconds '
        'from its stamp to its result by the clock of the node, unless the goal sets its own '
        'maximum_age. An image whose stamp is further ahead of the clock does not count '
        'either. 0: any age',
        limits=(0.0, 3600.0),
    )

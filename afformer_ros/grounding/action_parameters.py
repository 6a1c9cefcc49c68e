# SPDX-License-Identifier: Apache-2.0
"""Parameters of the grounding node about goals of its actions."""

from __future__ import annotations

from dataclasses import dataclass

from afformer_ros.parameter_fields import parameter

GOAL_POLICIES = ('queue', 'refuse', 'replace')


@dataclass(frozen=True)
class ActionParameters:
    """The parameters about the actions; each text is its ROS description."""

    goal_policy: str = parameter(
        'queue',
        'What becomes of a goal of ground_demonstration while another one is open: it waits for '
        'its turn (queue), is refused (refuse), or ends the others (replace)',
        choices=GOAL_POLICIES,
    )
    agreeing_images: int = parameter(
        3,
        'Images in a row whose best points agree, before a goal of ground_demonstration that '
        'names no number succeeds',
        limits=(1, 1000),
    )
    action_timeout: float = parameter(
        10.0,
        'Seconds from the acceptance of a goal of ground_demonstration that names no timeout to '
        'its result, at most',
        limits=(0.1, 86400.0),
    )
    maximum_image_age: float = parameter(
        5.0,
        'Seconds from the stamp of an image to its result above which it does not count for a '
        'goal of ground_demonstration that names no maximum_age, nor where its stamp is so far '
        'ahead; by the clock of the node; 0: any',
        limits=(0.0, 3600.0),
    )

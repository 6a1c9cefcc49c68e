# SPDX-License-Identifier: Apache-2.0
"""Grasp candidates as poses."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from afformer_core.messages.affordance import pose_message
from afformer_core.messages.factory import MessageFactory

if TYPE_CHECKING:
    from afformer_core.geometry.grasp import GraspCandidate


def grasp_candidates_message(
    factory: MessageFactory, candidates: Sequence[GraspCandidate], header: Any
) -> Any:
    """A geometry_msgs/PoseArray: z along the approach, x along the shape of the region.

    Args:
        factory: makes the message.
        candidates: in the order in which they are published, best first.
        header: with the frame in which they are given.
    """
    poses = [pose_message(factory, candidate) for candidate in candidates]
    return factory.create('geometry_msgs/msg/PoseArray', header=header, poses=poses)

# SPDX-License-Identifier: Apache-2.0
"""The actions of the grounding node, there as long as the node."""

from __future__ import annotations

from rclpy.node import Node

from afformer_ros.action import GroundDemonstration
from afformer_ros.grounding.actions.action_endpoint import ActionEndpoint

ACTIONS = {'ground_demonstration': GroundDemonstration}


def _not_grounded(reason: str) -> GroundDemonstration.Result:
    return GroundDemonstration.Result(outcome=GroundDemonstration.Result.STOPPED, message=reason)


class NodeActions:
    """The actions `~/ground_demonstration` and their like.

    Args:
        node: node that offers them.

    Attributes:
        ground: grounds a demonstration in the images from now on.
    """

    def __init__(self, node: Node) -> None:
        self.ground = ActionEndpoint(
            node, GroundDemonstration, 'ground_demonstration', _not_grounded
        )

    def destroy(self) -> None:
        """Remove the actions."""
        self.ground.destroy()

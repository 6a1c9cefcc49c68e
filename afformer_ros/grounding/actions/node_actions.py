# SPDX-License-Identifier: Apache-2.0
"""The actions of the grounding node, with the lifetime of the node."""

from __future__ import annotations

from rclpy.node import Node

from afformer_ros.action import GroundDemonstration, LoadDemonstration, RecordDemonstration
from afformer_ros.grounding.actions.action_endpoint import ActionEndpoint
from afformer_ros.grounding.actions.ground_goal import GoalOutcome
from afformer_ros.grounding.actions.load_action import failed_loading
from afformer_ros.grounding.actions.record_action import failed_recording


def _stopped(reason: str) -> GroundDemonstration.Result:
    return GroundDemonstration.Result(outcome=GoalOutcome.STOPPED, message=reason)


def _refused(reason: str) -> GroundDemonstration.Result:
    return GroundDemonstration.Result(outcome=GoalOutcome.REFUSED, message=reason)


class NodeActions:
    """The actions to ground, record and load a demonstration.

    Args:
        node: node that offers them.

    Attributes:
        ground: grounds a demonstration in the next images.
        record: records a demonstration from its topic.
        load: creates a demonstration from a file.
    """

    def __init__(self, node: Node) -> None:
        self.ground = ActionEndpoint(
            node, GroundDemonstration, 'ground_demonstration', _stopped, _refused
        )
        self.record = ActionEndpoint(
            node, RecordDemonstration, 'record_demonstration', failed_recording, failed_recording
        )
        self.load = ActionEndpoint(
            node, LoadDemonstration, 'load_demonstration', failed_loading, failed_loading
        )

    def destroy(self) -> None:
        """Remove the actions."""
        for endpoint in (self.ground, self.record, self.load):
            endpoint.destroy()

# SPDX-License-Identifier: Apache-2.0
"""The actions of the grounding node, with the lifetime of the node."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rclpy.node import Node

from afformer_ros.grounding.actions.action_endpoint import ActionEndpoint
from afformer_ros.grounding.actions.ground_goal import GoalOutcome
from afformer_ros.interfaces import ACTIONS


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
        self.ground = _endpoint(
            node,
            'ground_demonstration',
            {'outcome': GoalOutcome.STOPPED},
            {'outcome': GoalOutcome.REFUSED},
        )
        self.record = _endpoint(node, 'record_demonstration', {}, {})
        self.load = _endpoint(node, 'load_demonstration', {}, {})

    def destroy(self) -> None:
        """Remove the actions."""
        for endpoint in (self.ground, self.record, self.load):
            endpoint.destroy()


def _endpoint(
    node: Node, name: str, failed: Mapping[str, Any], refused: Mapping[str, Any]
) -> ActionEndpoint:
    """Create an endpoint, with the fields of results besides the reason."""
    kind = ACTIONS[name]
    return ActionEndpoint(
        node,
        kind,
        name,
        lambda reason: kind.Result(message=reason, **failed),
        lambda reason: kind.Result(message=reason, **refused),
    )

# SPDX-License-Identifier: Apache-2.0
"""The ROS node of a studio, which connects all pages to a grounding node."""

from __future__ import annotations

from afformer_ros.studio.grounding_requests import GroundingRequests
from afformer_ros.studio.grounding_watch import GroundingWatch
from afformer_ros.studio.ros_thread import RosThread


class GroundingLink:
    """The link to a grounding node, which may restart.

    Args:
        name: full name of the grounding node, such as '/grounding'.

    Attributes:
        name: see the arguments.
        requests: requests to the node.
        watch: observed state of the node.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self._ros = RosThread(name.rpartition('/')[0])
        self.requests = GroundingRequests(self._ros, name)
        self.watch = GroundingWatch(self._ros, self.requests, name)

    def close(self) -> None:
        """Shut ROS down."""
        self.watch.close()
        self._ros.close()

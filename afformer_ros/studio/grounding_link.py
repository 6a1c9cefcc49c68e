# SPDX-License-Identifier: Apache-2.0
"""The one ROS node of a studio, through which all pages see a grounding node and ask it."""

from __future__ import annotations

from afformer_ros.studio.grounding_requests import GroundingRequests
from afformer_ros.studio.grounding_watch import GroundingWatch
from afformer_ros.studio.ros_thread import RosThread


class GroundingLink:
    """The link to a grounding node, which may start, end and start again.

    Args:
        name: full name of the grounding node, such as '/grounding'.

    Attributes:
        name: the same.
        requests: what is asked of it.
        watch: what is seen of it.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self._ros = RosThread(name.rpartition('/')[0])
        self.requests = GroundingRequests(self._ros, name)
        self.watch = GroundingWatch(self._ros, self.requests, name)

    def close(self) -> None:
        """Leave ROS."""
        self.watch.close()
        self._ros.close()

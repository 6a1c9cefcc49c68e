#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A planner that waits for the first point in view, and prints it and its approach.

Run it while the node receives the camera's images, depth and camera_info::

    python examples/pick_first_candidate.py --ros-args -r affordance:=/camera/affordance
"""

from __future__ import annotations

import rclpy
from afformer_ros.msg import Affordance
from geometry_msgs.msg import PointStamped, Vector3
from rclpy.node import Node
from rclpy.task import Future
from std_msgs.msg import Header

Goal = tuple[str, PointStamped, Vector3]


def reach(affordance: Affordance) -> Goal | None:
    """Choose the action, the point and the approach to it, or None if nothing is in view."""
    if not affordance.found or affordance.age > 0:  # The element is absent or covered.
        return None
    if affordance.unsure:
        return None
    for point in affordance.points:  # best first
        if point.position_valid and point.score >= 0.1:
            header = Header(frame_id=affordance.position_frame, stamp=affordance.position_stamp)
            position = PointStamped(header=header, point=point.position)
            return affordance.action, position, point.approach
    return None


class Planner(Node):
    """A subscriber to `affordance` until it contains a point to reach.

    Attributes:
        goal: done with the result of `reach`.
    """

    def __init__(self) -> None:
        super().__init__('planner')
        self.goal: Future[Goal] = Future()
        self.create_subscription(Affordance, 'affordance', self._plan, 5)

    def _plan(self, affordance: Affordance) -> None:
        chosen = reach(affordance)
        if chosen is not None and not self.goal.done():
            self.goal.set_result(chosen)


def main() -> None:
    """Print one action, point and approach."""
    rclpy.init()
    planner = Planner()
    try:
        rclpy.spin_until_future_complete(planner, planner.goal)
        goal = planner.goal.result()
        if goal is not None:
            action, point, along = goal
            at = point.point
            print(
                f'{action} at ({at.x:.3f}, {at.y:.3f}, {at.z:.3f}) m along '
                f'({along.x:.2f}, {along.y:.2f}, {along.z:.2f}) in {point.header.frame_id}'
            )
    finally:
        planner.destroy_node()
        rclpy.try_shutdown()


if __name__ == '__main__':
    main()

# SPDX-License-Identifier: Apache-2.0
"""The executable `sim_robot`: `ros2 run afformer_ros sim_robot --ros-args -p scene:=3`."""

from __future__ import annotations

import sys

from rclpy.executors import SingleThreadedExecutor

from afformer_core.errors import how_to_install
from afformer_ros.process import check_arguments, run_node


def main(arguments: list[str] | None = None) -> int:
    """Run the node; return its exit status."""
    check_arguments(
        arguments,
        'Simulate a Franka arm and its camera in front of a fixture, with the topics of their '
        'drivers and simulated time on /clock. ros2 param describe describes its parameters.',
        'sim_robot',
        "-p families:=['keypad'] -p scene:=0 -p real_time_factor:=1.0",
    )
    # MuJoCo is not installed with the package itself.
    try:
        from afformer_ros.sim_robot.sim_robot_node import SimRobotNode
    except ModuleNotFoundError as error:
        print(
            f'afformer: error: {error.name} is not installed. Run {how_to_install("robot,sim")}',
            file=sys.stderr,
        )
        return 1
    return run_node(arguments, SimRobotNode, SingleThreadedExecutor)


if __name__ == '__main__':
    sys.exit(main())

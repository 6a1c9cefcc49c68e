# SPDX-License-Identifier: Apache-2.0
"""Help texts and argument checks of the nodes' executables."""

from __future__ import annotations

import argparse
import sys

from rclpy.utilities import remove_ros_args


def check_arguments(
    arguments: list[str] | None, description: str, name: str, example: str
) -> None:
    """Print help and exit if requested; reject arguments that are not ROS arguments.

    Args:
        arguments: command line arguments without the program; None for those of the process.
        description: description of the node, in one or two sentences.
        name: name of the executable.
        example: example of ROS arguments.
    """
    given = sys.argv[1:] if arguments is None else arguments
    parser = argparse.ArgumentParser(
        prog=f'ros2 run afformer_ros {name}',
        usage=f'ros2 run afformer_ros {name} [-h] [--ros-args ...]',
        description=description,
        epilog=f'example: ros2 run afformer_ros {name} --ros-args {example}',
        allow_abbrev=False,
    )
    parser.parse_args(remove_ros_args([name, *given])[1:])

# SPDX-License-Identifier: Apache-2.0
"""The executable `grounding`: `ros2 run afformer_ros grounding`."""

from __future__ import annotations

import sys
import threading
from functools import partial

from rclpy.lifecycle import TransitionCallbackReturn

from afformer_core.errors import AfformerError
from afformer_ros.grounding.grounding_node import GroundingNode
from afformer_ros.process import Finished, check_arguments, run_node
from afformer_ros.service_pool_executor import ServicePoolExecutor
from afformer_ros.transport_watch import DEAF_STATUS

# Services that wait for the model must leave threads for parameter services.
_THREADS = 8


def main(arguments: list[str] | None = None, *, active: bool = False) -> int:
    """Run the node; return its exit status.

    Args:
        arguments: command line arguments; None for those of the process.
        active: whether the node configures and activates itself.
    """
    check_arguments(
        arguments,
        'Run the lifecycle node that grounds demonstrations in camera images. Configure and '
        'activate it with ros2 lifecycle, or start it with ros2 launch afformer_ros '
        'ground.launch.py, which does both. config/ground.yaml describes its parameters, in the '
        'folder printed by ros2 pkg prefix --share afformer_ros.',
        'grounding',
        '-r image:=/camera/image_raw -p minimum_presence:=0.5',
    )
    priority_lock = threading.Lock()

    def create(finished: Finished) -> GroundingNode:
        node = GroundingNode(priority_lock, partial(finished.fail, DEAF_STATUS))
        if active:
            _activate(node)
        return node

    return run_node(
        arguments, create, lambda: ServicePoolExecutor(_THREADS, priority_lock=priority_lock)
    )


def _activate(node: GroundingNode) -> None:
    """Configure and activate a node.

    Raises:
        AfformerError: a transition failed; the node has logged the reason.
    """
    for name, transition in (
        ('configured', node.trigger_configure),
        ('activated', node.trigger_activate),
    ):
        if transition() != TransitionCallbackReturn.SUCCESS:
            raise AfformerError(f'the node could not be {name}; its message above says why')


if __name__ == '__main__':
    sys.exit(main())

# SPDX-License-Identifier: Apache-2.0
"""The executable `planner`: `ros2 run afformer_ros planner --ros-args -p dry_run:=true`."""

from __future__ import annotations

import sys
import threading

from rclpy.executors import SingleThreadedExecutor

from afformer_core.errors import AfformerError
from afformer_ros.command_line import check_arguments
from afformer_ros.planner.planner_node import PlannerNode
from afformer_ros.process import run_node


def main(arguments: list[str] | None = None) -> int:
    """Repeat the demonstrations once; return 0 if the arm succeeded, and 1 otherwise.

    With the parameter `serve`, repeat them for the goals of an action instead, until a signal.
    """
    check_arguments(
        arguments,
        'Ground a demonstration with the grounding node, act with an arm, and report the result '
        'that the camera observes. With dry_run, report the action without moving the arm.',
        'planner',
        '-p dry_run:=true',
    )
    errors: list[str] = []
    threads: list[threading.Thread] = []

    def create(finished: threading.Event) -> PlannerNode:
        node = PlannerNode(finished)
        if node.serves:
            return node

        def repeat() -> None:
            try:
                line, succeeded = node.repeat()
                print(line, flush=True)
                if not succeeded:
                    errors.append('the result is not as demonstrated')
            except AfformerError as error:
                errors.append(str(error))
            finally:
                finished.set()

        threads.append(threading.Thread(target=repeat, name='planner'))
        threads[0].start()
        return node

    status = run_node(arguments, create, SingleThreadedExecutor)
    for thread in threads:
        thread.join()
    for error in errors:
        print(f'afformer: error: {error}', file=sys.stderr)
    return 1 if errors else status


if __name__ == '__main__':
    sys.exit(main())

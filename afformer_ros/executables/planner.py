# SPDX-License-Identifier: Apache-2.0
"""The executable `planner`: `ros2 run afformer_ros planner --ros-args -p dry_run:=true`."""

from __future__ import annotations

import sys
import threading

from afformer_core.errors import AfformerError
from afformer_ros.planner.planner_node import PlannerNode
from afformer_ros.process import Finished, check_arguments, run_node
from afformer_ros.service_pool_executor import ServicePoolExecutor

# A motion must leave threads for transitions and parameter services.
_THREADS = 4


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
    threads: list[threading.Thread] = []
    ended: list[Finished] = []

    def create(finished: Finished) -> PlannerNode:
        node = PlannerNode(finished)
        if node.serves:
            return node

        def repeat() -> None:
            try:
                line, succeeded = node.repeat()
                print(line, flush=True)
                if not succeeded:
                    finished.fail(1, 'the result is not as demonstrated')
            except AfformerError as error:
                finished.fail(1, str(error))
            finally:
                finished.set()

        ended.append(finished)
        threads.append(threading.Thread(target=repeat, name='planner'))
        threads[0].start()
        return node

    status = run_node(arguments, create, lambda: ServicePoolExecutor(_THREADS))
    for thread in threads:
        thread.join()
    return max([status, *(finished.status for finished in ended)])


if __name__ == '__main__':
    sys.exit(main())

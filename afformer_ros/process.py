# SPDX-License-Identifier: Apache-2.0
"""The life of a process that runs one node."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from typing import TypeVar

import rclpy
from rclpy.exceptions import InvalidParameterTypeException, InvalidParameterValueException
from rclpy.executors import Executor, ExternalShutdownException
from rclpy.node import Node

from afformer_core.errors import AfformerError
from afformer_ros.environment import prepare_environment

RosNode = TypeVar('RosNode', bound=Node)


def run_node(
    arguments: list[str] | None,
    create: Callable[[], RosNode],
    executor: Callable[[], Executor],
    close: Callable[[RosNode], bool],
) -> int:
    """Run a node until it is told to end, by SIGINT, SIGTERM or `rclpy.shutdown`.

    Args:
        arguments: of the command line; None: those of the process.
        create: makes the node.
        executor: makes what spins it.
        close: ends what the node started; False: a thread of it would not end.

    Returns:
        exit status: 0, or 1 where the node could not be made, with a line on stderr.
    """
    prepare_environment()
    rclpy.init(args=arguments)
    try:
        node = create()
    except (
        AfformerError,
        ValueError,
        InvalidParameterTypeException,
        InvalidParameterValueException,
    ) as error:
        print(f'afformer: error: {error}', file=sys.stderr)
        rclpy.try_shutdown()
        return 1
    spinner = executor()
    spinner.add_node(node)
    try:
        spinner.spin()
    except (KeyboardInterrupt, ExternalShutdownException):
        pass
    finally:
        # A second Ctrl-C must not interrupt the cleaning up.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        ended = close(node)
        spinner.shutdown(timeout_sec=1.0)
        node.destroy_node()
        rclpy.try_shutdown()
    if not ended:
        # The thread is inside the model, which cannot be interrupted.
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(0)
    return 0

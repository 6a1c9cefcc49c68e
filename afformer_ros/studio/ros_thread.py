# SPDX-License-Identifier: Apache-2.0
"""A ROS node inside another program, whose futures a page can await."""

from __future__ import annotations

import asyncio
import os
import threading
from concurrent.futures import Future
from typing import Any

import rclpy
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.signals import SignalHandlerOptions

from afformer_ros.environment import prepare_environment


class RosThread:
    """A node with its own ROS context, whose callbacks run in a thread.

    Args:
        namespace: namespace of the node.

    Attributes:
        node: the node.
    """

    def __init__(self, namespace: str) -> None:
        prepare_environment()
        self._context = rclpy.Context()
        rclpy.init(args=[], context=self._context, signal_handler_options=SignalHandlerOptions.NO)
        self.node = Node(
            f'studio_{os.getpid()}',
            namespace=namespace or '/',
            context=self._context,
            start_parameter_services=False,
        )
        self._executor = SingleThreadedExecutor(context=self._context)
        self._executor.add_node(self.node)
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._spin, name='ros', daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Shut ROS down."""
        self._ending.set()
        self._executor.wake()
        self._thread.join(5.0)
        self._executor.shutdown(timeout_sec=1.0)
        self.node.destroy_node()
        rclpy.try_shutdown(context=self._context)

    def _spin(self) -> None:
        while not self._ending.is_set():
            self._executor.spin_once(timeout_sec=0.5)


def awaitable(future: Any) -> asyncio.Future[Any]:
    """Convert a future of rclpy to an awaitable with the same result."""
    answered: Future[Any] = Future()
    # It can no longer be cancelled: rclpy sets it even if the waiting code gives up.
    answered.set_running_or_notify_cancel()

    def done(_: Any) -> None:
        error = future.exception()
        if error is not None:
            answered.set_exception(error)
        else:
            answered.set_result(future.result())

    future.add_done_callback(done)
    return asyncio.wrap_future(answered)

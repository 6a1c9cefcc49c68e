# SPDX-License-Identifier: Apache-2.0
"""The ROS node of a studio, which connects all pages to a grounding node."""

from __future__ import annotations

import asyncio
import os
import threading
from typing import Any

import rclpy
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.signals import SignalHandlerOptions

from afformer_ros.client import GroundingClient
from afformer_ros.environment import prepare_environment
from afformer_ros.studio.grounding_watch import PATIENCE, GroundingWatch


class GroundingLink:
    """The link to a grounding node, which may restart; its callbacks run in a thread.

    Args:
        name: full name of the grounding node, such as '/grounding'.

    Attributes:
        name: see the arguments.
        client: client of the node, whose methods block.
        watch: observed state of the node.
    """

    def __init__(self, name: str) -> None:
        prepare_environment()
        self.name = name
        self._context = rclpy.Context()
        rclpy.init(args=[], context=self._context, signal_handler_options=SignalHandlerOptions.NO)
        self._node = Node(
            f'studio_{os.getpid()}',
            namespace=name.rpartition('/')[0] or '/',
            context=self._context,
            start_parameter_services=False,
        )
        self._executor = SingleThreadedExecutor(context=self._context)
        self._executor.add_node(self._node)
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._spin, name='ros', daemon=True)
        self._thread.start()
        self.client = GroundingClient(self._node, name, starting=0.0)
        self.watch = GroundingWatch(self._node, self.client)

    async def succeed(self, service: str, **fields: Any) -> None:
        """Call a service that reports success (see `GroundingClient.succeed`)."""
        await asyncio.to_thread(self.client.succeed, service, PATIENCE, **fields)

    def close(self) -> None:
        """Shut ROS down."""
        self.watch.close()
        self.client.close()
        self._ending.set()
        self._executor.wake()
        self._thread.join(5.0)
        self._executor.shutdown(timeout_sec=1.0)
        self._node.destroy_node()
        rclpy.try_shutdown(context=self._context)

    def _spin(self) -> None:
        while not self._ending.is_set():
            self._executor.spin_once(timeout_sec=0.5)

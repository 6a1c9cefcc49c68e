# SPDX-License-Identifier: Apache-2.0
"""A double of `Bond` of bondpy: what it creates in a node, and what it leaves to its user."""

from __future__ import annotations

import threading
from types import SimpleNamespace
from typing import Any

from std_msgs.msg import String


class Bond:
    """One side of a bond; the other one never answers.

    Attributes:
        heartbeat_period, heartbeat_timeout: seconds, set before the start.
        calls: names of the methods that were called, in order.
    """

    def __init__(self, node: Any, topic: str, bond_id: str) -> None:
        self.node, self.topic, self.id = node, topic, bond_id
        self.heartbeat_period = self.heartbeat_timeout = 0.0
        self.calls: list[str] = []
        self._ended = threading.Event()
        self.thread = threading.Thread(target=self._ended.wait, name='bond', daemon=True)
        self.disconnect_timer = SimpleNamespace(cancel=self._ended.set)

    def start(self) -> None:
        self.calls.append('start')
        self.pub = self.node.create_publisher(String, self.topic, 1)
        self.sub = self.node.create_subscription(String, self.topic, lambda heard: None, 1)
        self.thread.start()

    def break_bond(self) -> None:
        self.calls.append('break_bond')

    def wait_until_broken(self, patience: Any) -> bool:
        self.calls.append('wait_until_broken')
        return False

    def shutdown(self) -> None:
        self.calls.append('shutdown')

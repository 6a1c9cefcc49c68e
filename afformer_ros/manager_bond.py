# SPDX-License-Identifier: Apache-2.0
"""The bond that lets a lifecycle manager detect that the node has died."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rclpy.duration import Duration
from rclpy.node import Node

# Values of nav2's own nodes, seconds.
_HEARTBEAT_PERIOD = 0.1
_HEARTBEAT_TIMEOUT = 4.0
# Seconds for a manager to receive the end of the bond, which bondpy repeats meanwhile.
_BREAKING_PATIENCE = 0.3
# bondpy declares it whenever heartbeats are missing, and fails if it is already declared.
_DECLARED_BY_BONDPY = '/bond_disable_heartbeat_timeout'


def installed_bond_type() -> Callable[..., Any] | None:
    """Return `Bond` of bondpy; None if bondpy is not installed."""
    try:
        from bondpy.bondpy import Bond
    except ImportError:
        return None
    bond_type: Callable[..., Any] = Bond
    return bond_type


class ManagerBond:
    """A bond on the topic `bond` with the node's name as its id, as expected by nav2's manager.

    Without a manager, it gives up after 10 s. Neither this nor the end of the manager affects the
    node.

    Args:
        node: node that the bond represents.
        bond_type: `Bond` of bondpy; None: there is no bond.
    """

    def __init__(self, node: Node, bond_type: Callable[..., Any] | None) -> None:
        self._node = node
        self._bond_type = bond_type
        self._bond: Any = None

    def form(self) -> None:
        """Send heartbeats, so that a manager can bond."""
        if self._bond_type is None:
            return
        bond = self._bond_type(self._node, 'bond', self._node.get_name())
        bond.heartbeat_period = _HEARTBEAT_PERIOD
        bond.heartbeat_timeout = _HEARTBEAT_TIMEOUT
        bond.start()
        self._bond = bond

    def close(self) -> None:
        """End the bond, and remove its threads and topics."""
        bond, self._bond = self._bond, None
        if bond is None:
            return
        bond.break_bond()
        bond.wait_until_broken(Duration(seconds=_BREAKING_PATIENCE))
        bond.shutdown()
        # It would wait 2 s for an answer that is not received.
        bond.disconnect_timer.cancel()
        bond.thread.join()
        # The bond destroys its topics, but the node would keep them in its lists.
        self._node.destroy_publisher(bond.pub)
        self._node.destroy_subscription(bond.sub)
        if self._node.has_parameter(_DECLARED_BY_BONDPY):
            self._node.undeclare_parameter(_DECLARED_BY_BONDPY)

# SPDX-License-Identifier: Apache-2.0
"""The bond by which a lifecycle manager sees that the node has died."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rclpy.duration import Duration
from rclpy.node import Node

# What nav2's own nodes take, seconds.
_HEARTBEAT_PERIOD = 0.1
_HEARTBEAT_TIMEOUT = 4.0
# Seconds for a manager to hear of the end, which bondpy repeats meanwhile.
_BREAKING_PATIENCE = 0.3
# bondpy declares it whenever heartbeats stay away, and fails where it is declared.
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
    """A bond on the topic `bond` with the node's name as its id, as nav2's manager expects it.

    Without a manager it gives up after 10 s; neither that nor the manager's end changes the node.

    Args:
        node: node whose life the bond shows.
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
        """Tell the manager that the bond ends, and leave no thread or topic of it."""
        bond, self._bond = self._bond, None
        if bond is None:
            return
        bond.break_bond()
        bond.wait_until_broken(Duration(seconds=_BREAKING_PATIENCE))
        bond.shutdown()
        # It would wait 2 s for an answer that nothing receives.
        bond.disconnect_timer.cancel()
        bond.thread.join()
        # The bond destroys its topics, but the node would keep them in its lists.
        self._node.destroy_publisher(bond.pub)
        self._node.destroy_subscription(bond.sub)
        if self._node.has_parameter(_DECLARED_BY_BONDPY):
            self._node.undeclare_parameter(_DECLARED_BY_BONDPY)

# SPDX-License-Identifier: Apache-2.0
"""The shared-memory ports of a process, and a monitor that ends it if no message reaches it.

Fast DDS receives the messages of a process on ports. A port is a queue in a file of `/dev/shm`,
which its owner maps and locks. A process that finds that the owner of a port has not answered for
the time of the health check replaces the file, as does a process that finds a file without a lock.
The owner notices this and opens the new file, unless both happen at once, which is possible while
processes wait for a processor. In that case, the owner continues to wait at a file that no process
can open, and receives no messages until it ends.
"""

from __future__ import annotations

import contextlib
import os
import re
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from rclpy.callback_groups import MutuallyExclusiveCallbackGroup

# rclpy.clock_type does not exist in Humble.
from rclpy.clock import Clock, ClockType
from rclpy.node import Node
from rclpy.timer import Timer

from afformer_ros.environment import why_not_fast_dds

# Files in which `fastdds` is `fastrtps` before Fast DDS 3; `_el` and `_sl` are locks of a port.
_LOCK = re.compile(r'/fast(?:dds|rtps)_port\d+(?=_[es]l$)')
_MAPPED_PORT = re.compile(rb'^\S+ \S+ \S+ \S+ (\d+) +(\S*/fast(?:dds|rtps)_port\d+)( .*)?$', re.M)
# Entry of `fdinfo` for a descriptor that locks a file, with the process that locked it.
_LOCKED_BY = re.compile(r'^lock:.* FLOCK .* (\d+) \S+ \d+ EOF$', re.M)
_FOLDER = Path('/dev/shm')
# Checks are a second apart; time during which the process was stopped does not count.
_LONGEST_STEP = 2.0
# Exit status of a process that messages no longer reach, and that should be restarted.
DEAF_STATUS = os.EX_TEMPFAIL
_PERIOD = 1.0
# Seconds within which the middleware reopens a port by itself.
_HEALING = 3.0


class SharedMemoryPorts:
    """A monitor of the ports of this process; without ports, nothing is ever lost.

    Args:
        process: folder of the process in `/proc`.
        folder: folder of shared memory.
        clock: function that returns monotonic seconds.
    """

    def __init__(
        self,
        process: Path = Path('/proc/self'),
        folder: Path = _FOLDER,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._process = process
        self._folder = folder
        self._clock = clock
        # A port whose lock is also gone was lost. Ports are therefore remembered after they were
        # seen intact; nothing can be inferred for others.
        self._own: set[str] = set()
        self._checked = clock()
        self._lost_for: dict[str, float] = {}

    def check(self) -> None:
        """Check the ports; call it about once per second."""
        now = self._clock()
        step, self._checked = min(now - self._checked, _LONGEST_STEP), now
        lost = self._lost()
        self._lost_for = {
            # The owner of a replaced port takes a moment to open the new one.
            name: self._lost_for[name] + step if name in self._lost_for else 0.0
            for name in lost
        }

    @property
    def own(self) -> list[str]:
        """Names of the ports of this process, as of the checks."""
        return sorted(self._own)

    @property
    def lost_for(self) -> float:
        """Seconds for which a port of this process has been continuously lost; 0: none is lost."""
        return max(self._lost_for.values(), default=0.0)

    @property
    def lost(self) -> list[str]:
        """Names of the ports lost at the last check."""
        return sorted(self._lost_for)

    def _lost(self) -> list[str]:
        locked, mapped = self._locked(), self._mapped()
        sound = {
            name
            for name in locked | self._own
            if _inode(self._folder / name) in mapped.get(name, frozenset())
        }
        self._own |= sound
        return sorted(self._own - sound)

    def _locked(self) -> set[str]:
        """Return the names of the ports that this process has locked.

        A process started by launch inherits the locks of launch's own ports.
        """
        names = set()
        with contextlib.suppress(OSError):
            pid = (self._process / 'stat').read_text().split()[0]
            for descriptor in os.scandir(self._process / 'fd'):
                # It may have been closed after it was listed.
                with contextlib.suppress(OSError):
                    found = _LOCK.search(os.readlink(descriptor.path))
                    locks = self._process / 'fdinfo' / descriptor.name
                    if found and pid in _LOCKED_BY.findall(locks.read_text()):
                        names.add(found.group().lstrip('/'))
        return names

    def _mapped(self) -> Mapping[str, set[int]]:
        """Return the mapped inodes by the name of their port."""
        inodes: dict[str, set[int]] = {}
        with contextlib.suppress(OSError):
            for inode, path, _ in _MAPPED_PORT.findall((self._process / 'maps').read_bytes()):
                inodes.setdefault(os.path.basename(path.decode()), set()).add(int(inode))
        return inodes


def _inode(file: Path) -> int:
    """Return the inode of a file; -1 if it does not exist."""
    try:
        return file.stat().st_ino
    except OSError:
        return -1


class TransportWatch:
    """A monitor of the shared memory that transports messages, independent of silent publishers.

    It watches Fast DDS only; with another middleware, it is off and `state` says so.

    Args:
        node: node in whose executor it checks once per second; its parameter
            `transport_loss_timeout` gives the seconds after which a loss is final, 0: never.
        give_up: called once, when a loss is final.
        ports: ports of the process.
    """

    def __init__(self, node: Node, give_up: Callable[[], None], ports: SharedMemoryPorts) -> None:
        self._node = node
        self._give_up = give_up
        self._ports = ports
        self._ended = False
        self._timer: Timer | None = None
        self._unwatched = why_not_fast_dds()
        if self._unwatched:
            node.get_logger().info(f'transport: {self.state}')
            return
        # A port that is lost within the first period must have been seen intact before.
        ports.check()
        # It must continue while simulated time stands still.
        self._timer = node.create_timer(
            _PERIOD,
            self._check,
            MutuallyExclusiveCallbackGroup(),
            clock=Clock(clock_type=ClockType.STEADY_TIME),
        )

    @property
    def state(self) -> str:
        """State without a problem, in words."""
        if self._unwatched:
            return f'a lost connection is not noticed: {self._unwatched}'
        return 'messages reach the node'

    @property
    def problem(self) -> str:
        """Explain that messages do not reach the node, and what to do; empty if they do."""
        lost_for = self._ports.lost_for
        if lost_for < _HEALING:
            return ''
        timeout = self._timeout()
        remedy = (
            f'The process ends with status {DEAF_STATUS} after {timeout:.0f} s; start it again, '
            'or set respawn:=true in the launch file'
            if timeout
            else 'Start the process again'
        )
        return (
            f'messages have not reached the node for {lost_for:.0f} s: Fast DDS removed its '
            f'shared memory ({", ".join(self._ports.lost)}), which can happen while processes '
            f'wait for a processor. {remedy}'
        )

    def destroy(self) -> None:
        """Stop."""
        if self._timer is not None:
            self._node.destroy_timer(self._timer)

    def _timeout(self) -> float:
        return float(self._node.get_parameter('transport_loss_timeout').value)

    def _check(self) -> None:
        self._ports.check()
        problem, timeout = self.problem, self._timeout()
        if not problem:
            return
        self._node.get_logger().error(problem, throttle_duration_sec=_HEALING)
        if timeout and self._ports.lost_for >= timeout and not self._ended:
            self._ended = True
            self._node.get_logger().fatal(f'the process ends with status {DEAF_STATUS}')
            self._give_up()

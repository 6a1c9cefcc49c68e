# SPDX-License-Identifier: Apache-2.0
"""Ports of a process that are there, replaced or gone, and when a node says so and gives up."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from afformer_ros.transport_watch import SharedMemoryPorts, TransportWatch

PID = 4711
LOCK = 'pos:\t0\nflags:\t02\nlock:\t1: FLOCK  ADVISORY  WRITE {pid} 00:1b:136941 0 EOF\n'
MAP = '7f10-7f20 rw-s 00000000 00:1a {inode} {padding} {path}{deleted}\n'


class Process:
    """A process in a folder like `/proc/PID`, with ports in a folder like `/dev/shm`."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.shared_memory = folder / 'proc', folder / 'shm'
        self.shared_memory.mkdir()
        (self.folder / 'fd').mkdir(parents=True)
        (self.folder / 'fdinfo').mkdir()
        (self.folder / 'stat').write_text(f'{PID} (python3) S 17 1 1 0 -1')
        self.now = 100.0
        self._mapped: dict[str, int] = {}

    def ports(self) -> SharedMemoryPorts:
        return SharedMemoryPorts(self.folder, self.shared_memory, lambda: self.now)

    def open(self, name: str, lock: str = '_el', locker: int = PID) -> None:
        """Open a port to receive on, or to send to where `lock` is empty.

        Args:
            name: file of the port.
            lock: end of the name of its lock.
            locker: process that locked it.
        """
        if not (self.shared_memory / name).exists():
            self.replace(name)
        self._mapped[name] = (self.shared_memory / name).stat().st_ino
        if lock:
            number = str(len(self._mapped))
            (self.folder / 'fdinfo' / number).write_text(LOCK.format(pid=locker))
            link = self.folder / 'fd' / number
            link.symlink_to(self.shared_memory / f'{name}{lock}')
        self._write()

    def replace(self, name: str) -> None:
        """Do as a process that takes this one for dead: remove the file, and make another."""
        other = self.shared_memory / 'other'
        other.write_bytes(b'')
        other.rename(self.shared_memory / name)
        self._write()

    def remove(self, name: str) -> None:
        (self.shared_memory / name).unlink()
        self._write()

    def unlock(self) -> None:
        for link in (self.folder / 'fd').iterdir():
            link.unlink()

    def _write(self) -> None:
        lines = ['5581-5582 r-xp 0 08:01 4711 /usr/bin/python3\n', '7f30-7f31 rw-p 0 0:0 0\n']
        for name, inode in self._mapped.items():
            path = self.shared_memory / name
            current = path.exists() and path.stat().st_ino == inode
            deleted = '' if current else ' (deleted)'
            lines.append(MAP.format(inode=inode, padding=' ' * 9, path=path, deleted=deleted))
        (self.folder / 'maps').write_text(''.join(lines))


@pytest.fixture
def process(tmp_path: Path) -> Process:
    return Process(tmp_path)


@pytest.mark.parametrize('name', ['fastdds_port7413', 'fastrtps_port7413'])
@pytest.mark.parametrize('lock', ['_el', '_sl'])
def test_a_port_that_was_replaced_is_lost(process: Process, name: str, lock: str) -> None:
    process.open('fastdds_port7004')
    process.open(name, lock)
    ports = process.ports()
    ports.check()
    assert ports.own == sorted(['fastdds_port7004', name])
    assert ports.lost == []

    process.replace(name)
    ports.check()
    assert ports.lost == [name]


@pytest.mark.parametrize('locked', [True, False])
def test_a_port_that_is_gone_is_lost_with_its_lock_or_without(
    process: Process, locked: bool
) -> None:
    process.open('fastdds_port7413')
    ports = process.ports()
    ports.check()
    if not locked:
        process.unlock()
    process.remove('fastdds_port7413')
    ports.check()
    assert ports.lost == ['fastdds_port7413']


def test_a_lock_that_was_inherited_is_of_the_port_of_another_process(process: Process) -> None:
    # Launch hands on the locks of its own ports.
    process.open('fastdds_port7411', locker=17)
    process.open('fastdds_port7413')
    ports = process.ports()
    ports.check()
    process.replace('fastdds_port7411')
    ports.check()
    assert (ports.own, ports.lost) == (['fastdds_port7413'], [])


def test_nothing_is_told_of_a_port_that_never_was_as_it_should_be(process: Process) -> None:
    process.open('fastdds_port7413')
    process.replace('fastdds_port7413')
    ports = process.ports()
    ports.check()
    assert (ports.own, ports.lost) == ([], [])


def test_a_port_that_is_sent_to_is_of_another_process(process: Process) -> None:
    process.open('fastdds_port7413', lock='')
    process.remove('fastdds_port7413')
    ports = process.ports()
    ports.check()
    assert (ports.own, ports.lost, ports.lost_for) == ([], [], 0.0)


def test_the_time_since_a_port_was_lost_ends_when_it_is_opened_anew(process: Process) -> None:
    process.open('fastdds_port7413')
    ports, told = process.ports(), []
    ports.check()
    process.replace('fastdds_port7413')
    for process.now in (101.0, 102.25, 103.0):
        ports.check()
        told.append(ports.lost_for)
    assert told == [0.0, 1.25, 2.0]

    process.open('fastdds_port7413', lock='')
    ports.check()
    assert ports.lost_for == 0.0
    process.now, _ = 104.0, process.replace('fastdds_port7413')
    ports.check()
    assert ports.lost_for == 0.0


def test_the_time_for_which_the_process_itself_was_stopped_does_not_count(
    process: Process,
) -> None:
    process.open('fastdds_port7413')
    ports = process.ports()
    ports.check()
    process.replace('fastdds_port7413')
    ports.check()
    process.now += 60.0
    ports.check()
    assert ports.lost_for == 2.0


def test_a_system_without_proc_has_no_ports(tmp_path: Path) -> None:
    ports = SharedMemoryPorts(tmp_path / 'proc', tmp_path)
    ports.check()
    assert (ports.own, ports.lost) == ([], [])


class Deaf:
    """A node whose ports are lost for some seconds, and what becomes of it."""

    def __init__(self, timeout: float) -> None:
        self._timeout = timeout
        self.lost_for = 0.0
        self.lost = ['fastdds_port7413']
        self.ends = self.checks = 0
        self.logged: list[str] = []
        self._check: Any = None
        node: Any = self
        ports: Any = self
        self.watch = TransportWatch(node, self._end, ports)

    def after(self, seconds: float) -> int:
        """How often the node has ended once its ports are lost for some seconds."""
        self.lost_for = seconds
        self._check()
        return self.ends

    def check(self) -> None:
        """Count, as the ports do not."""
        self.checks += 1

    def create_timer(self, period: float, callback: Any, group: Any, clock: Any) -> None:
        assert (period, clock.clock_type.name) == (1.0, 'STEADY_TIME')
        self._check = callback

    def get_parameter(self, name: str) -> Any:
        assert name == 'transport_loss_timeout'
        return SimpleNamespace(value=self._timeout)

    def get_logger(self) -> Any:
        return SimpleNamespace(
            info=self.logged.append,
            error=lambda text, throttle_duration_sec: self.logged.append(text),
            fatal=self.logged.append,
        )

    def _end(self) -> None:
        self.ends += 1


def test_the_ports_are_seen_before_the_first_period_ends() -> None:
    assert Deaf(timeout=7.5).checks == 1


def test_a_port_that_its_owner_opens_anew_in_time_is_no_problem() -> None:
    deaf = Deaf(timeout=7.5)
    assert deaf.after(2.9) == 0
    assert deaf.watch.problem == ''
    assert deaf.logged == []


def test_a_loss_is_told_with_its_remedy_before_it_ends_the_node_once() -> None:
    deaf = Deaf(timeout=7.5)
    assert deaf.after(4.0) == 0
    assert deaf.watch.problem.startswith('messages have not reached the node for 4 s')
    assert 'fastdds_port7413' in deaf.watch.problem
    assert 'status 75 after 8 s; start it again' in deaf.watch.problem
    assert [deaf.after(seconds) for seconds in (7.4, 7.5, 8.5)] == [0, 1, 1]
    assert deaf.logged.count('the process ends with status 75') == 1


@pytest.mark.parametrize('seconds', [4.0, 5000.0])
def test_without_a_timeout_the_node_goes_on_and_says_what_to_do(seconds: float) -> None:
    deaf = Deaf(timeout=0.0)
    assert deaf.after(seconds) == 0
    assert deaf.watch.problem.endswith('Start the process again')


def test_with_another_middleware_it_is_off_and_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    name = 'rmw_zenoh_cpp'
    monkeypatch.setattr('rclpy.utilities.get_rmw_implementation_identifier', lambda: name)
    deaf = Deaf(timeout=7.5)
    state = 'a lost connection is not noticed: the middleware is rmw_zenoh_cpp, not Fast DDS'
    assert (deaf.watch.state, deaf.logged) == (state, [f'transport: {state}'])
    # Without a check, there is no timer to destroy either.
    assert deaf._check is None
    deaf.watch.destroy()

# SPDX-License-Identifier: Apache-2.0
"""The machines of a Ray cluster, each a tree of processes."""

from __future__ import annotations

import subprocess
import sys
import time
from contextlib import suppress

import psutil

# Bytes of the store of each machine.
STORE = 100 * 1024**2


def alive_machines() -> int:
    import ray

    return len({node['NodeID'] for node in ray.nodes() if node['Alive']})


class Machines:
    """Two machines beside the one that leads a cluster, each a tree of processes."""

    def __init__(self, address: str) -> None:
        self._address = address
        self._running: list[tuple[psutil.Popen, tuple[str, ...]]] = []
        self.died = 0

    def begin(self, *options: str) -> None:
        """Start both, the second with further options of `ray start`."""
        for asked in ((), options):
            self._running.append((self._start(*asked), asked))

    def replace_one(self) -> None:
        """Kill the machine that has run longest, and start another like it."""
        before = alive_machines()
        machine, options = self._running.pop(0)
        self._kill(machine)
        self.died += 1
        while alive_machines() >= before:
            time.sleep(0.5)
        self._running.append((self._start(*options), options))

    def kill_process(self, title: str) -> None:
        """Kill a process of a machine, given the beginning of its title."""
        while True:
            machines = [machine for machine, _ in self._running]
            for process in (each for one in machines for each in one.children(recursive=True)):
                with suppress(psutil.NoSuchProcess, psutil.ZombieProcess):
                    if process.cmdline() and process.cmdline()[0].startswith(title):
                        process.kill()
                        return
            time.sleep(0.1)

    def end(self) -> None:
        for machine, _ in self._running:
            self._kill(machine)

    def _start(self, *options: str) -> psutil.Popen:
        """Start a machine and wait until it has joined; two that start at once may clash."""
        before = alive_machines()
        while True:
            machine = self._run(*options)
            while machine.poll() is None:
                if alive_machines() > before:
                    return machine
                time.sleep(0.5)

    def _run(self, *options: str) -> psutil.Popen:
        ray = [sys.executable, '-m', 'ray.scripts.scripts', 'start', '--block', '--num-cpus', '1']
        store = ['--object-store-memory', str(STORE), '--address', self._address]
        return psutil.Popen(
            [*ray, *store, *options], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )

    def _kill(self, machine: psutil.Popen) -> None:
        processes = [machine, *machine.children(recursive=True)]
        for process in processes:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        psutil.wait_procs(processes, 30)

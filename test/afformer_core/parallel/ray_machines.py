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
        self._running: list[psutil.Popen] = []
        self.died = 0

    def begin(self) -> None:
        for _ in range(2):
            self._running.append(self._start())

    def replace_one(self) -> None:
        """Kill the machine that has run longest, and start another."""
        before = alive_machines()
        self._kill(self._running.pop(0))
        self.died += 1
        while alive_machines() >= before:
            time.sleep(0.5)
        self._running.append(self._start())

    def end(self) -> None:
        for machine in self._running:
            self._kill(machine)

    def _start(self) -> psutil.Popen:
        """Start a machine and wait until it has joined; two that start at once may clash."""
        before = alive_machines()
        while True:
            machine = self._run()
            while machine.poll() is None:
                if alive_machines() > before:
                    return machine
                time.sleep(0.5)

    def _run(self) -> psutil.Popen:
        ray = [sys.executable, '-m', 'ray.scripts.scripts', 'start', '--block', '--num-cpus', '1']
        store = ['--object-store-memory', str(STORE), '--address', self._address]
        return psutil.Popen([*ray, *store], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def _kill(self, machine: psutil.Popen) -> None:
        processes = [machine, *machine.children(recursive=True)]
        for process in processes:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        psutil.wait_procs(processes, 30)

# SPDX-License-Identifier: Apache-2.0
"""Grounding nodes as processes of their own, with their clients."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

from sensor_msgs.msg import Image

from test.afformer_ros.grounding_client import Client
from test.waiting import PATIENCE

# Parameters of a node whose model has random weights, which are never sure.
FOR_RANDOM_WEIGHTS = {
    'minimum_presence': 0.0,
    'minimum_confidence': 0.0,
    'minimum_feature_similarity': -1.0,
    'minimum_continuity': -1.0,
    'trim_demonstrations': False,
    # Images have stamps of another time.
    'maximum_image_age': 0.0,
}


class Process:
    """A process of ours with its output in a file; it never outlives the test."""

    def __init__(self, module: str, arguments: list[str], log: Path) -> None:
        self._log = log
        program = [module] if module.endswith('.py') else ['-m', module]
        with open(log, 'ab') as output:
            self.popen = subprocess.Popen(
                [sys.executable, *program, *arguments], stdout=output, stderr=subprocess.STDOUT
            )

    @property
    def output(self) -> str:
        return self._log.read_text(errors='replace')

    def wait(self) -> int:
        """Wait until it ends by itself; returns the exit status."""
        return self.popen.wait(PATIENCE)

    def stop(self, signal_number: int = signal.SIGINT) -> int:
        """Send a signal; returns the exit status."""
        if self.popen.poll() is None:
            self.popen.send_signal(signal_number)
        try:
            return self.wait()
        finally:
            self.popen.kill()


class Nodes:
    """Starts grounding nodes and clients in namespaces of their own, and ends them."""

    def __init__(self, model: Path, folder: Path) -> None:
        self._model = model
        self._folder = folder
        self._number = 0
        self._open: list[Process | Client] = []
        self.store = folder / 'store'

    def grounding(
        self,
        namespace: str = '/test',
        program: str = 'afformer_ros.executables.grounding',
        **parameters: Any,
    ) -> Process:
        values: dict[str, Any] = {
            'model': self._model,
            'backend': 'auto',
            'threads': 1,
            'store_folder': self.store,
            **FOR_RANDOM_WEIGHTS,
            **parameters,
        }
        arguments = ['--ros-args', '-r', f'__ns:={namespace}']
        for name, value in values.items():
            arguments += ['-p', f'{name}:={value}']
        return self.process(program, arguments)

    def process(self, module: str, arguments: list[str]) -> Process:
        self._number += 1
        process = Process(module, arguments, self._folder / f'process_{self._number}.log')
        self._open.append(process)
        return process

    def client(self, namespace: str = '/test', images_type: type = Image) -> Client:
        client = Client(namespace, images_type)
        self._open.append(client)
        return client

    def end_client(self, client: Client) -> None:
        """End a client early, where a test makes many."""
        self._open.remove(client)
        client.close()

    def close(self) -> None:
        for one in reversed(self._open):
            if isinstance(one, Process):
                one.stop(signal.SIGKILL)
            else:
                one.close()

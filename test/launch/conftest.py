# SPDX-License-Identifier: Apache-2.0
"""Running launch files in processes of their own, and a node that watches what they start."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import rclpy
from lifecycle_msgs.msg import State
from lifecycle_msgs.srv import GetState
from rcl_interfaces.srv import GetParameters
from rclpy.node import Node
from rclpy.parameter import parameter_value_to_python

from test.waiting import PATIENCE, wait_until

LAUNCH = """
import sys
from launch import LaunchDescription, LaunchService
from launch.actions import IncludeLaunchDescription
from launch.launch_description_sources import PythonLaunchDescriptionSource

path, *arguments = sys.argv[1:]
service = LaunchService(noninteractive=True)
service.include_launch_description(LaunchDescription([IncludeLaunchDescription(
    PythonLaunchDescriptionSource(path),
    launch_arguments=[argument.split(':=') for argument in arguments],
)]))
sys.exit(service.run())
"""


class Launched:
    """A launch file that runs in a process of its own."""

    def __init__(self, file: Path, arguments: tuple[str, ...], folder: Path) -> None:
        self._log = folder / 'launch.log'
        with self._log.open('w') as log:
            self._process = subprocess.Popen(
                [sys.executable, '-c', LAUNCH, file, *arguments],
                env={**os.environ, 'ROS_HOME': str(folder / 'ros')},
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    def log(self) -> str:
        """What it and its nodes have printed so far."""
        return self._log.read_text()

    def pids(self) -> list[int]:
        """Processes that were started so far, in order."""
        started = re.findall(r'process started with pid \[(\d+)\]', self.log())
        return [int(pid) for pid in started]

    def wait(self) -> int:
        """Wait until it ends by itself, and return its exit status."""
        return self._process.wait(PATIENCE)

    def interrupt(self) -> int:
        """Interrupt it as a person does, and return its exit status."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGINT)
        try:
            return self._process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            raise


class Observer(Node):
    """A node that asks others and waits for what they do."""

    def wait(self, what: str, holds: Callable[[], object]) -> None:
        """Wait until something holds, or fail."""
        wait_until(holds, what, lambda: rclpy.spin_once(self, timeout_sec=0.05))

    def state(self, node: str, timeout: float = PATIENCE) -> int:
        """Lifecycle state of a node, or unknown where it does not answer."""
        response = self.call(GetState, f'{node}/get_state', GetState.Request(), timeout)
        return State.PRIMARY_STATE_UNKNOWN if response is None else response.current_state.id

    def wait_for_active(self, node: str) -> None:
        """Wait until a node is active, or fail."""
        active = State.PRIMARY_STATE_ACTIVE
        # A process that was killed still seems to offer its services, but never answers.
        self.wait(f'{node} becoming active', lambda: self.state(node, 5.0) == active)

    def parameters(self, node: str, *names: str) -> list[object]:
        """Values of parameters of a node."""
        request = GetParameters.Request(names=names)
        response = self.call(GetParameters, f'{node}/get_parameters', request)
        return [parameter_value_to_python(value) for value in response.values]

    def call(self, kind: type, name: str, request: object, timeout: float = PATIENCE) -> object:
        """Call a service; None where it did not answer within a timeout, in seconds."""
        client = self.create_client(kind, name)
        try:
            assert client.wait_for_service(PATIENCE), f'{name} is not offered'
            future = client.call_async(request)
            rclpy.spin_until_future_complete(self, future, timeout_sec=timeout)
            return future.result()
        finally:
            self.destroy_client(client)


@pytest.fixture
def launch(root: Path, tmp_path: Path) -> Iterator[Callable[..., Launched]]:
    """Start a launch file by its name with arguments; it is ended after the test."""
    running: list[Launched] = []

    def launch(name: str, *arguments: str) -> Launched:
        running.append(Launched(root / 'launch' / name, arguments, tmp_path))
        return running[-1]

    yield launch
    for one in running:
        one.interrupt()


@pytest.fixture(scope='module')
def observer() -> Iterator[Observer]:
    rclpy.init()
    node = Observer('observer')
    yield node
    node.destroy_node()
    rclpy.shutdown()

# SPDX-License-Identifier: Apache-2.0
"""The published and logged state of the demonstrations."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

from rclpy.node import Node
from rclpy.qos import QoSDurabilityPolicy, QoSProfile

from afformer_core.demonstrations.state import DemonstrationState, Phase
from afformer_ros.msg import DemonstrationStatus

_LATCHED_QOS = QoSProfile(depth=1, durability=QoSDurabilityPolicy.TRANSIENT_LOCAL)


class DemonstrationStatusPublisher:
    """A publisher of each state of the demonstrations, which also logs changes once.

    Args:
        node: node that publishes and logs.

    Attributes:
        state: last known state; initially, the model is being loaded.
        listeners: functions that are called with each new state, in the thread that reports it.
    """

    def __init__(self, node: Node) -> None:
        self._node = node
        self._logger = node.get_logger()
        self._logged_message = ''
        self._logged_problem = ''
        self._recording = False
        self.listeners: list[Callable[[DemonstrationState], None]] = []
        self._publisher: Any = node.create_publisher(
            DemonstrationStatus, 'demonstration_status', _LATCHED_QOS
        )
        self.state = _state(Phase.IDLE, 'the model is being loaded')
        self._publish()

    def changed(self, state: DemonstrationState) -> None:
        """Publish a new state."""
        self.state = state
        self._publish()
        if self._node.context.ok():
            self._log()
        for listener in self.listeners:
            listener(state)

    def loading_ended(self, loaded: Future[None]) -> None:
        """Report an error of loading the model, if there is one.

        Args:
            loaded: future of loading, which is done.
        """
        error = loaded.exception()
        if error is not None and self._node.context.ok():
            self._logger.error(f'the model cannot be used: {error}')
            self.changed(_state(Phase.FAILED, str(error)))

    def refused(self, what: str, message: str) -> None:
        """Log why a request was refused, unless the state already contains the reason.

        Args:
            what: request, such as 'select_demonstration'.
            message: reason for the refusal.
        """
        if message != self._logged_message:
            self._logger.warning(f'{what}: {message}')

    def destroy(self) -> None:
        """Remove the topic."""
        self._node.destroy_publisher(self._publisher)

    def _publish(self) -> None:
        state, status = self.state, DemonstrationStatus()
        status.header.stamp = self._node.get_clock().now().to_msg()
        status.state = int(state.phase)
        status.name, status.selected, status.message = state.name, state.selected, state.message
        status.frames, status.frames_kept = state.frames, state.frames_kept
        status.frames_lost = state.frames_lost
        status.duration, status.hands_seen = float(state.duration), state.hands_seen
        self._publisher.publish(status)

    def _log(self) -> None:
        """Log a recording once, and failures and future losses as warnings."""
        state = self.state
        recording = state.phase == Phase.RECORDING
        # During a recording, each frame changes the state.
        if state.message != self._logged_message and not (recording and self._recording):
            # The end of a recording reports again what cannot be stored.
            lost = bool(state.problem) and (
                state.problem != self._logged_problem or self._recording
            )
            failed = state.phase == Phase.FAILED
            # rclpy does not allow a line of code to log with two severities.
            if failed or lost:
                self._logger.warning(state.message)
            else:
                self._logger.info(state.message)
            self._logged_message = state.message
        elif state.problem and state.problem != self._logged_problem:
            self._logger.warning(state.problem)
        self._recording, self._logged_problem = recording, state.problem


def _state(phase: Phase, message: str) -> DemonstrationState:
    """Create the state of a node without demonstrations."""
    return DemonstrationState(
        phase=phase,
        name='',
        selected='',
        names=(),
        frames=0,
        frames_kept=0,
        duration=0.0,
        message=message,
    )

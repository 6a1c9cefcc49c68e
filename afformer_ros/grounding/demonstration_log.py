# SPDX-License-Identifier: Apache-2.0
"""Log lines of the events of a demonstration."""

from __future__ import annotations

from typing import Any

from afformer_core.demonstrations.state import DemonstrationState, Phase


class DemonstrationLog:
    """Logs what changes, and nothing twice.

    Args:
        logger: of the node.
    """

    def __init__(self, logger: Any) -> None:
        self._logger = logger
        self._message = ''
        self._problem = ''
        self._recording = False

    def changed(self, state: DemonstrationState) -> None:
        """Log what a new state tells: a recording once, what fails or will be lost as warning."""
        recording = state.phase == Phase.RECORDING
        # While it is recorded, each frame changes the state.
        if state.message != self._message and not (recording and self._recording):
            # The end of a recording tells again what cannot be kept of it.
            lost = bool(state.problem) and (state.problem != self._problem or self._recording)
            failed = state.phase == Phase.FAILED
            # rclpy refuses one place in the code that logs with two severities.
            if failed or lost:
                self._logger.warning(state.message)
            else:
                self._logger.info(state.message)
            self._message = state.message
        elif state.problem and state.problem != self._problem:
            self._logger.warning(state.problem)
        self._recording, self._problem = recording, state.problem

    def refused(self, what: str, message: str) -> None:
        """Log why something was not done, unless the state has told it.

        Args:
            what: was asked for, such as 'select_demonstration'.
            message: why not.
        """
        if message != self._message:
            self._logger.warning(f'{what}: {message}')

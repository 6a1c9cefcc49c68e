# SPDX-License-Identifier: Apache-2.0
"""A client of the grounding node, which grounds and loads demonstrations."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rclpy.action import ActionClient
from rclpy.node import Node

from afformer_core.messages.image_decoding import to_rgb
from afformer_ros.action import GroundDemonstration, LoadDemonstration
from afformer_ros.msg import Affordance
from afformer_ros.planner.answers import GoalRefusedError, NoAnswerError, found_affordance
from afformer_ros.planner.waiting import Waiting, duration_message
from afformer_ros.srv import GetDemonstrationFrame

# Seconds for the node to appear, for its answer after a goal's own timeout, and to read a video.
_STARTING, _PATIENCE, _LOADING = 60.0, 10.0, 120.0
# Wall time to cancel the last goal, seconds.
_CLOSING = 1.0


class GroundingClient:
    """A client that sends goals to the grounding node, and cancels those it no longer awaits.

    Callbacks of the node must run in another thread.

    Args:
        node: node of the action clients.
        waiting: waits of the planner.

    Attributes:
        grounded: number of images that were grounded for goals so far.
    """

    def __init__(self, node: Node, waiting: Waiting) -> None:
        self._waiting = waiting
        self._idle = threading.Event()
        self._idle.set()
        self.grounded = 0
        self._ground: Any = ActionClient(
            node, GroundDemonstration, 'grounding/ground_demonstration'
        )
        self._load: Any = ActionClient(node, LoadDemonstration, 'grounding/load_demonstration')
        self._frame: Any = node.create_client(
            GetDemonstrationFrame, 'grounding/get_demonstration_frame'
        )
        self._marking = node.resolve_service_name('grounding/mark_contact')

    @property
    def busy(self) -> bool:
        """Whether a goal is open."""
        return not self._idle.is_set()

    def close(self) -> bool:
        """Wait until the open goal is canceled, at the end of the planner."""
        return self._idle.wait(_CLOSING)

    def wait_for_node(self) -> None:
        """Wait until a grounding node is available.

        Raises:
            NoAnswerError: there is none.
        """
        self._wait_for(self._ground)

    def ground(self, goal: GroundDemonstration.Goal, seconds: float) -> Affordance:
        """Request an affordance (see `found_affordance`).

        Args:
            goal: goal, whose timeout is set here.
            seconds: seconds for the images to agree, by the clock of the grounding node.
        """
        goal.timeout = duration_message(seconds)
        return found_affordance(self._result(self._ground, goal, seconds), goal.agreeing_images)

    def load(self, path: str) -> None:
        """Load a video, folder of images or bag as the demonstration, and select it.

        Raises:
            NoAnswerError, GoalRefusedError: the grounding node does not answer, or refuses.
        """
        result = self._result(self._load, LoadDemonstration.Goal(path=path), _LOADING)
        if not result.success:
            raise GoalRefusedError(result.message)

    def frame(self, name: str, *, last: bool) -> NDArray[np.uint8]:
        """Return the first or last used frame of a demonstration, uint8 RGB [H, W, 3].

        Args:
            name: name of the demonstration; empty: the selected one.
            last: whether to return the last frame.

        Raises:
            NoAnswerError, GoalRefusedError: the grounding node does not answer, or has no frames.
        """
        return to_rgb(self._used_frame(name, last=last).frame)

    def marking_advice(self, name: str) -> str:
        """Describe how to mark the contact of a demonstration, with the candidates for it."""
        try:
            answer = self._used_frame(name, last=False)
        except (NoAnswerError, GoalRefusedError):
            return 'Mark the contact in the demonstration'
        if answer.marked:
            return 'The contact is already marked; show the part from closer'
        return f'Call {self._marking} with a candidate or a pixel: {answer.message}'

    def _used_frame(self, name: str, *, last: bool) -> GetDemonstrationFrame.Response:
        if not self._frame.service_is_ready():
            raise NoAnswerError('the grounding node offers no frames of demonstrations')
        request = GetDemonstrationFrame.Request(name=name, last=last)
        response = self._wait(self._frame.call_async(request), _PATIENCE)
        if not response.success:
            raise GoalRefusedError(response.message)
        return response

    def _result(self, client: Any, goal: Any, seconds: float) -> Any:
        """Send a goal and wait for its result; cancel the goal if the wait is aborted."""
        self._wait_for(client)
        self._idle.clear()
        sent = client.send_goal_async(goal, self._count)
        try:
            handle = self._wait(sent, _PATIENCE)
            if not handle.accepted:
                raise GoalRefusedError('the grounding node refused the goal. Is it active?')
            return self._wait(handle.get_result_async(), seconds + _PATIENCE).result
        except NoAnswerError:
            if sent.done():
                _cancel(sent)
            else:
                # The goal may still be accepted.
                sent.add_done_callback(_cancel)
            raise
        finally:
            self._idle.set()

    def _count(self, message: Any) -> None:
        """Count the images of the feedback; that of other actions has none."""
        self.grounded += isinstance(message.feedback, GroundDemonstration.Feedback)

    def _wait_for(self, client: Any) -> None:
        reason = self._waiting.until(client.server_is_ready, _STARTING)
        if reason:
            raise NoAnswerError(f'there is no grounding node: {reason}. Start one')

    def _wait(self, future: Any, seconds: float) -> Any:
        reason = self._waiting.until(future.done, seconds)
        if reason:
            raise NoAnswerError(f'the grounding node did not answer: {reason}')
        return future.result()


def _cancel(sent: Any) -> None:
    """Cancel the goal of a future with its handle, unless it was refused."""
    handle = sent.result()
    if handle is not None and handle.accepted:
        handle.cancel_goal_async()

# SPDX-License-Identifier: Apache-2.0
"""A client of one grounding node: its topics, services, actions and parameters."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import rclpy
from action_msgs.msg import GoalStatus
from afformer_ros.msg import Affordance, DemonstrationStatus
from diagnostic_msgs.msg import DiagnosticArray
from lifecycle_msgs.msg import Transition
from rcl_interfaces.msg import SetParametersResult
from rclpy.executors import SingleThreadedExecutor
from rclpy.parameter import Parameter, parameter_value_to_python
from rclpy.qos import QoSDurabilityPolicy, QoSProfile
from sensor_msgs.msg import Image
from std_msgs.msg import Header

from afformer_core.messages.image_encoding import image_message as encode_image
from afformer_ros.client import GoalRefusedError, GroundingClient, NoAnswerError
from afformer_ros.interfaces import ACTIONS
from afformer_ros.rclpy_messages import RclpyMessages
from test.waiting import PATIENCE, wait_until

# What has not come after so many seconds was lost on the way.
LOSS = 15.0
LATCHED = QoSProfile(depth=1, durability=QoSDurabilityPolicy.TRANSIENT_LOCAL)


def image(number: int, width: int = 64, height: int = 48) -> np.ndarray:
    """uint8 RGB [H, W, 3], noise that differs for each number."""
    return np.random.default_rng(number).integers(0, 256, (height, width, 3), np.uint8)


def header(number: int, frame: str = 'camera') -> Header:
    result = Header(frame_id=frame)
    result.stamp.sec, result.stamp.nanosec = 1000 + number // 10, number % 10 * 100_000_000
    return result


def image_message(number: int, frame: str = 'camera', width: int = 64, height: int = 48) -> Image:
    """Image `number` as rgb8, stamped 1000 s and a tenth of a second for each number."""
    return encode_image(
        RclpyMessages(), image(number, width, height), 'rgb8', header(number, frame)
    )


class Goal:
    """A goal of an action of one grounding node, with what came of it so far."""

    def __init__(self, client: Client, action_client: Any, goal: Any) -> None:
        self._client = client
        self.feedback: list[Any] = []
        self._accepted = action_client.send_goal_async(
            goal, lambda message: self.feedback.append(message.feedback)
        )
        self._answer: Any = None

    def accepted(self) -> bool:
        """Whether the node accepts it; waits until that is known."""
        self._client.wait(self._accepted.done, 'the answer to a goal')
        return self._accepted.result().accepted

    def fetch(self) -> Any:
        """Ask for the result; returns a future of it."""
        if self._answer is None:
            assert self.accepted()
            self._answer = self._accepted.result().get_result_async()
        return self._answer

    def cancel(self) -> None:
        """Ask for its cancellation, once it is accepted."""
        assert self.accepted()
        self._accepted.result().cancel_goal_async()

    def result(self) -> tuple[str, Any]:
        """Wait for the result; returns how it ended, and what the node says."""
        future = self.fetch()
        self._client.wait(future.done, 'the result of a goal')
        answer = future.result()
        endings = {
            GoalStatus.STATUS_SUCCEEDED: 'succeeded',
            GoalStatus.STATUS_ABORTED: 'aborted',
            GoalStatus.STATUS_CANCELED: 'canceled',
        }
        return endings[answer.status], answer.result


class Client:
    """A node that talks to one grounding node, from the thread that calls it.

    Args:
        namespace: of both.
        images_type: of the messages on the topic of camera images.
    """

    image = staticmethod(image)
    header = staticmethod(header)
    image_message = staticmethod(image_message)

    def __init__(self, namespace: str, images_type: type = Image) -> None:
        self.namespace = namespace
        self._images_type = images_type
        self.statuses: list[DemonstrationStatus] = []
        self.affordances: list[Affordance] = []
        self.diagnostics: list[DiagnosticArray] = []
        self._open()

    def _open(self) -> None:
        self.context = rclpy.Context()
        rclpy.init(context=self.context)
        self.node = rclpy.create_node('client', namespace=self.namespace, context=self.context)
        self._executor = SingleThreadedExecutor(context=self.context)
        self._executor.add_node(self.node)
        self.grounding = GroundingClient(self.node, until=self._until)
        self.node.create_subscription(
            DemonstrationStatus, 'demonstration_status', self.statuses.append, LATCHED
        )
        self.node.create_subscription(DiagnosticArray, '/diagnostics', self._diagnosed, 10)
        self.listen()
        self.images = self.node.create_publisher(self._images_type, 'image', 10)
        self.frames = self.node.create_publisher(Image, 'demonstration', 100)

    def listen(self) -> None:
        self._listener = self.node.create_subscription(
            Affordance, 'affordance', self.affordances.append, 100
        )

    def listen_no_more(self) -> None:
        self.node.destroy_subscription(self._listener)

    def close(self) -> None:
        self._executor.shutdown()
        self.node.destroy_node()
        rclpy.shutdown(context=self.context)

    def spin(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            self._executor.spin_once(timeout_sec=left)

    def wait(self, condition: Callable[[], Any], what: str) -> Any:
        """Spin until a condition holds; returns what it gave."""
        return wait_until(condition, what, lambda: self._executor.spin_once(timeout_sec=0.05))

    def hold(self, condition: Callable[[], Any], seconds: float) -> Any:
        """Spin until a condition holds, or time is up; returns what it gave last."""
        end = time.monotonic() + seconds
        while not (result := condition()) and time.monotonic() < end:
            self._executor.spin_once(timeout_sec=0.05)
        return result

    def _until(self, condition: Callable[[], object], seconds: float) -> str:
        return '' if self.hold(condition, min(seconds, PATIENCE)) else f'{seconds:g} s have passed'

    def call(self, service: str, /, **fields: Any) -> Any:
        """Call a service of the grounding node, once more where the answer is lost."""
        try:
            return self.grounding.call(service, LOSS, **fields)
        except NoAnswerError:
            return self.grounding.call(service, PATIENCE, **fields)

    def send_goal(self, action: str, /, **fields: Any) -> Goal:
        """Send a goal to an action of the grounding node."""
        client = self.grounding.actions[action]
        self.wait(client.server_is_ready, f'action {action}')
        return Goal(self, client, ACTIONS[action].Goal(**fields))

    def change_state(self, transition: int) -> bool:
        """Whether the node makes a transition."""
        try:
            self.grounding.change_state(transition)
        except GoalRefusedError:
            return False
        return True

    def state(self) -> str:
        return self.call('get_state').current_state.label

    def bring_up(self) -> None:
        """Configure and activate the node, and find its topics."""
        assert self.change_state(Transition.TRANSITION_CONFIGURE)
        assert self.change_state(Transition.TRANSITION_ACTIVATE)
        self.connect()

    def connect(self) -> None:
        """See that the node of an active session and this one have found each other.

        Of two processes that begin at the same time, Fast DDS may let one never learn of the
        other's first topics; only a new participant helps, with or without this package.
        """
        if not self.hold(lambda: self.statuses, LOSS):
            self.close()
            self._open()
            self.wait(lambda: self.statuses, 'the latched status')
        self.wait(self.images.get_subscription_count, 'the subscription to image')
        self.wait(self.frames.get_subscription_count, 'the subscription to demonstration')

    def start(self, name: str = '') -> Any:
        return self.call('start_demonstration', name=name)

    def finish(self) -> Any:
        return self.call('finish_demonstration')

    def load(self, path: Path | str, name: str = '') -> Any:
        return self.call('load_demonstration', path=str(path), name=name)

    def select(self, name: str) -> Any:
        return self.call('select_demonstration', name=name)

    def delete(self, name: str) -> Any:
        return self.call('delete_demonstration', name=name)

    def first_frame(self, name: str = '', *, last: bool = False) -> Any:
        return self.call('get_demonstration_frame', name=name, last=last)

    def mark(self, name: str, x: float, y: float) -> Any:
        return self.call('mark_contact', name=name, x=float(x), y=float(y))

    def choose(self, name: str, candidate: int) -> Any:
        return self.call('mark_contact', name=name, candidate=candidate)

    def unmark(self, name: str) -> Any:
        return self.call('mark_contact', name=name, remove=True)

    def list(self) -> Any:
        return self.call('list_demonstrations')

    def set_parameter(self, name: str, value: Any) -> SetParametersResult:
        message = Parameter(name, value=value).to_parameter_msg()
        return self.call('set_parameters', parameters=[message]).results[0]

    def get_parameter(self, name: str) -> Any:
        return parameter_value_to_python(self.call('get_parameters', names=[name]).values[0])

    def told(
        self, name: str, text: str, act: Callable[[], Any] = lambda: None, pause: float = 0.1
    ) -> dict[str, str]:
        """Wait until the node tells a text on /diagnostics; `act` is repeated meanwhile."""
        self.diagnostics.clear()

        def found() -> dict[str, str] | None:
            act()
            self.spin(pause)
            values = [self.status_values(one, name) for one in self.diagnostics]
            return next((one for one in values if text in one['message']), None)

        return self.wait(found, f'{text!r} about {name} on /diagnostics')

    def _diagnosed(self, diagnostics: DiagnosticArray) -> None:
        if diagnostics.status and diagnostics.status[0].hardware_id == self._grounding_name:
            self.diagnostics.append(diagnostics)

    @property
    def _grounding_name(self) -> str:
        return f'{self.node.get_namespace().rstrip("/")}/grounding'

    def status_values(self, diagnostics: DiagnosticArray, name: str) -> dict[str, str]:
        """Values of one status of the grounding node, with its `message`."""
        full_name = f'{self._grounding_name}: {name}'
        status = next(s for s in diagnostics.status if s.name == full_name)
        return {'message': status.message, **{v.key: v.value for v in status.values}}

    def send_frames(self, count: int) -> None:
        """Send frames of a recording and wait until the node has counted them."""
        for number in range(count):
            self.send_frame(image_message(number, 'demonstrator'), number + 1)

    def send_frame(self, frame: Image, count: int) -> None:
        """Send a frame and wait until the node has counted so many."""

        def counted() -> bool:
            status = self.statuses[-1] if self.statuses else DemonstrationStatus()
            return status.state == DemonstrationStatus.RECORDING and status.frames >= count

        self._send(self.frames, frame, counted, f'{count} frames in the status')

    def record(self, name: str, count: int = 3) -> Any:
        """Record a demonstration; returns the answer of finish."""
        answer = self.start(name)
        assert answer.success, answer.message
        self.send_frames(count)
        answer = self.finish()
        assert answer.success, answer.message
        return answer

    def ground(self, message: Image) -> Affordance:
        """Send an image and wait for the affordance with its stamp."""
        before = len(self.affordances)

        def arrived() -> Affordance | None:
            return next((a for a in self.affordances[before:] if a.header == message.header), None)

        return self._send(self.images, message, arrived, 'an affordance')

    def _send(self, publisher: Any, message: Any, condition: Callable[[], Any], what: str) -> Any:
        """Send a message and wait until a condition holds; send it again if it was lost."""
        sent = -LOSS

        def holds() -> Any:
            nonlocal sent
            if time.monotonic() > sent + LOSS:
                sent = time.monotonic()
                publisher.publish(message)
            return condition()

        return self.wait(holds, what)

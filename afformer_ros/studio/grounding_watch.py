# SPDX-License-Identifier: Apache-2.0
"""The state of a grounding node for the pages of a studio."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from enum import Enum
from typing import Any

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from rclpy.callback_groups import MutuallyExclusiveCallbackGroup
from rclpy.node import Node
from rclpy.qos import QoSDurabilityPolicy, QoSProfile
from sensor_msgs.msg import Image

from afformer_ros.client import GroundingClient, NoAnswerError
from afformer_ros.msg import Affordance, DemonstrationStatus
from afformer_ros.topic_subscription import IMAGE_KINDS, InputQuality, TopicSubscription

_LATCHED = QoSProfile(depth=1, durability=QoSDurabilityPolicy.TRANSIENT_LOCAL)
_POLL_PERIOD = 1.0
# Seconds for the answer to a request of the state.
_STATE_PATIENCE = 3.0
# Seconds for any other answer.
PATIENCE = 15.0
# Seconds after which demonstrations are listed again: nodes of one store share them.
_LIST_PERIOD = 5.0


class NodeState(Enum):
    """States of a grounding node; the last three are those of its lifecycle."""

    UNKNOWN = 'unknown'
    ABSENT = 'absent'
    SILENT = 'silent'
    UNCONFIGURED = 'unconfigured'
    INACTIVE = 'inactive'
    ACTIVE = 'active'


class GroundingWatch:
    """The messages and answers of a grounding node, updated while a page shows them.

    There are no subscriptions while no page is shown, so that a `lazy` node stays idle.

    Args:
        node: node that subscribes.
        client: client of the grounding node.

    Attributes:
        state: its state.
        status: its last `demonstration_status`; None before the first one.
        names: its demonstrations, in order of creation.
        selected: the selected demonstrations.
        affordance: its last result; None before the first one.
        arrival: arrival of that result, seconds of the monotonic clock.
        overlay: its last overlay; None before the first one.
        diagnostics: the last statuses of its components, the most important first.
        camera_image: the last image of the topic from which it records; None before the first.
    """

    def __init__(self, node: Node, client: GroundingClient) -> None:
        self._node = node
        self._client = client
        self._viewers = 0
        self._subscriptions: list[Any] = []
        self._overlays: TopicSubscription | None = None
        self._camera: TopicSubscription | None = None
        self._camera_topic = ''
        self._task: asyncio.Task[None] | None = None
        self.camera_image: Any = None
        self._forget(NodeState.UNKNOWN)

    def _forget(self, state: NodeState) -> None:
        self.state = state
        self.status: DemonstrationStatus | None = None
        self.names: tuple[str, ...] = ()
        self.selected: tuple[str, ...] = ()
        self.affordance: Affordance | None = None
        self.arrival = 0.0
        self.overlay: Image | None = None
        self.diagnostics: tuple[DiagnosticStatus, ...] = ()

    @property
    def model(self) -> str:
        """The model folder of the node, or the name of the shipped model; empty if not known."""
        return _value(self.diagnostics, 'grounding', 'model')

    def begin(self) -> None:
        """Register a page that shows the node."""
        self._viewers += 1
        if self._viewers == 1:
            self._subscribe()
            self._task = asyncio.get_running_loop().create_task(self._poll())

    def end(self) -> None:
        """Unregister a page that no longer shows it."""
        self._viewers -= 1
        if not self._viewers:
            self.close()

    def close(self) -> None:
        """End all subscriptions."""
        if self._task is not None:
            self._task.cancel()
            self._task = None
        for subscription in self._subscriptions:
            self._node.destroy_subscription(subscription)
        self._subscriptions.clear()
        if self._overlays is not None:
            self._overlays.destroy()
            self._overlays = None
        self._follow_camera('')
        self._forget(NodeState.UNKNOWN)

    async def list_demonstrations(self) -> None:
        """Request the list of demonstrations.

        Raises:
            NoAnswerError: the node is missing, or does not answer.
        """
        answer = await asyncio.to_thread(self._client.call, 'list_demonstrations', PATIENCE)
        self.names = tuple(answer.names)
        self.selected = tuple(answer.selected.split('+')) if answer.selected else ()

    def _subscribe(self) -> None:
        node = self._node
        self._subscriptions = [
            node.create_subscription(
                DemonstrationStatus, 'demonstration_status', self._take_status, _LATCHED
            ),
            node.create_subscription(Affordance, 'affordance', self._take_affordance, 5),
            node.create_subscription(DiagnosticArray, '/diagnostics', self._take_diagnostics, 10),
        ]
        self._overlays = self._images('overlay', 'raw', self._take_overlay)

    def _images(self, topic: str, kind: str, take: Callable[[Any], None]) -> TopicSubscription:
        quality = InputQuality(QoSProfile(depth=1), follows_publishers=True)
        group = MutuallyExclusiveCallbackGroup()
        return TopicSubscription(self._node, topic, IMAGE_KINDS[kind], quality, take, group)

    async def _poll(self) -> None:
        """Request the state, and the demonstrations if they may have changed."""
        listed, known = 0.0, None
        while True:
            self._set(await self._asked_state())
            self._follow_camera(_value(self.diagnostics, 'demonstration', 'topic'))
            changed = known is not self.status and not is_recording(self.status)
            late = time.monotonic() - listed > _LIST_PERIOD
            if self.state in (NodeState.INACTIVE, NodeState.ACTIVE) and (changed or late):
                known, listed = self.status, time.monotonic()
                try:
                    await self.list_demonstrations()
                except NoAnswerError:
                    # The next answer contains the state.
                    listed = 0.0
            await asyncio.sleep(_POLL_PERIOD)

    def _set(self, state: NodeState) -> None:
        if state is NodeState.ABSENT and self.state is not state:
            # A page must not show the results of a node that has ended.
            self._forget(state)
        self.state = state

    async def _asked_state(self) -> NodeState:
        if not self._client.is_there():
            return NodeState.ABSENT
        try:
            label = await asyncio.to_thread(self._client.state, _STATE_PATIENCE)
        except NoAnswerError:
            return NodeState.SILENT if self._client.is_there() else NodeState.ABSENT
        return next((state for state in NodeState if state.value == label), NodeState.SILENT)

    def _take_status(self, message: DemonstrationStatus) -> None:
        self.status = message

    def _follow_camera(self, topic: str) -> None:
        """Subscribe to the images of a topic instead of the current one; empty: to none."""
        if topic == self._camera_topic:
            return
        if self._camera is not None:
            self._camera.destroy()
        self._camera, self._camera_topic, self.camera_image = None, topic, None
        if topic:
            self._camera = self._images(topic, 'auto', self._take_camera_image)

    def _take_camera_image(self, message: Any) -> None:
        self.camera_image = message

    def _take_affordance(self, message: Affordance) -> None:
        self.affordance, self.arrival = message, time.monotonic()

    def _take_overlay(self, message: Image) -> None:
        self.overlay = message

    def _take_diagnostics(self, message: DiagnosticArray) -> None:
        own = tuple(status for status in message.status if status.hardware_id == self._client.name)
        if own:
            self.diagnostics = own


def is_recording(status: DemonstrationStatus | None) -> bool:
    """Check whether a status reports a recording."""
    return status is not None and status.state == DemonstrationStatus.RECORDING


def _value(diagnostics: Sequence[DiagnosticStatus], component: str, key: str) -> str:
    """Return a value of a component of the node; empty if it is not yet known."""
    for status in diagnostics:
        if status.name.endswith(f': {component}'):
            values = {value.key: value.value for value in status.values}
            return str(values.get(key, ''))
    return ''

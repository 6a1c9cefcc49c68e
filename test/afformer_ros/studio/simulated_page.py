# SPDX-License-Identifier: Apache-2.0
"""The tab of a robot in a page without a browser, and a stand-in for the client of its node."""

from __future__ import annotations

import asyncio
import functools
import threading
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from afformer_ros.msg import ActionScore, Affordance, AffordancePoint, DemonstrationStatus
from afformer_ros.srv import GetDemonstrationFrame, ListDemonstrations
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue

pytest.importorskip('nicegui', reason="nicegui is not installed; pip install '.[studio]'")

from nicegui import ui
from nicegui.testing.user_interaction import UserInteraction
from nicegui.testing.user_simulation import user_simulation

from afformer_core.studio.teaching.models import Models
from afformer_ros.client import GoalRefusedError, NoAnswerError
from afformer_ros.studio.robot_tab import RobotTab
from test.afformer_core.studio.conftest import run


class StandInClient:
    """A client that answers at once as a test says, and keeps what was requested.

    Attributes:
        label: state of the node; '': there is no node; 'silent': it does not answer.
        names, selected: demonstrations of the node.
        frame: answer of `~/get_demonstration_frame`; None: none.
        refusal: why the node refuses requests; '': it does not.
        requests: services, actions and transitions with their fields, besides those that read.
        goals: callbacks for the feedback of the open goals.
        ending: set by a test to end the open goal.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.label = 'active'
        self.names, self.selected = ['turn', 'press', 'pull'], 'press'
        self.frame: GetDemonstrationFrame.Response | None = GetDemonstrationFrame.Response()
        self.refusal = ''
        self.requests: list[tuple[Any, ...]] = []
        self.goals: dict[str, Any] = {}
        self.ending = threading.Event()

    def close(self) -> None:
        self.ending.set()

    def is_there(self) -> bool:
        return bool(self.label)

    def state(self, seconds: float) -> str:
        if self.label == 'silent':
            raise NoAnswerError('the node does not answer get_state')
        return self.label

    def call(self, service: str, seconds: float, **fields: Any) -> Any:
        if service == 'list_demonstrations':
            return ListDemonstrations.Response(names=self.names, selected=self.selected)
        if service == 'get_demonstration_frame':
            if self.frame is None:
                raise NoAnswerError(f'the node does not answer {service}')
            self.frame.name = fields['name']
            return self.frame
        self.requests.append(('call', service, fields))
        return None

    def succeed(self, service: str, seconds: float, **fields: Any) -> None:
        self.requests.append((service, fields))
        if self.refusal:
            raise GoalRefusedError(self.refusal)

    def change_state(self, transition: int) -> None:
        self.requests.append(('change_state', transition))

    def use_model(self, folder: str) -> None:
        self.requests.append(('use_model', folder))

    def cancel(self, action: str) -> None:
        self.requests.append(('cancel', action))

    def pursue(self, action: str, seconds: Any, told: Any = None, **fields: Any) -> None:
        self.requests.append((action, fields))
        self.goals[action] = told
        self.ending.wait(60.0)
        del self.goals[action]


class SimulatedPage:
    """A page that shows the tab.

    Attributes:
        client: stand-in for the client of the node `/left/grounding`.
        node: ROS node of the studio.
        turns: functions that show and hide the tab, one for each opened page.
        user: simulated user, who sees the last page.
    """

    def __init__(self, models: Path) -> None:
        self.client = StandInClient('/left/grounding')
        self.node: Any = None
        self.turns: list[Any] = []
        self.user: Any = None
        self.tab = RobotTab('left/grounding', Models(models))

    def connect(self, node: Any, name: str, starting: float) -> StandInClient:
        self.node = node
        assert name == self.client.name
        return self.client

    def build(self) -> None:
        self.turns.append(self.tab.build())

    async def open(self) -> None:
        """Open a page, and show its tab."""
        await self.user.open('/')
        with self.user:
            await self.turns[-1](True)

    @property
    def topics(self) -> set[str]:
        """The topics to which the node of the studio subscribes."""
        return {one.topic_name for one in self.node.subscriptions}

    def deliver(self, topic: str, message: Any) -> None:
        """Pass a message to the subscription of a topic, as the executor does."""
        (heard,) = (one for one in self.node.subscriptions if one.topic_name == topic)
        heard.callback(message, *([{}] if topic.endswith(('overlay', 'camera')) else []))

    def diagnose(
        self, name: str = '/left/grounding', topic: str = '/camera', model: str = 'shipped'
    ) -> None:
        """Deliver the diagnostics of a node."""
        rows = (
            ('demonstration', DiagnosticStatus.OK, 'listens', {'hz': '30', 'topic': topic}),
            ('grounding', DiagnosticStatus.ERROR, 'too slow', {'topic': '/no', 'model': model}),
            ('depth', DiagnosticStatus.WARN, 'no depth', {}),
            ('presence', DiagnosticStatus.OK, 'not used: no threshold', {}),
        )
        statuses = [
            DiagnosticStatus(
                level=level,
                name=f'{name}: {component}',
                hardware_id=name,
                message=message,
                values=[KeyValue(key=key, value=value) for key, value in values.items()],
            )
            for component, level, message, values in rows
        ]
        self.deliver('/diagnostics', DiagnosticArray(status=statuses))

    def report(self, **fields: Any) -> None:
        """Deliver a status of the demonstrations."""
        self.deliver('/left/demonstration_status', DemonstrationStatus(**fields))

    def answer(self, **fields: Any) -> None:
        """Deliver a result for `press`."""
        points = [AffordancePoint(u=u, v=v, score=s) for u, v, s in ((31, 12, 0.5), (9, 44, 0.2))]
        actions = [ActionScore(name='pull', score=0.2), ActionScore(name='pick_up', score=0.8)]
        affordance = Affordance(
            found=True,
            presence=0.91,
            presence_threshold=0.4,
            demonstration='press',
            points=points,
            action='pick_up',
            actions=actions,
            **fields,
        )
        self.deliver('/left/affordance', affordance)

    def find(self, label: str, kind: type[Any] = ui.element) -> Any:
        """The one visible element with a label, a text for screen readers or a CSS class."""
        found = [
            one
            for one in self.user.find(kind).elements
            if label in (getattr(one, 'text', ''), *one.classes)
            or label in (one.props.get('aria-label'), one.props.get('label'))
        ]
        assert len(found) == 1, f'{len(found)} elements are {label}'
        return found[0]

    def click(self, label: str) -> None:
        button = self.find(label, ui.button)
        assert button.enabled, f'{label} is disabled'
        self.trigger(button, 'click')

    def trigger(self, element: Any, event: str, **arguments: Any) -> None:
        UserInteraction(self.user, {element}, None).trigger(event, arguments)

    def shows(self, text: str) -> bool:
        try:
            self.user.find(text)
        except AssertionError:
            return bool(self.user.notify.contains(text))
        return True

    async def until(self, condition: Callable[[], Any], what: str) -> None:
        for _ in range(500):
            if condition():
                return
            await asyncio.sleep(0.01)
        pytest.fail(f'timed out waiting for {what}')

    async def sees(self, *texts: str) -> None:
        """Wait until the page shows texts."""
        for text in texts:
            await self.until(lambda text=text: self.shows(text), text)

    async def loses(self, *texts: str) -> None:
        """Wait until the page shows none of some texts."""
        for text in texts:
            await self.until(lambda text=text: not self.shows(text), f'no {text}')

    async def asks(self, *request: Any) -> None:
        """Wait until the page requests something from the node."""
        await self.until(lambda: request in self.client.requests, f'{request}')


def on_page(test: Callable[..., Awaitable[None]]) -> Callable[..., None]:
    """Run a test on the page `simulated`, whose tab is shown."""

    @functools.wraps(test)
    def walked(simulated: SimulatedPage, **fields: Any) -> None:
        async def walk() -> None:
            async with user_simulation(simulated.build) as simulated.user:
                await simulated.open()
                await simulated.sees('is active')
                try:
                    await test(simulated, **fields)
                finally:
                    simulated.client.ending.set()
                    for turn in simulated.turns:
                        await turn(False)
                    await asyncio.to_thread(simulated.tab.close)

        run(walk)

    return walked

# SPDX-License-Identifier: Apache-2.0
"""The tab of a node that answers as a test says, in a page without a browser."""

from __future__ import annotations

import asyncio
import functools
import math
import re
import threading
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import call, create_autospec

import pytest
from afformer_ros.msg import ActionScore, Affordance, AffordancePoint, DemonstrationStatus
from afformer_ros.srv import GetDemonstrationFrame
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue
from lifecycle_msgs.msg import Transition
from sensor_msgs.msg import Image

pytest.importorskip('nicegui', reason="nicegui is not installed; pip install '.[studio]'")

from nicegui import ui
from nicegui.testing.user_interaction import UserInteraction
from nicegui.testing.user_simulation import user_simulation

from afformer_core.messages.image_encoding import jpeg_message
from afformer_core.studio.teaching.models import Models
from afformer_ros.client import GoalRefusedError, GroundingClient, NoAnswerError
from afformer_ros.rclpy_messages import RclpyMessages
from afformer_ros.studio import grounding_link, grounding_watch, robot_view
from afformer_ros.studio.grounding_watch import PATIENCE
from afformer_ros.studio.robot_tab import RobotTab
from test.afformer_core.studio.conftest import run
from test.afformer_ros.grounding_client import header, image, image_message

NODE = '/left/grounding'
FRAME, LIST = 'get_demonstration_frame', 'list_demonstrations'
TOPICS = {'/diagnostics', '/left/affordance', '/left/demonstration_status', '/left/overlay'}
RECORDING = {'state': DemonstrationStatus.RECORDING, 'name': 'new', 'frames': 4}
BUTTONS = {
    name: getattr(Transition, f'TRANSITION_{name.replace(" ", "").upper()}')
    for name in ('Configure', 'Clean up', 'Activate', 'Deactivate')
}


class Page:
    """Pages of a studio that shows the tab; the last one is that of `user`.

    Attributes:
        client: stand-in for the client of the node, which gives `answers` to services and keeps
            goals open until `ending`.
        node: ROS node of the studio.
        turns: functions that show or hide the tab of each page.
    """

    def __init__(self, models: Path) -> None:
        self.tab = RobotTab('left/grounding', Models(models))
        self.turns: list[Any] = []
        self.user: Any = None
        self.node: Any = None
        self.ending = threading.Event()
        self.answers: dict[str, Any] = {}
        self.offer('turn', 'press', 'pull', selected='press')
        self.client = create_autospec(GroundingClient, instance=True, goals={})
        self.client.name = NODE
        self.client.call.side_effect = self._answer
        self.client.pursue.side_effect = self._pursue
        self.enter('active')

    def _answer(self, service: str, seconds: float, **fields: Any) -> Any:
        answer = self.answers.get(service, GetDemonstrationFrame.Response())
        if answer is None:
            raise NoAnswerError(f'the node does not answer {service}')
        answer.name = fields.get('name', '')
        return answer

    def _pursue(self, action: str, seconds: Any, told: Any = None, **fields: Any) -> None:
        self.client.goals[action] = told
        self.ending.wait(60.0)
        del self.client.goals[action]

    def connect(self, node: Any, name: str, starting: float) -> Any:
        self.node = node
        assert name == NODE
        return self.client

    def enter(self, label: str) -> None:
        """Let the node be in a state, hang for 'silent', or be gone for ''."""
        self.client.is_there.return_value = bool(label)
        hangs = NoAnswerError('no answer') if label == 'silent' else None
        self.client.state.configure_mock(return_value=label, side_effect=hangs)

    def offer(self, *names: str, selected: str = '') -> None:
        """Let the node have demonstrations."""
        self.answers[LIST] = SimpleNamespace(names=names, selected=selected)

    async def open(self) -> None:
        await self.user.open('/')
        with self.user:
            await self.turns[-1](True)
        await self.sees('is active')

    @property
    def topics(self) -> set[str]:
        return {one.topic_name for one in self.node.subscriptions}

    def deliver(self, topic: str, message: Any) -> None:
        """Pass a message to the subscription of a topic, as the executor does."""
        (heard,) = (one for one in self.node.subscriptions if one.topic_name == topic)
        heard.callback(message, *([{}] if topic.endswith(('overlay', 'camera')) else []))

    def diagnose(self, name: str = NODE, topic: str = '/camera', model: str = 'shipped') -> None:
        array = DiagnosticArray()
        for component, level, message, values in (
            ('demonstration', DiagnosticStatus.OK, 'listens', {'hz': '30', 'topic': topic}),
            ('grounding', DiagnosticStatus.ERROR, 'too slow', {'topic': '/no', 'model': model}),
            ('depth', DiagnosticStatus.WARN, 'no depth', {}),
            ('presence', DiagnosticStatus.OK, 'not used: no threshold', {}),
        ):
            pairs = [KeyValue(key=key, value=value) for key, value in values.items()]
            status = DiagnosticStatus(level=level, message=message, values=pairs)
            status.name, status.hardware_id = f'{name}: {component}', name
            array.status.append(status)
        self.deliver('/diagnostics', array)

    def report(self, **fields: Any) -> None:
        self.deliver('/left/demonstration_status', DemonstrationStatus(**fields))

    def answer(self, **fields: Any) -> None:
        points = [AffordancePoint(u=u, v=v, score=s) for u, v, s in ((31, 12, 0.5), (9, 44, 0.2))]
        actions = [ActionScore(name='pull', score=0.2), ActionScore(name='pick_up', score=0.8)]
        fields |= {'points': points, 'actions': actions, 'action': 'pick_up', 'found': True}
        known = {'demonstration': 'press', 'presence': 0.91, 'presence_threshold': 0.4}
        self.deliver('/left/affordance', Affordance(**known, **fields))

    def find(self, label: str, kind: type[Any] = ui.element) -> Any:
        """The one visible element with a label, a text, one for screen readers, or a class."""
        found = [
            one
            for one in self.user.find(kind).elements
            if label in (getattr(one, 'text', ''), *one.classes)
            or label in (one.props.get('aria-label'), one.props.get('label'))
        ]
        assert len(found) == 1, f'{len(found)} elements are {label}'
        return found[0]

    def rows(self, label: str) -> list[list[Any]]:
        return [row.default_slot.children for row in self.find(label).default_slot.children]

    def enabled(self, *labels: str) -> tuple[bool, ...]:
        return tuple(self.find(label, ui.button).enabled for label in labels)

    async def click(self, label: str, *requests: Any) -> None:
        """Press a button, and wait for what it requests."""
        await self.until(lambda: self.enabled(label) == (True,), label)
        self.trigger(self.find(label, ui.button), 'click')
        await self.asks(*requests)

    def trigger(self, element: Any, event: str, **arguments: Any) -> None:
        UserInteraction(self.user, {element}, None).trigger(event, arguments)

    def shows(self, text: str) -> bool:
        try:
            return bool(self.user.find(text))
        except AssertionError:
            return bool(self.user.notify.contains(text))

    async def until(self, condition: Callable[[], Any], what: str) -> None:
        for _ in range(2000):
            if condition():
                return
            await asyncio.sleep(0.01)
        pytest.fail(f'timed out waiting for {what}')

    async def sees(self, *texts: str) -> None:
        for text in texts:
            await self.until(functools.partial(self.shows, text), text)

    async def loses(self, *texts: str) -> None:
        await self.until(lambda: not any(map(self.shows, texts)), f'the end of {texts}')

    async def asks(self, *requests: Any) -> None:
        for one in requests:
            await self.until(lambda one=one: one in self.client.mock_calls, f'{one}')


@pytest.fixture
def page(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Page:
    """Pages of a studio with the models `carved` and `taught`."""
    for name in ('taught', 'carved'):
        (tmp_path / name).mkdir()
        (tmp_path / name / 'model.json').touch()
    made = Page(tmp_path)
    monkeypatch.setattr(grounding_watch, '_POLL_PERIOD', 0.02)
    monkeypatch.setattr(robot_view, '_PERIOD', 0.02)
    monkeypatch.setattr(grounding_link, 'GroundingClient', made.connect)
    return made


def on_page(test: Callable[..., Awaitable[None]]) -> Callable[..., None]:
    """Run a test with an open page."""

    @functools.wraps(test)
    def walked(page: Page, **fields: Any) -> None:
        async def walk() -> None:
            async with user_simulation(lambda: page.turns.append(page.tab.build())) as page.user:
                await page.open()
                try:
                    await test(page, **fields)
                finally:
                    page.ending.set()
                    for turn in page.turns:
                        await turn(False)
                    await asyncio.to_thread(page.tab.close)

        run(walk)

    return walked


def test_a_name_that_no_node_can_have_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"the node is 'left grounding'; expected a name such"):
        RobotTab('left grounding', Models(tmp_path))


@on_page
async def test_the_page_follows_the_state_of_the_node(page: Page) -> None:
    for label, told, buttons in (
        ('', f'No node {NODE} is running', ()),
        ('unconfigured', 'is not configured', ('Configure',)),
        ('inactive', 'is not active', ('Clean up', 'Activate')),
        ('silent', f'{NODE} does not answer', ()),
        ('active', 'is active', ('Deactivate',)),
    ):
        page.enter(label)
        await page.sees(told, 'check_circle' if label == 'active' else 'warning', *buttons)
        await page.loses(*BUTTONS.keys() - buttons)
        assert page.shows('Demonstrations') == bool(label)
        for button in buttons:
            await page.click(button, call.change_state(BUTTONS[button]))


@on_page
async def test_nothing_is_shown_of_a_node_that_has_ended(
    page: Page, monkeypatch: pytest.MonkeyPatch
) -> None:
    page.answer(certainty=0.41, certainty_threshold=0.63)
    page.diagnose('/right/grounding')
    page.diagnose()
    page.diagnose('/right/grounding', model='/models/other')
    page.report(message='pull was deleted', selected='press')
    shown = 'Pick up at x 31, y 12 pixels, score 0.50.', 'pull was deleted', 'Not sure which part'
    await page.sees(*shown, 'In view: presence 0.91, at least 0.40', 'press (grounded)')
    assert [(icon.name, label.text) for icon, _, label in page.rows('diagnostics')] == [
        ('check_circle', 'demonstration, fine: listens'),
        ('error', 'grounding, error: too slow'),
        ('warning', 'depth, warning: no depth'),
        ('remove', 'presence, idle: not used: no threshold'),
    ]
    assert page.find('Model', ui.select).value == 'shipped'
    assert not page.shows('No result for')
    clock = SimpleNamespace(monotonic=lambda: time.monotonic() + 61)
    monkeypatch.setattr(robot_view, 'time', clock)
    await page.sees('No result for 61 s')
    # A node that hangs may come back with the same results.
    page.enter('silent')
    await page.sees('does not answer', *shown)
    page.enter('')
    await page.sees('No node')
    page.enter('active')
    page.offer()
    await page.sees('No result yet', 'None yet. Record one')
    await page.loses(*shown, 'press (grounded)')


@on_page
async def test_the_studio_subscribes_while_any_page_shows_the_tab(page: Page) -> None:
    assert page.topics == TOPICS
    for camera in ('/camera', '/wrist/camera'):
        page.diagnose(topic=camera)
        await page.until(lambda: page.topics == TOPICS | {camera}, camera)  # noqa: B023
    await page.open()
    for _ in range(2):
        await page.turns[0](False)
    assert page.topics == TOPICS | {'/wrist/camera'}
    await page.turns[1](False)
    assert page.topics == set()
    await page.turns[1](True)
    assert page.topics == TOPICS


def frame(marked: bool = False, **candidates: list[float]) -> GetDemonstrationFrame.Response:
    """A first frame of 64x48."""
    encoded = jpeg_message(RclpyMessages(), image(1), header(1))
    fields = {'success': True, 'marked': marked, 'x': 41.0, 'y': 7.0, 'frame': encoded}
    return GetDemonstrationFrame.Response(**fields, **candidates)


@on_page
async def test_marks_and_clicks_are_in_the_middle_of_their_pixels(page: Page) -> None:
    page.answers[FRAME] = frame(candidate_x=[50.0, 12.0], candidate_y=[21.0, 30.0])
    # Of another demonstration that had the same name.
    page.answer(unsure=True)
    page.report(selected='press')
    await page.sees('press: the model finds the operated part')
    drawn = page.find('first-frame').content
    # The upper and the right corner tell the centre; each is drawn twice.
    corners = re.findall(r'points="([\d.]+),[\d.]+ [\d.]+,([\d.]+)', drawn)
    assert corners[::2] == [('50.50', '21.50'), ('12.50', '30.50')]
    assert ('circle' in drawn, page.shows('Unmark')) == (False, False)
    page.answer(unsure=True)
    await page.sees('press: which part? Tap one of the numbered parts')
    page.answers[FRAME] = frame(marked=True)
    page.report(selected='press')
    await page.sees('press is marked at 41, 7 pixels')
    circles = re.findall(r'cx="(.+?)" cy="(.+?)" r="(.+?)"', page.find('first-frame').content)
    assert circles == 2 * [('41.50', '7.50', '1.07')]
    await page.click('Unmark', call.succeed('mark_contact', PATIENCE, name='press', remove=True))
    for corner, (x, y) in (
        ((41.75, 7.25), (41.25, 6.75)),
        ((0.25, 47.75), (0.0, 47.0)),
        ((63.75, 0.25), (63.0, 0.0)),
    ):
        page.trigger(page.find('first-frame'), 'mouse', image_x=corner[0], image_y=corner[1])
        await page.asks(call.succeed('mark_contact', PATIENCE, name='press', x=x, y=y))


@on_page
async def test_without_one_readable_demonstration_nothing_is_marked(page: Page) -> None:
    page.answers[FRAME] = None
    page.report(selected='press')
    await page.sees('the node does not answer get_demonstration_frame')
    # It is read again.
    page.answers[FRAME] = frame(marked=True)
    await page.sees('press is marked', 'Unmark')
    # Not before the recording ends.
    page.report(**RECORDING, selected='')
    await page.sees("Recording 'new'", 'Unmark')
    page.answers[FRAME] = GetDemonstrationFrame.Response(message='pull has no frame')
    for selected, told in (
        ('', 'Select one'),
        ('pull', 'pull has no frame'),
        ('press+pull', 'Select one'),
    ):
        page.report(selected=selected)
        await page.sees(told)
        await page.loses('Unmark')


@on_page
async def test_the_model_of_the_node_is_shown_and_another_one_used(
    page: Page, tmp_path: Path
) -> None:
    choice = page.find('Model', ui.select)
    assert choice.options == ['shipped', 'carved', 'taught']
    models = {str(tmp_path / 'taught'): 'taught', '/elsewhere': None, 'shipped': 'shipped'}
    for model, name in models.items():
        page.diagnose(model=model)
        await page.until(lambda: choice.value == name, model)  # noqa: B023
        assert page.enabled('Use this model') == (bool(name),)
    for name, folder in (('carved', str(tmp_path / 'carved')), ('shipped', '')):
        choice.value = name
        await page.click('Use this model', call.use_model(folder))
        await page.sees(f'{NODE} uses {name}.')


@on_page
async def test_demonstrations_are_listed_selected_together_left_out_and_deleted(
    page: Page, monkeypatch: pytest.MonkeyPatch
) -> None:
    select = functools.partial(call.succeed, 'select_demonstration', PATIENCE)
    await page.sees('press (grounded)')
    names = [label.text for _, label, *_ in page.rows('demonstrations')]
    assert names == ['turn', 'press (grounded)', 'pull']
    assert not page.shows('Leave out')
    await page.click('Ground turn as well', select(name='press+turn'))
    page.offer('turn', 'press', 'pull', selected='press+turn')
    await page.click('Select pull alone', select(name='pull'))
    await page.sees('turn (grounded)')
    await page.click('Leave press out', select(name='turn'))
    await page.click('Delete pull')
    await page.sees("Delete 'pull' from the robot?")
    await page.click('Keep')
    await page.click('Delete turn')
    await page.sees("Delete 'turn' from the robot?")
    page.client.succeed.side_effect = GoalRefusedError("'turn' is being recorded")
    await page.click('Delete')
    await page.sees("'turn' is being recorded")
    deleted = [one for one in page.client.mock_calls if 'delete_demonstration' in one.args]
    assert deleted == [call.succeed('delete_demonstration', PATIENCE, name='turn')]
    monkeypatch.setattr(grounding_watch, '_LIST_PERIOD', 60.0)
    page.answers[LIST] = None
    page.report(message='one was recorded')
    await asyncio.sleep(0.1)
    # The list is requested until there is an answer, and then again.
    page.offer('slide')
    await page.sees('slide')
    page.offer('lift')
    monkeypatch.setattr(grounding_watch, '_LIST_PERIOD', 0.1)
    await page.sees('lift')


@on_page
async def test_a_recording_begins_after_a_countdown_and_is_finished_or_canceled(
    page: Page, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def until(*expected: bool) -> None:
        labels = 'Record (R)', 'Finish (F)', 'Cancel'
        await page.until(lambda: page.enabled(*labels) == expected, f'{expected}')

    def press(key: str, action: str = 'keydown', repeat: bool = False) -> None:
        (keys,) = page.user.find(ui.keyboard).elements
        other = dict.fromkeys(('altKey', 'ctrlKey', 'metaKey', 'shiftKey', 'code', 'location'), '')
        page.trigger(keys, 'key', action=action, key=key, repeat=repeat, **other)

    ticks = [asyncio.Event() for _ in range(4)]
    seconds = map(asyncio.Event.wait, ticks)
    clock = SimpleNamespace(sleep=lambda _: next(seconds), to_thread=asyncio.to_thread)
    monkeypatch.setattr('afformer_ros.studio.demonstration_controls.asyncio', clock)
    await page.turns[0](False)
    press('r')
    await page.turns[0](True)
    press('f')
    press('r', repeat=True)
    await page.click('Record (R)')
    await page.sees('Recording begins in 3 s.', '3')
    await until(False, False, True)
    await page.click('Cancel')
    await until(True, False, False)
    page.find('Name (empty: the node chooses)', ui.input).value = ' new '
    press('r')
    for left, tick in zip((3, 3, 2, 1), ticks, strict=True):
        await page.sees(f'Recording begins in {left} s.')
        tick.set()
    await page.asks(call.pursue('record_demonstration', None, name='new'))
    page.report(**RECORDING)
    await page.sees("Recording 'new': 4 frames, 0.0 s.")
    await until(False, True, True)
    press('r')
    await page.click('Cancel', call.cancel('record_demonstration'))
    press('f')
    await page.asks(call.call('finish_demonstration', PATIENCE))
    page.ending.set()
    # Another client records, whose goal this one cannot cancel.
    await until(False, True, False)
    await page.click('Finish (F)', call.succeed('finish_demonstration', PATIENCE))
    assert page.client.pursue.call_count == 1
    page.report(message='new is selected')
    await page.sees('new is selected')
    page.enter('inactive')
    await until(False, False, False)


@on_page
async def test_a_file_is_loaded_with_its_progress(page: Page) -> None:
    await page.click('Load')
    await asyncio.sleep(0.1)
    assert page.client.pursue.call_count == 0
    page.find('Path there: a video, a bag or a folder of images').value = ' /a.mp4 '
    await page.click('Load')
    await page.until(lambda: page.client.goals, 'a goal')
    assert page.client.pursue.call_args.kwargs == {'path': '/a.mp4', 'name': ''}
    for progress, told in ((math.nan, '7 frames are read'), (0.25, '7 frames are read, 25 %')):
        feedback = SimpleNamespace(progress=progress, frames=7)
        page.client.goals['load_demonstration'](feedback)
        await page.sees(told)
    assert page.enabled('Load', 'Cancel loading') == (False, True)
    await page.click('Cancel loading', call.cancel('load_demonstration'))
    page.ending.set()
    await page.loses('7 frames are read')


@on_page
async def test_the_camera_is_shown_until_there_is_an_overlay(page: Page) -> None:
    await page.sees('No image on the topic demonstration yet.')
    page.diagnose()
    await page.until(lambda: '/camera' in page.topics, 'a subscription')
    page.deliver('/camera', image_message(1, width=1200, height=300))
    await page.loses('No image on the topic demonstration yet.')
    camera, shown = page.find('camera').source, page.find('overlay')
    await page.until(lambda: shown.source, 'the camera')
    # Each is as large as it may be there.
    assert len(shown.source) > 2 * len(camera)
    page.deliver('/left/overlay', image_message(2))
    await page.until(lambda: len(shown.source) < len(camera), 'the overlay')
    assert page.find('camera').source == camera
    page.deliver('/left/overlay', Image(encoding='of the future', width=1, height=1))
    await page.until(lambda: not shown.source, 'no overlay')

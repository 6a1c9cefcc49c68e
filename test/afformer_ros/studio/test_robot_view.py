# SPDX-License-Identifier: Apache-2.0
"""The tab of a node that answers as a test says, in a page without a browser."""

from __future__ import annotations

import asyncio
import re
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from afformer_ros.msg import DemonstrationStatus
from afformer_ros.srv import GetDemonstrationFrame
from lifecycle_msgs.msg import Transition
from nicegui import ui

from afformer_core.messages.image_encoding import jpeg_message
from afformer_core.studio.teaching.models import Models
from afformer_ros.rclpy_messages import RclpyMessages
from afformer_ros.studio import (
    demonstration_controls,
    grounding_link,
    grounding_watch,
    robot_tab,
    robot_view,
)
from test.afformer_ros.grounding_client import header, image, image_message

from .simulated_page import SimulatedPage, on_page

RESULT = 'Pick up at x 31, y 12 pixels, score 0.50.'
BUTTONS = {
    'Configure': Transition.TRANSITION_CONFIGURE,
    'Clean up': Transition.TRANSITION_CLEANUP,
    'Activate': Transition.TRANSITION_ACTIVATE,
    'Deactivate': Transition.TRANSITION_DEACTIVATE,
}


@pytest.fixture
def simulated(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> SimulatedPage:
    """A page, not yet opened, of a studio with the models `carved` and `taught`."""
    for name in ('taught', 'carved'):
        (tmp_path / name).mkdir()
        (tmp_path / name / 'model.json').touch()
    page = SimulatedPage(tmp_path)
    monkeypatch.setattr(grounding_watch, '_POLL_PERIOD', 0.02)
    monkeypatch.setattr(robot_view, '_PERIOD', 0.02)
    monkeypatch.setattr(grounding_link, 'GroundingClient', page.connect)
    return page


def test_a_name_that_no_node_can_have_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"the node is 'left grounding'; expected a name such"):
        robot_tab.RobotTab('left grounding', Models(tmp_path))


@on_page
async def test_the_page_follows_the_state_of_the_node(simulated: SimulatedPage) -> None:
    for label, told, buttons in (
        ('', 'No node /left/grounding is running', ()),
        ('unconfigured', 'is not configured', ('Configure',)),
        ('inactive', 'is not active', ('Clean up', 'Activate')),
        ('silent', '/left/grounding does not answer', ()),
        ('active', 'is active', ('Deactivate',)),
    ):
        simulated.client.label = label
        await simulated.sees(told, 'check_circle' if label == 'active' else 'warning', *buttons)
        await simulated.loses(*set(BUTTONS).difference(buttons))
        assert simulated.shows('Demonstrations') == bool(label)
        for button in buttons:
            await simulated.until(lambda b=button: simulated.find(b, ui.button).enabled, button)
            simulated.click(button)
            await simulated.asks('change_state', BUTTONS[button])


@on_page
async def test_nothing_is_shown_of_a_node_that_has_ended(simulated: SimulatedPage) -> None:
    await simulated.sees('press (grounded)')
    simulated.answer()
    simulated.diagnose()
    simulated.report(message='pull was deleted', selected='press')
    shown = RESULT, 'depth, warning: no depth', 'pull was deleted'
    await simulated.sees(*shown, 'In view: presence 0.91, at least 0.40')
    # A node that hangs may come back with the same results.
    simulated.client.label = 'silent'
    await simulated.sees('does not answer', *shown)
    simulated.client.label = ''
    await simulated.sees('No node /left/grounding is running')
    simulated.client.label, simulated.client.names, simulated.client.selected = 'active', [], ''
    await simulated.sees('No result yet', 'None yet. Record one')
    await simulated.loses(*shown, 'press (grounded)')


@on_page
async def test_the_age_of_a_result_is_shown_when_it_is_old(
    simulated: SimulatedPage, monkeypatch: pytest.MonkeyPatch
) -> None:
    simulated.answer(certainty=0.41, certainty_threshold=0.63)
    await simulated.sees(RESULT, 'Not sure which part: certainty 0.41, at least 0.63')
    await simulated.loses('No result for')
    clock = SimpleNamespace(monotonic=lambda: time.monotonic() + 61)
    monkeypatch.setattr(robot_view, 'time', clock)
    await simulated.sees('No result for 61 s')
    simulated.answer()
    await simulated.loses('Not sure which part')


@on_page
async def test_diagnostics_are_those_of_the_node_in_its_order(simulated: SimulatedPage) -> None:
    simulated.diagnose('/right/grounding')
    simulated.diagnose()
    simulated.diagnose('/right/grounding', model='/models/other')
    await simulated.sees('grounding, error: too slow')
    lines = simulated.find('diagnostics').default_slot.children
    rows = [line.default_slot.children for line in lines]
    assert [(icon.name, label.text) for icon, _, label in rows] == [
        ('check_circle', 'demonstration, fine: listens'),
        ('error', 'grounding, error: too slow'),
        ('warning', 'depth, warning: no depth'),
        ('remove', 'presence, idle: not used: no threshold'),
    ]
    assert simulated.find('Model', ui.select).value == 'shipped'


@on_page
async def test_the_studio_subscribes_while_any_page_shows_the_tab(
    simulated: SimulatedPage,
) -> None:
    topics = {f'/left/{name}' for name in ('affordance', 'demonstration_status', 'overlay')}
    topics |= {'/diagnostics'}
    assert simulated.topics == topics
    for camera in ('/camera', '/wrist/camera'):
        simulated.diagnose(topic=camera)
        expected = topics | {camera}
        await simulated.until(lambda e=expected: simulated.topics == e, camera)
    await simulated.open()
    await simulated.turns[0](False)
    await simulated.turns[0](False)
    assert simulated.topics == expected
    await simulated.turns[1](False)
    assert simulated.topics == set()
    await simulated.turns[1](True)
    assert simulated.topics == topics


def frame(marked: bool = False, candidates: Any = ()) -> GetDemonstrationFrame.Response:
    """The first frame, 64 pixels wide and 48 high."""
    answer = GetDemonstrationFrame.Response(success=True, marked=marked, x=41.0, y=7.0)
    answer.frame = jpeg_message(RclpyMessages(), image(1), header(1))
    answer.candidate_x = [float(x) for x, _ in candidates]
    answer.candidate_y = [float(y) for _, y in candidates]
    return answer


@on_page
async def test_marks_and_candidates_are_drawn_in_the_middle_of_their_pixels(
    simulated: SimulatedPage,
) -> None:
    simulated.client.frame = frame(candidates=[(50, 21), (12, 30)])
    # Of another demonstration that had the same name.
    simulated.answer(unsure=True)
    simulated.report(selected='press')
    await simulated.sees('press: the model finds the operated part')
    drawn = simulated.find('first-frame').content
    # Each is drawn twice; its first corner is the upper one, and its second the right one.
    corners = re.findall(r'points="([\d.]+),[\d.]+ [\d.]+,([\d.]+)', drawn)
    assert corners[::2] == [('50.50', '21.50'), ('12.50', '30.50')]
    assert 'circle' not in drawn
    assert not simulated.shows('Unmark')
    simulated.answer(unsure=True)
    await simulated.sees('press: which part? Tap one of the numbered parts')
    simulated.client.frame = frame(marked=True)
    simulated.report(selected='press')
    await simulated.sees('press is marked at 41, 7 pixels')
    drawn = simulated.find('first-frame').content
    assert re.findall(r'cx="([\d.]+)" cy="([\d.]+)" r="([\d.]+)"', drawn) == 2 * [
        ('41.50', '7.50', '1.07')
    ]
    simulated.click('Unmark')
    await simulated.asks('mark_contact', {'name': 'press', 'remove': True})


@pytest.mark.parametrize(
    ('corner', 'pixel'),
    [((41.75, 7.25), (41.25, 6.75)), ((0.25, 47.75), (0.0, 47.0)), ((63.75, 0.25), (63.0, 0.0))],
)
@on_page
async def test_a_click_marks_a_pixel_of_the_frame(
    simulated: SimulatedPage, corner: tuple[float, float], pixel: tuple[float, float]
) -> None:
    simulated.client.frame = frame()
    simulated.report(selected='press')
    await simulated.sees('press: the model finds the operated part')
    shown = simulated.find('first-frame')
    simulated.trigger(shown, 'mouse', image_x=corner[0], image_y=corner[1])
    await simulated.asks('mark_contact', {'name': 'press', 'x': pixel[0], 'y': pixel[1]})


@on_page
async def test_without_one_readable_demonstration_nothing_is_marked(
    simulated: SimulatedPage,
) -> None:
    simulated.client.frame = None
    simulated.report(selected='press')
    await simulated.sees('the node does not answer get_demonstration_frame')
    # It is read again.
    simulated.client.frame = frame(marked=True)
    await simulated.sees('press is marked', 'Unmark')
    simulated.client.frame = GetDemonstrationFrame.Response(message='pull has no frame')
    simulated.report(selected='pull')
    await simulated.sees('pull has no frame')
    await simulated.loses('Unmark')
    for selected in ('press+pull', ''):
        simulated.client.frame = frame(marked=True)
        simulated.report(selected='press')
        await simulated.sees('Unmark')
        simulated.report(selected=selected)
        await simulated.sees('Select one demonstration alone to mark')
        await simulated.loses('Unmark')


@on_page
async def test_the_model_of_the_node_is_shown_and_another_one_used(
    simulated: SimulatedPage, tmp_path: Path
) -> None:
    choice = simulated.find('Model', ui.select)
    assert choice.options == ['shipped', 'carved', 'taught']
    models = {str(tmp_path / 'taught'): 'taught', '/elsewhere': None, 'shipped': 'shipped'}
    for model, name in models.items():
        simulated.diagnose(model=model)
        await simulated.until(lambda n=name: choice.value == n, f'{name}')
        assert simulated.find('Use this model', ui.button).enabled == bool(name)
    for name, folder in (('carved', str(tmp_path / 'carved')), ('shipped', '')):
        choice.value = name
        simulated.click('Use this model')
        await simulated.asks('use_model', folder)
        await simulated.sees(f'/left/grounding uses {name}.')


@on_page
async def test_demonstrations_are_selected_together_left_out_and_deleted(
    simulated: SimulatedPage,
) -> None:
    await simulated.sees('press (grounded)')
    lines = simulated.find('demonstrations').default_slot.children
    assert [line.default_slot.children[1].text for line in lines] == [
        'turn',
        'press (grounded)',
        'pull',
    ]
    assert not simulated.shows('Leave out')
    simulated.click('Ground turn as well')
    await simulated.asks('select_demonstration', {'name': 'press+turn'})
    simulated.client.selected = 'press+turn'
    simulated.click('Select pull alone')
    await simulated.asks('select_demonstration', {'name': 'pull'})
    await simulated.sees('turn (grounded)')
    simulated.click('Leave press out')
    await simulated.asks('select_demonstration', {'name': 'turn'})
    simulated.click('Delete pull')
    await simulated.sees("Delete 'pull' from the robot?")
    simulated.click('Keep')
    simulated.click('Delete turn')
    await simulated.sees("Delete 'turn' from the robot?")
    simulated.client.refusal = "'turn' is being recorded"
    simulated.click('Delete')
    await simulated.asks('delete_demonstration', {'name': 'turn'})
    assert ('delete_demonstration', {'name': 'pull'}) not in simulated.client.requests
    await simulated.sees("'turn' is being recorded")


@on_page
async def test_demonstrations_of_other_nodes_appear_by_themselves(
    simulated: SimulatedPage, monkeypatch: pytest.MonkeyPatch
) -> None:
    await simulated.sees('pull')
    simulated.client.names.append('slide')
    monkeypatch.setattr(grounding_watch, '_LIST_PERIOD', 0.1)
    await simulated.sees('slide')


RECORDING = {'state': DemonstrationStatus.RECORDING, 'name': 'new', 'frames': 4}


def enabled(simulated: SimulatedPage) -> tuple[bool, ...]:
    """Whether a recording can be started, finished and canceled."""
    labels = ('Record (R)', 'Finish (F)', 'Cancel')
    return tuple(simulated.find(label, ui.button).enabled for label in labels)


@on_page
async def test_a_recording_begins_after_a_countdown_and_is_finished_or_canceled(
    simulated: SimulatedPage, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def until_enabled(*expected: bool) -> None:
        await simulated.until(lambda: enabled(simulated) == expected, f'{expected}')

    simulated.click('Record (R)')
    await simulated.sees('Recording begins in 3 s.', '3')
    await until_enabled(False, False, True)
    simulated.click('Cancel')
    await until_enabled(True, False, False)
    assert not simulated.shows('Recording begins')
    monkeypatch.setattr(demonstration_controls, '_COUNTDOWN', 1)
    simulated.find('Name (empty: the node chooses)', ui.input).value = ' new '
    simulated.click('Record (R)')
    await simulated.asks('record_demonstration', {'name': 'new'})
    simulated.report(**RECORDING)
    await simulated.sees("Recording 'new': 4 frames, 0.0 s.")
    await until_enabled(False, True, True)
    simulated.click('Cancel')
    await simulated.asks('cancel', 'record_demonstration')
    simulated.click('Finish (F)')
    await simulated.asks('call', 'finish_demonstration', {})
    simulated.client.ending.set()
    # Another client records, whose goal this one cannot cancel.
    await until_enabled(False, True, False)
    simulated.click('Finish (F)')
    await simulated.asks('finish_demonstration', {})
    simulated.report(message='new is selected')
    await simulated.sees('new is selected')
    simulated.client.label = 'inactive'
    await until_enabled(False, False, False)


@on_page
async def test_keys_record_while_the_tab_is_shown(simulated: SimulatedPage) -> None:
    def press(key: str, action: str = 'keydown', repeat: bool = False) -> None:
        modifiers = dict.fromkeys(('altKey', 'ctrlKey', 'metaKey', 'shiftKey'), False)
        code = {'key': key, 'code': f'Key{key.upper()}', 'location': 0}
        simulated.trigger(keys, 'key', action=action, repeat=repeat, **code, **modifiers)

    keys = next(iter(simulated.user.find(ui.keyboard).elements))
    simulated.find('Count down from 3', ui.switch).value = False
    await simulated.turns[0](False)
    press('r')
    await simulated.turns[0](True)
    press('f')
    press('r', 'keyup')
    press('r', repeat=True)
    await simulated.until(lambda: enabled(simulated)[0], 'an active node')
    assert simulated.client.requests == []
    press('r')
    await simulated.asks('record_demonstration', {'name': ''})
    simulated.report(**RECORDING)
    await simulated.until(lambda: enabled(simulated)[1], 'the recording')
    press('r')
    press('f')
    await simulated.asks('call', 'finish_demonstration', {})
    assert len(simulated.client.requests) == 2


@on_page
async def test_a_file_is_loaded_with_its_progress(simulated: SimulatedPage) -> None:
    def loads() -> bool:
        return bool(simulated.find('Load', ui.button).enabled)

    simulated.click('Load')
    await asyncio.sleep(0.1)
    path = simulated.find('Path there: a video, a bag or a folder of images', ui.input)
    path.value = ' /a.mp4 '
    simulated.click('Load')
    await simulated.asks('load_demonstration', {'path': '/a.mp4', 'name': ''})
    for progress, told in ((float('nan'), '7 frames are read'), (0.25, '7 frames are read, 25 %')):
        feedback = SimpleNamespace(progress=progress, frames=7)
        await simulated.until(lambda: 'load_demonstration' in simulated.client.goals, 'a goal')
        simulated.client.goals['load_demonstration'](feedback)
        await simulated.sees(told)
    await simulated.until(lambda: not loads(), 'the loading')
    simulated.click('Cancel loading')
    await simulated.asks('cancel', 'load_demonstration')
    simulated.client.ending.set()
    await simulated.loses('7 frames are read')
    assert len(simulated.client.requests) == 2


@on_page
async def test_the_camera_is_shown_until_there_is_an_overlay(simulated: SimulatedPage) -> None:
    await simulated.sees('No image on the topic demonstration yet.')
    simulated.diagnose()
    await simulated.until(lambda: '/camera' in simulated.topics, 'a subscription')
    simulated.deliver('/camera', image_message(1))
    await simulated.loses('No image on the topic demonstration yet.')
    camera = simulated.find('camera').source
    await simulated.until(lambda: simulated.find('overlay').source == camera, 'the camera')
    simulated.deliver('/left/overlay', image_message(2))
    await simulated.until(lambda: simulated.find('overlay').source != camera, 'the overlay')
    assert simulated.find('camera').source == camera

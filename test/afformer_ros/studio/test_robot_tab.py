# SPDX-License-Identifier: Apache-2.0
"""A running grounding node in a browser."""

from __future__ import annotations

import signal
from typing import Any

import pytest

from afformer_ros.studio.words import mark_in_words


def publishes_until(active: Any, shown: Any) -> bool:
    """Publish a frame outside of a recording; return whether the page shows one."""
    active.frames.publish(active.image_message(2))
    active.spin(0.3)
    return bool(shown.count())


# A busy machine starts the model, the node, the studio and the browser in more than two minutes.
@pytest.mark.timeout(300)
@pytest.mark.slow
def test_a_demonstration_is_recorded_grounded_and_deleted(page: Any, active: Any) -> None:
    page.get_by_text('/shared/grounding is active.').wait_for()
    shown = page.locator('.camera img[src^="data:image/jpeg"]')
    active.wait(lambda: publishes_until(active, shown), 'the image of the camera')
    page.get_by_label('Name (empty: the node chooses)').fill('press')
    page.get_by_role('button', name='Record (R)').click()
    page.get_by_text('Recording begins in').wait_for()
    page.get_by_text("Recording 'press': 0 frames").wait_for()
    active.send_frames(3)
    page.get_by_text("Recording 'press': 3 frames").wait_for()
    page.get_by_role('button', name='Finish (F)').click()
    page.get_by_text('press (grounded)').wait_for()

    active.ground(active.image_message(7))
    page.locator('.overlay img[src^="data:image/jpeg"]').wait_for()
    page.get_by_text('In view').wait_for()

    page.get_by_role('button', name='Delete press').click()
    page.get_by_role('button', name='Delete', exact=True).click()
    page.get_by_text('None yet. Record one').wait_for()
    assert active.list().names == []


@pytest.mark.timeout(300)
@pytest.mark.slow
def test_a_click_marks_what_is_operated(page: Any, active: Any) -> None:
    active.record('press')
    frame = page.locator('.first-frame img')
    frame.wait_for()
    page.get_by_text('press: the model finds the operated part').wait_for()

    # The frame has 64x48 pixels, of which this is the middle of the last quarter.
    box = frame.bounding_box()
    frame.click(position={'x': 0.875 * box['width'], 'y': 0.125 * box['height']})

    page.get_by_text('press is marked at').wait_for()
    marked = active.first_frame('press')
    assert (marked.x, marked.y) == pytest.approx((55.5, 5.5), abs=0.2)
    assert page.locator('.first-frame circle').count() == 2
    page.get_by_role('button', name='Unmark').click()
    page.get_by_text('press: the model finds the operated part').wait_for()
    assert not active.first_frame('press').marked

    answer = active.first_frame('press')
    assert page.locator('.first-frame .suggested').count() == len(answer.candidate_x)
    affordance = active.ground(active.image_message(7))
    page.get_by_text(mark_in_words(answer, affordance)).wait_for()
    x, y = answer.candidate_x[-1], answer.candidate_y[-1]
    # One pixel aside: 1.5 % of the diagonal are 1.2 pixels.
    left = x + (1.5 if x < 32 else -0.5)
    box = frame.bounding_box()
    frame.click(position={'x': left / 64 * box['width'], 'y': (y + 0.5) / 48 * box['height']})
    page.get_by_text('press is marked at').wait_for()
    marked = active.first_frame('press')
    assert (marked.x, marked.y) == (x, y)


@pytest.mark.timeout(300)
def test_buttons_take_the_node_through_its_lifecycle(page: Any, active: Any) -> None:
    steps = (
        ('Deactivate', 'is not active', 'inactive'),
        ('Clean up', 'is not configured', 'unconfigured'),
        ('Configure', 'is not active', 'inactive'),
        ('Activate', 'is active', 'active'),
    )
    for button, text, state in steps:
        page.get_by_role('button', name=button, exact=True).click()
        page.get_by_text(f'/shared/grounding {text}').wait_for()
        assert active.state() == state


@pytest.mark.timeout(300)
def test_the_node_uses_another_model_and_every_page_shows_it(
    page: Any, active: Any, models: Any
) -> None:
    page.get_by_label('Model', exact=True).click()
    page.get_by_role('option', name='taught').click()
    page.get_by_role('button', name='Use this model').click()
    page.get_by_text('/shared/grounding uses taught.').wait_for()
    assert active.get_parameter('model') == str(models / 'taught')
    page.reload()
    page.get_by_role('tab', name='Robot').click()
    page.get_by_text('/shared/grounding is active.').wait_for()
    page.wait_for_function("document.querySelector('[aria-label=Model]').value === 'taught'")


@pytest.mark.slow
def test_a_node_that_hangs_ends_and_comes_back_is_told(
    nodes: Any, chromium: Any, open_studio: Any
) -> None:
    address = open_studio('/test/grounding')
    page = chromium.new_page()
    page.set_default_timeout(60_000)
    page.goto(address)
    page.get_by_role('tab', name='Robot').click()
    page.get_by_text('No node /test/grounding is running').wait_for()
    process = nodes.grounding()
    page.get_by_text('/test/grounding is not configured').wait_for()
    client = nodes.client()
    client.bring_up()
    page.get_by_text('/test/grounding is active.').wait_for()
    client.record('press')
    page.get_by_text('press (grounded)').wait_for()

    process.popen.send_signal(signal.SIGSTOP)
    page.get_by_text('/test/grounding does not answer').wait_for()
    page.get_by_role('button', name='Delete press').click()
    page.get_by_role('button', name='Delete', exact=True).click()
    page.get_by_text('did not answer delete_demonstration').wait_for()
    process.popen.send_signal(signal.SIGCONT)
    page.get_by_text('/test/grounding is active.').wait_for()

    process.stop()
    page.get_by_text('No node /test/grounding is running').wait_for()
    nodes.grounding()
    client.bring_up()
    page.get_by_text('/test/grounding is active.').wait_for()
    page.close()


@pytest.mark.slow
def test_a_node_rests_while_no_page_shows_the_tab(page: Any, active: Any, chromium: Any) -> None:
    topic = '/shared/overlay'

    def listeners() -> int:
        return active.node.count_subscribers(topic)

    page.get_by_text('/shared/grounding is active.').wait_for()
    active.wait(lambda: listeners() == 1, 'a subscription to the overlay')
    second = chromium.new_page()
    second.set_default_timeout(60_000)
    second.goto(page.url)
    second.get_by_role('tab', name='Robot').click()
    second.get_by_text('/shared/grounding is active.').wait_for()
    assert listeners() == 1
    page.get_by_role('tab', name='Try').click()
    active.spin(2.0)
    assert listeners() == 1
    second.close()
    active.wait(lambda: listeners() == 0, 'the end of the subscription')


@pytest.mark.slow
def test_a_recording_is_canceled_and_a_file_that_is_not_there_is_told(
    page: Any, active: Any
) -> None:
    page.get_by_text('/shared/grounding is active.').wait_for()
    page.locator('body').press('r')
    page.get_by_text("Recording 'demonstration_1': 0 frames").wait_for()
    page.get_by_role('button', name='Cancel', exact=True).click()
    page.get_by_text('its client canceled it').first.wait_for()

    page.get_by_text('Load a file of the robot').click()
    page.get_by_label('Path there').fill('/absent.mp4')
    page.get_by_role('button', name='Load', exact=True).click()
    page.get_by_text('/absent.mp4').first.wait_for()
    assert active.list().names == []

# SPDX-License-Identifier: Apache-2.0
"""A running grounding node in a browser."""

from __future__ import annotations

import shutil
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from test.afformer_core.studio.conftest import serving

# A busy machine starts the model, the node, the studio and the browser in more than two minutes.
pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


@pytest.fixture(scope='session')
def exported_model(shipped_model: Path) -> Path:
    """The shipped model: one with random weights has no matching network, which marks need."""
    return shipped_model


@pytest.fixture
def page(
    request: pytest.FixtureRequest, chromium: Any, exported_model: Path, tmp_path: Path
) -> Iterator[Any]:
    """The tab of a node in a studio with a model `taught`, which is the shipped one."""
    shutil.copytree(exported_model, tmp_path / 'taught')
    options = '--model', str(exported_model), '--models', str(tmp_path), '--node', request.param
    with serving(*options) as studio:
        page = chromium.new_page(viewport={'width': 1280, 'height': 720})
        page.set_default_timeout(60_000)
        page.goto(studio.address)
        page.get_by_role('tab', name='Robot').click()
        yield page
        page.close()


def publishes_until(active: Any, shown: Any) -> bool:
    """Publish a frame outside of a recording; return whether the page shows one."""
    active.frames.publish(active.image_message(2))
    active.spin(0.3)
    return bool(shown.count())


@pytest.mark.parametrize('page', ['shared/grounding'], indirect=True)
def test_a_demonstration_is_recorded_marked_grounded_and_deleted(
    page: Any, active: Any, tmp_path: Path
) -> None:
    for button, state in (('Deactivate', 'inactive'), ('Activate', 'active')):
        page.get_by_role('button', name=button, exact=True).click()
        active.wait(lambda: active.state() == state, state)  # noqa: B023
    shown = page.locator('.camera img[src^="data:image/jpeg"]')
    active.wait(lambda: publishes_until(active, shown), 'the image of the camera')
    page.get_by_label('Name (empty: the node chooses)').fill('press')
    page.get_by_role('button', name='Record (R)').click()
    page.get_by_text("Recording 'press': 0 frames").wait_for()
    active.send_frames(3)
    page.get_by_text("Recording 'press': 3 frames").wait_for()
    page.get_by_role('button', name='Finish (F)').click()
    page.get_by_text('press (grounded)').wait_for()

    # The frame has 64x48 pixels, of which this is the middle of the last quarter.
    frame = page.locator('.first-frame img')
    box = frame.bounding_box()
    frame.click(position={'x': 0.875 * box['width'], 'y': 0.125 * box['height']})
    page.get_by_text('press is marked at').wait_for()
    marked = active.first_frame('press')
    assert (marked.x, marked.y) == pytest.approx((55.5, 5.5), abs=0.2)
    page.get_by_role('button', name='Unmark').click()
    page.get_by_text('press: the model finds the operated part').wait_for()
    answer = active.first_frame('press')
    assert page.locator('.first-frame .suggested').count() == len(answer.candidate_x)
    # One pixel aside: 1.5 % of the diagonal are 1.2 pixels.
    x, y = answer.candidate_x[-1], answer.candidate_y[-1]
    left, box = x + (1.5 if x < 32 else -0.5), frame.bounding_box()
    frame.click(position={'x': left / 64 * box['width'], 'y': (y + 0.5) / 48 * box['height']})
    page.get_by_text('press is marked at').wait_for()
    marked = active.first_frame('press')
    assert (marked.x, marked.y) == (x, y)

    active.ground(active.image_message(7))
    page.locator('.overlay img[src^="data:image/jpeg"]').wait_for()
    page.get_by_text('In view').wait_for()
    page.get_by_role('button', name='Delete press').click()
    page.get_by_role('button', name='Delete', exact=True).click()
    page.get_by_text('None yet. Record one').wait_for()
    assert active.list().names == []
    page.get_by_label('Model', exact=True).click()
    page.get_by_role('option', name='taught').click()
    page.get_by_role('button', name='Use this model').click()
    page.get_by_text('/shared/grounding uses taught.').wait_for()
    assert active.get_parameter('model') == str(tmp_path / 'taught')


@pytest.mark.parametrize('page', ['/test/grounding'], indirect=True)
def test_a_node_that_hangs_ends_and_comes_back_is_told(page: Any, nodes: Any) -> None:
    page.get_by_text('No node /test/grounding is running').wait_for()
    process = nodes.grounding()
    page.get_by_text('/test/grounding is not configured').wait_for()
    for number, told in (
        (signal.SIGSTOP, 'does not answer'),
        (signal.SIGCONT, 'is not configured'),
    ):
        process.popen.send_signal(number)
        page.get_by_text(f'/test/grounding {told}').wait_for()
    process.stop()
    page.get_by_text('No node /test/grounding is running').wait_for()

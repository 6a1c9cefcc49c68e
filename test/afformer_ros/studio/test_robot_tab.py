# SPDX-License-Identifier: Apache-2.0
"""A running grounding node in a browser."""

from __future__ import annotations

from typing import Any


def test_a_demonstration_is_recorded_grounded_and_deleted(page: Any, active: Any) -> None:
    page.get_by_text('/shared/grounding is active.').wait_for()
    page.get_by_label('Name (empty: the node chooses)').fill('press')
    page.get_by_role('button', name='Record (R)').click()
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
    page.get_by_text('None that is known.').wait_for()
    assert active.list().names == []

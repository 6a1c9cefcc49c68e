# SPDX-License-Identifier: Apache-2.0
"""Points marked and moved by a finger, in a browser that emulates a phone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from afformer_core.offline.data.readers.folder_pairs import read_point_table

# Between two positions of a finger, milliseconds.
_PAUSE = 30
# In which a page that is laid out does not change, milliseconds.
_SETTLED = 300
pytestmark = pytest.mark.slow
_PHONE = {'viewport': {'width': 390, 'height': 844}, 'has_touch': True, 'is_mobile': True}


class Finger:
    """A finger on the image of 128x96 of a page."""

    def __init__(self, page: Any) -> None:
        self._page = page
        self._session = page.context.new_cdp_session(page)

    def tap(self, x: float, y: float) -> None:
        """Tap a pixel of the image."""
        self._page.touchscreen.tap(*self._on_screen(x, y))

    def drag(self, begin: tuple[float, float], end: tuple[float, float]) -> None:
        """Drag from one pixel of the image to another, of where it is at the beginning."""
        first, last = self._on_screen(*begin), self._on_screen(*end)
        self._send('touchStart', [first])
        for share in (0.2, 0.4, 0.6, 0.8, 1.0):
            at = [a + share * (b - a) for a, b in zip(first, last, strict=True)]
            self._send('touchMove', [at])
            self._page.wait_for_timeout(_PAUSE)
        self._send('touchEnd', [])

    def _on_screen(self, x: float, y: float) -> tuple[float, float]:
        image = self._page.locator('.marked')
        box, before = image.bounding_box(), None
        # What a mark adds to the page may move the image.
        while box != before:
            self._page.wait_for_timeout(_SETTLED)
            box, before = image.bounding_box(), box
        return box['x'] + x / 128 * box['width'], box['y'] + y / 96 * box['height']

    def _send(self, kind: str, points: list[Any]) -> None:
        positions = [{'x': x, 'y': y} for x, y in points]
        self._session.send('Input.dispatchTouchEvent', {'type': kind, 'touchPoints': positions})


@pytest.fixture
def phone(chromium: Any, studio: str, pairs: Path) -> Iterator[Any]:
    """The tab at its first pair, on a phone; the folder is left without points."""
    page = chromium.new_page(**_PHONE)
    page.set_default_timeout(60_000)
    page.goto(studio)
    page.get_by_role('tab', name='Label').tap()
    page.get_by_text('Frame 1 of 12').wait_for()
    page.get_by_role('radio', name='2 turn').tap()
    yield page
    page.close()
    (pairs / 'cup/points.csv').unlink(missing_ok=True)


def marked(pairs: Path) -> list[tuple[float, float]]:
    return [(row.x, row.y) for row in read_point_table(pairs / 'cup/points.csv')]


def test_a_finger_marks_and_moves_points_and_scrolls_beside_them(phone: Any, pairs: Path) -> None:
    finger = Finger(phone)
    finger.tap(40, 30)
    phone.locator('.marked circle').nth(1).wait_for()
    finger.tap(100, 70)
    phone.locator('.marked circle').nth(3).wait_for()

    # Beside the point by less than the width of a finger.
    finger.drag((43, 32), (73, 52))
    phone.wait_for_function("document.querySelectorAll('.marked circle')[2].cx.baseVal.value < 72")
    moved = marked(pairs)
    assert phone.evaluate('scrollY') == 0
    finger.drag((20, 80), (20, 20))
    phone.wait_for_function('scrollY > 50')

    assert moved == [pytest.approx((100, 70), abs=0.5), pytest.approx((70, 50), abs=0.5)]
    assert marked(pairs) == moved

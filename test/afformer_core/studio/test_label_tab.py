# SPDX-License-Identifier: Apache-2.0
"""Points of own pairs, marked in a browser."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from afformer_core.cli.main import main
from afformer_core.data.readers.point_table import read_point_table


def click(page: Any, x: float, y: float) -> None:
    """Click a pixel of the image of 128x96, however large it is shown."""
    image = page.locator('.marked img')
    box = image.bounding_box()
    image.click(position={'x': x * box['width'] / 128, 'y': y * box['height'] / 96})


def test_three_pairs_are_marked_by_clicks_and_keys(page: Any, pairs: Path) -> None:
    page.get_by_role('tab', name='Label').click()
    page.get_by_text('Frame 1 of 12').wait_for()
    for number in range(3):
        page.keyboard.press('2')
        for point in range(3):
            click(page, 20 + 30 * point, 40)
            page.locator('.marked circle').nth(2 * point).wait_for()
        page.get_by_text('3 points').nth(number).wait_for()
        page.keyboard.press('n')
        page.locator('.marked circle').first.wait_for(
            state='detached' if number < 2 else 'attached'
        )
    page.keyboard.press('u')
    page.get_by_text('2 points').wait_for()

    rows = read_point_table(pairs / 'cup/points.csv')
    assert [row.image for row in rows] == 3 * ['attic.png'] + 3 * ['bath.png'] + 2 * ['cellar.png']
    assert {(row.demonstration, row.action) for row in rows} == {('press.mp4', 'turn')}
    assert [abs(row.x - 20 - 30 * (n % 3)) < 0.5 for n, row in enumerate(rows)] == 8 * [True]
    assert main(['verify', str(pairs)]) == 0

# SPDX-License-Identifier: Apache-2.0
"""Which of the tabs of a page are told that they are shown."""

from __future__ import annotations

import asyncio

import pytest

pytest.importorskip('nicegui', reason="nicegui is not installed; pip install '.[studio]'")

from afformer_core.studio.server import turn_tabs
from test.afformer_core.studio.conftest import run


def test_a_tab_that_opens_slowly_does_not_hide_the_next() -> None:
    told: list[tuple[str, bool]] = []
    shown = ['Label']

    async def walk() -> None:
        model_is_open = asyncio.Event()

        async def label(is_shown: bool) -> None:
            told.append(('Label', is_shown))
            if is_shown:
                await model_is_open.wait()

        turns = {'Label': label, 'Teach': lambda is_shown: told.append(('Teach', is_shown))}
        first = asyncio.create_task(turn_tabs(turns, lambda: shown[-1]))
        await asyncio.sleep(0)
        shown.append('Teach')
        await turn_tabs(turns, lambda: shown[-1])
        model_is_open.set()
        await first

    run(walk)

    assert told == [('Label', True), ('Label', False), ('Teach', True), ('Teach', True)]

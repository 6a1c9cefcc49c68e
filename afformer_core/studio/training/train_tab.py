# SPDX-License-Identifier: Apache-2.0
"""A tab to fine-tune a model on own pairs, and to follow the training."""

from __future__ import annotations

import asyncio

from nicegui import ui

from afformer_core.runtime.shipped_model import SHIPPED
from afformer_core.studio.messages import told_errors
from afformer_core.studio.training.trainings import Trainings, TrainingState

_SECONDS = 1.0
_GRID = 'w-full grid gap-4 items-start grid-cols-1 md:grid-cols-[16rem_minmax(0,1fr)]'
_NONE = 'No training yet. Choose a model to begin with, a name and the steps.'


class TrainTab:
    """The tab in one page: settings on the left, state and output on the right.

    A training belongs to the server: closing a page does not stop it, and the next page shows it.

    Args:
        trainings: trainings of the server.
    """

    def __init__(self, trainings: Trainings) -> None:
        self._trainings = trainings
        with ui.element().classes(_GRID):
            with ui.column().classes('min-w-0 gap-2'):
                self._build_form()
                ui.separator()
                self._build_choice()
            with ui.column().classes('w-full min-w-0 gap-2'):
                self._words = ui.label().classes('font-bold training-state')
                self._words.props('aria-live=polite')
                self._compare = ui.button('Better than before?', icon='compare')
                self._compare.props('outline no-caps').on_click(self._download_report)
                self._output = ui.label().classes(
                    'w-full whitespace-pre-wrap break-all font-mono text-xs border p-2 output'
                )
                ui.label('Curves of the losses, in a shell:').classes('text-sm')
                ui.code(f'tensorboard --logdir {trainings.folder}', language='bash')
        self._timer = ui.timer(_SECONDS, self._refresh, active=False)

    async def turn_to(self, shown: bool) -> None:  # noqa: FBT001
        """Update only while the tab is shown."""
        self._timer.active = shown
        if shown:
            await self._refresh()

    def _build_form(self) -> None:
        ui.label('New training').classes('text-lg font-bold')
        self._initial = ui.select([SHIPPED], value=SHIPPED, label='Begin with the model')
        self._initial.classes('w-full').props('dense outlined')
        self._name = ui.input('Name of the new model').classes('w-full').props('dense outlined')
        self._name.on('keydown.enter', self._start)
        self._steps = ui.number('Steps', value=self._trainings.default_steps, min=1, precision=0)
        self._steps.classes('w-full').props('dense outlined')
        ui.button('Start', icon='play_arrow', on_click=self._start)

    def _build_choice(self) -> None:
        ui.label('Trainings').classes('text-lg font-bold')
        self._shown = ui.select([], label='Shown', on_change=self._refresh)
        self._shown.classes('w-full').props('dense outlined')
        with ui.row().classes('gap-2'):
            self._stop = ui.button('Stop', icon='stop', on_click=self._end).props('outline')
            self._resume = ui.button('Resume', icon='restart_alt', on_click=self._go_on)
            self._resume.props('outline')

    async def _start(self) -> None:
        with told_errors():
            name = str(self._name.value or '').strip()
            steps = int(self._steps.value or 0)
            self._trainings.start(name, str(self._initial.value), steps)
            self._name.value = ''
            await self._show(name)

    async def _end(self) -> None:
        self._trainings.stop()
        await self._refresh()

    async def _go_on(self) -> None:
        with told_errors():
            name = str(self._shown.value)
            await asyncio.to_thread(self._trainings.resume, name)
            await self._show(name)

    async def _download_report(self) -> None:
        self._compare.props('loading')
        try:
            with told_errors():
                ui.download(await self._trainings.compare(str(self._shown.value)))
        finally:
            self._compare.props(remove='loading')

    async def _show(self, name: str) -> None:
        self._shown.set_options(list(self._trainings.names), value=name)
        await self._refresh()

    async def _refresh(self) -> None:
        trainings = self._trainings
        models = list(trainings.models)
        if self._initial.options != models:
            chosen = self._initial.value if self._initial.value in models else SHIPPED
            self._initial.set_options(models, value=chosen)
        names = list(trainings.names)
        if names and (self._shown.options != names or self._shown.value not in names):
            latest = self._shown.value if self._shown.value in names else names[0]
            self._shown.set_options(names, value=latest)
        name = self._shown.value
        state, output, before, steps = None, '', '', ''
        if name is not None:
            state = await asyncio.to_thread(trainings.state, name)
            output = await asyncio.to_thread(trainings.output, name)
            before = await asyncio.to_thread(trainings.initial, name)
            steps = await asyncio.to_thread(trainings.steps, name)
        told = _NONE if state is None else state.value
        self._words.text = told + (f' ({steps} steps)' if steps else '')
        self._output.text = output
        self._output.set_visibility(bool(output))
        self._compare.set_visibility(state is TrainingState.FINISHED and bool(before))
        self._stop.set_enabled(state is TrainingState.RUNNING and trainings.is_own(name))
        self._resume.set_enabled(state in (TrainingState.STOPPED, TrainingState.FAILED))

# SPDX-License-Identifier: Apache-2.0
"""A tab to teach a model own pairs, and to choose the model that the pages use."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from nicegui import ui

from afformer_core.offline.evaluation.report.tiles import image_source
from afformer_core.runtime import ArrayGrounder
from afformer_core.runtime.shipped_model import SHIPPED
from afformer_core.studio.labelling.point_labels import PointLabels
from afformer_core.studio.messages import told_errors
from afformer_core.studio.model_worker import ModelWorker
from afformer_core.studio.teaching.lesson import TaughtPair, taught_in_words, teach_pairs
from afformer_core.studio.teaching.models import Models

_GRID = 'w-full grid gap-4 items-start grid-cols-1 md:grid-cols-[18rem_minmax(0,1fr)]'
_PERIOD = 0.5
_UNMARKED = 'No pair is marked yet. Mark pairs under Label first.'


class TeachTab:
    """The tab in one page: what to teach on the left, the answers on the right.

    Args:
        labels: tables of the folder of own pairs.
        models: models that can be opened.
        worker: worker with the model in use, which also teaches.
        open_model: function that opens a model folder.
    """

    def __init__(
        self,
        labels: PointLabels,
        models: Models,
        worker: ModelWorker,
        open_model: Callable[[Path], ArrayGrounder],
    ) -> None:
        self._labels = labels
        self._models = models
        self._worker = worker
        self._open_model = open_model
        self._said = ''
        with ui.element().classes(_GRID):
            with ui.column().classes('min-w-0 gap-2'):
                ui.label('Teach your pairs').classes('text-lg font-bold')
                self._marked = ui.label().classes('marked-pairs')
                self._name = ui.input('Name of the new model', value='taught')
                self._name.classes('w-full').props('dense outlined')
                self._name.on('keydown.enter', self._teach)
                self._button = ui.button('Teach', icon='school', on_click=self._teach)
                ui.separator()
                ui.label('Model in use').classes('text-lg font-bold')
                self._choice = ui.select([SHIPPED], label='Model').props('dense outlined')
                self._choice.classes('w-full')
                self._use = ui.button('Use this model', icon='check', on_click=self._use_chosen)
                self._use.props('outline no-caps')
                self._used = ui.label().classes('text-sm model-in-use')
            with ui.column().classes('w-full min-w-0 gap-2'):
                self._words = ui.label().classes('font-bold taught').props('aria-live=polite')
                self._answers = ui.row().classes('w-full gap-4 items-start')
        self._timer = ui.timer(_PERIOD, self._refresh, active=False)

    def turn_to(self, shown: bool) -> None:  # noqa: FBT001
        """Update only while the tab is shown."""
        self._timer.active = shown
        if shown:
            with told_errors():
                # Pairs may have been added in another tab.
                self._labels.reload()
            self._refresh()

    async def _teach(self) -> None:
        if not self._button.enabled:
            return
        self._button.disable()
        self._answers.clear()
        try:
            with told_errors():
                name = str(self._name.value or '').strip()
                pairs = await self._taught(name)
                self._said = taught_in_words(pairs)
                self._show(pairs)
                self._choice.set_options(list(self._models.names), value=name)
                return
            self._said = ''
        finally:
            self._button.enable()

    async def _taught(self, name: str) -> tuple[TaughtPair, ...]:
        output, model = self._models.path(name), self._worker.model

        def task(grounder: ArrayGrounder) -> tuple[TaughtPair, ...]:
            return teach_pairs(
                grounder, model, self._labels.folder, output, self._open_model, self._tell
            )

        self._said = 'Waiting for the model ...'
        return await self._worker.run(task)

    def _tell(self, progress: str) -> None:
        self._said = f'{progress} ...'

    def _show(self, pairs: tuple[TaughtPair, ...]) -> None:
        with self._answers:
            for pair in pairs:
                with ui.column().classes('gap-1 w-80 taught-pair'):
                    ui.label(pair.name).classes('text-sm [overflow-wrap:anywhere]')
                    with ui.row().classes('no-wrap gap-1'):
                        for when, right, drawn in zip(
                            ('before', 'now'), (pair.before, pair.after), pair.drawn, strict=True
                        ):
                            with ui.column().classes('gap-0 w-40'):
                                ui.image(image_source(drawn)).classes('w-40')
                                word = 'at a mark' if right else 'elsewhere'
                                ui.label(f'{when}: {word}').classes('text-xs')

    async def _use_chosen(self) -> None:
        with told_errors():
            folder = self._models.path(str(self._choice.value))
            await self._worker.use(folder, lambda: self._open_model(folder))
            self._refresh()

    def _refresh(self) -> None:
        with told_errors():
            marked = sum(bool(self._labels.rows(pair)) for pair in self._labels.pairs)
            self._marked.text = f'{marked} of {len(self._labels.pairs)} pairs are marked.'
            if not marked:
                self._marked.text = _UNMARKED
            self._name.set_enabled(marked > 0)
            self._button.set_visibility(marked > 0)
        self._words.text = self._said
        names = list(self._models.names)
        if self._choice.options != names or self._choice.value not in names:
            chosen = self._choice.value if self._choice.value in names else SHIPPED
            self._choice.set_options(names, value=chosen)
        self._used.text = f'Try and Label use {self._models.name(self._worker.model)}.'

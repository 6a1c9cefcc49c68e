# SPDX-License-Identifier: Apache-2.0
"""Panel of the demonstrations of a page, each with its timeline."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from nicegui import ui

from afformer_core.evaluation.report.contact_sheets import image_source
from afformer_core.studio.file_choice import Kind
from afformer_core.studio.immediate_slider import ImmediateSlider
from afformer_core.studio.source_buttons import file_sources
from afformer_core.studio.timeline import TimelineFrame
from afformer_core.studio.workspace import ShownDemonstration, Workspace


class DemonstrationPanel:
    """The panel.

    Args:
        workspace: demonstrations of the page.
        folders: resolved folders that may be read.
        changed: called when other demonstrations are chosen.
    """

    def __init__(
        self, workspace: Workspace, folders: tuple[Path, ...], changed: Callable[[], None]
    ) -> None:
        self._workspace = workspace
        self._changed = changed
        self._ignored: set[str] = set()
        ui.label('Demonstrations').classes('text-lg font-bold')
        kinds = (Kind.VIDEO, Kind.FRAMES, Kind.BAG)
        file_sources(
            'Drop videos here, or +',
            'video/*,.gif,.mkv',
            kinds,
            self.add,
            folders,
            workspace.limits,
        )
        self._waiting = ui.row().classes('items-center')
        self._cards = ui.column().classes('w-full')

    @property
    def chosen(self) -> list[ShownDemonstration]:
        """The demonstrations that are grounded together."""
        return [one for one in self._workspace.demonstrations if one.key not in self._ignored]

    async def add(self, path: Path, name: str) -> None:
        """Read a demonstration and show it; see `Workspace.add_demonstration`."""
        with self._waiting:
            note = ui.label(f'Reading {name} ...')
        try:
            shown = await self._workspace.add_demonstration(path, name)
        finally:
            note.delete()
        with self._cards:
            self._card(shown)
        self._changed()

    def clear(self) -> None:
        """Remove all demonstrations."""
        for shown in list(self._workspace.demonstrations):
            self._workspace.remove_demonstration(shown)
        self._cards.clear()
        self._changed()

    def _card(self, shown: ShownDemonstration) -> None:
        with ui.card().classes('w-full p-2 gap-1 demonstration') as card:
            with ui.row().classes('w-full items-center no-wrap gap-1'):
                use = ui.checkbox(shown.name, value=True).classes('grow break-all')
                use.on_value_change(lambda: self._choose(shown, bool(use.value)))
                ui.button(icon='delete', on_click=lambda: self._remove(shown, card)).props(
                    f'flat dense aria-label="Remove {_attribute(shown.name)}"'
                )
            _timeline(shown)

    def _choose(self, shown: ShownDemonstration, use: bool) -> None:
        if use:
            self._ignored.discard(shown.key)
        else:
            self._ignored.add(shown.key)
        self._changed()

    def _remove(self, shown: ShownDemonstration, card: ui.card) -> None:
        self._workspace.remove_demonstration(shown)
        card.delete()
        self._changed()


def _timeline(shown: ShownDemonstration) -> None:
    frames = shown.timeline
    sources = [image_source(frame.image) for frame in frames]
    image = ui.interactive_image(sources[0]).classes('w-full')
    text = ui.label(_frame_text(frames[0], shown.frame_count)).classes('text-sm')

    def show(number: int) -> None:
        image.set_source(sources[number])
        text.text = _frame_text(frames[number], shown.frame_count)
        slider.value = number

    slider = ImmediateSlider(min=0, max=max(1, len(frames) - 1), value=0)
    slider.props(f'markers aria-label="Frame of {_attribute(shown.name)}"')
    slider.on_value_change(lambda event: show(min(int(event.value), len(frames) - 1)))
    kept = [number for number, frame in enumerate(frames) if frame.kept]
    ui.label(f'The model keeps these {len(kept)}:').classes('text-sm')
    with ui.grid(columns=4).classes('w-full gap-1'):
        for number in kept:
            thumbnail = ui.image(sources[number]).classes('cursor-pointer kept')
            thumbnail.on('click', lambda _, number=number: show(number))


def _frame_text(frame: TimelineFrame, count: int) -> str:
    time = '' if frame.seconds is None else f', {frame.seconds:.2f} s'
    return (
        f'Frame {frame.index + 1} of {count}{time}{": the model keeps it" if frame.kept else ""}'
    )


def _attribute(text: str) -> str:
    """Return a text that can stand between quotes in the attributes of an element."""
    return text.replace('\\', '').replace('"', '')

# SPDX-License-Identifier: Apache-2.0
"""The view of the timeline of a demonstration."""

from __future__ import annotations

from collections.abc import Sequence

from nicegui import ui

from afformer_core.offline.evaluation.report.tiles import image_source
from afformer_core.studio.immediate_slider import ImmediateSlider
from afformer_core.studio.timeline import TimelineFrame


class TimelineView:
    """The frames of a demonstration with a slider, and those that the model keeps.

    Args:
        frames: frames to show, in order, at least one.
        frame_count: number of frames of the source.
        name: display name of the demonstration.
    """

    def __init__(self, frames: Sequence[TimelineFrame], frame_count: int, name: str) -> None:
        self._frames = frames
        self._frame_count = frame_count
        self._number = 0
        self._sources = [image_source(frame.image) for frame in frames]
        self._image = ui.interactive_image().classes('w-full')
        self._text = ui.label().classes('text-sm')
        self._slider = ImmediateSlider(min=0, max=max(1, len(frames) - 1), value=0)
        self._slider.classes('px-2').props(f'markers aria-label="Frame of {attribute_text(name)}"')
        self._slider.on_value_change(lambda event: self._show(int(event.value)))
        kept = [number for number, frame in enumerate(frames) if frame.kept]
        ui.label(f'The model keeps these {len(kept)}:').classes('text-sm')
        with ui.grid(columns=4).classes('w-full gap-1'):
            for number in kept:
                thumbnail = ui.image(self._sources[number]).props('no-transition no-spinner')
                thumbnail.classes('cursor-pointer kept')
                thumbnail.on('click', lambda _, number=number: self._show(number))
        self._show(0)

    def _show(self, number: int) -> None:
        self._number = min(number, len(self._frames) - 1)
        self._image.set_source(self._sources[self._number])
        self._text.text = _frame_text(self._frames[self._number], self._frame_count)
        self._slider.value = self._number


def _frame_text(frame: TimelineFrame, count: int) -> str:
    time = '' if frame.seconds is None else f', {frame.seconds:.2f} s'
    return (
        f'Frame {frame.index + 1} of {count}{time}{": the model keeps it" if frame.kept else ""}'
    )


def attribute_text(text: str) -> str:
    """Return a text that is valid between quotes in the attributes of an element."""
    return text.replace('\\', '').replace('"', '')

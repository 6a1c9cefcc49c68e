# SPDX-License-Identifier: Apache-2.0
"""View of the timeline of a demonstration."""

from __future__ import annotations

from collections.abc import Sequence

from nicegui import ui

from afformer_core.evaluation.report.contact_sheets import image_source
from afformer_core.studio.immediate_slider import ImmediateSlider
from afformer_core.studio.timeline import TimelineFrame


def build_timeline(frames: Sequence[TimelineFrame], frame_count: int, name: str) -> None:
    """Build the frames of a demonstration with a slider, and those that the model keeps.

    Args:
        frames: frames to show, in order, at least one.
        frame_count: number of frames of the source.
        name: name of the demonstration, for people.
    """
    sources = [image_source(frame.image) for frame in frames]
    image = ui.interactive_image(sources[0]).classes('w-full')
    text = ui.label(_frame_text(frames[0], frame_count)).classes('text-sm')

    def show(number: int) -> None:
        image.set_source(sources[number])
        text.text = _frame_text(frames[number], frame_count)
        slider.value = number

    slider = ImmediateSlider(min=0, max=max(1, len(frames) - 1), value=0)
    slider.props(f'markers aria-label="Frame of {attribute_text(name)}"')
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


def attribute_text(text: str) -> str:
    """Return a text that can stand between quotes in the attributes of an element."""
    return text.replace('\\', '').replace('"', '')

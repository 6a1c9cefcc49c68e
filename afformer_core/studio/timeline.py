# SPDX-License-Identifier: Apache-2.0
"""The timeline of a demonstration: some of its frames, and those that the model keeps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from nicegui import ui
from numpy.typing import NDArray

from afformer_core.demonstrations.media import MediaFrames
from afformer_core.demonstrations.optical_flow import MOST_FRAMES
from afformer_core.media.video_frames import uniform_indices
from afformer_core.offline.evaluation.report.tiles import fit, image_source

_SIDE = 320


@dataclass(frozen=True)
class TimelineFrame:
    """One frame of a timeline.

    Attributes:
        index: its number in the source, from 0.
        seconds: its time after the first frame of the source; None if that has no time.
        kept: whether the model keeps it.
        image: uint8 RGB [h, w, 3], small.
    """

    index: int
    seconds: float | None
    kept: bool
    image: NDArray[np.uint8]


def timeline_of(
    media: MediaFrames, maximum_frames: int, begin: float = 0.0
) -> tuple[TimelineFrame, ...]:
    """List the displayed frames of a demonstration, in order.

    Args:
        media: the demonstration, read by `read_demonstration` with that maximum.
        maximum_frames: largest number of frames that the model keeps.
        begin: time of its first frame in seconds, if it is a part of a video.
    """
    images = dict(_numbered(media.motion_frames, media.frame_count, MOST_FRAMES))
    kept = dict(_numbered(media.frames, media.frame_count, maximum_frames))
    images.update(kept)
    step = media.duration / max(1, media.frame_count - 1)
    return tuple(
        TimelineFrame(
            index,
            begin + index * step if media.duration else None,
            index in kept,
            fit(image, _SIDE),
        )
        for index, image in sorted(images.items())
    )


def _numbered(
    frames: Sequence[NDArray[np.uint8]], count: int, maximum: int
) -> list[tuple[int, NDArray[np.uint8]]]:
    if not frames:
        return []
    return list(zip(uniform_indices(count, maximum), frames, strict=True))


class ImmediateSlider(ui.slider):
    """A slider whose value the browser sets and then sends to the server.

    With NiceGUI's own slider, the server sends each value back, and a late answer undoes later
    input.
    """

    LOOPBACK = False


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

# SPDX-License-Identifier: Apache-2.0
"""The view of a training: its state, its curves, and heatmaps of a few samples."""

from __future__ import annotations

import base64
from typing import Any

from nicegui import ui

from afformer_core.studio.training.training_process import TrainingState
from afformer_core.studio.training.training_progress import Curve, TrainingProgress

_ICONS = {
    TrainingState.RUNNING: 'directions_run',
    TrainingState.STOPPING: 'hourglass_bottom',
    TrainingState.STOPPED: 'pause_circle',
    TrainingState.FINISHED: 'check_circle',
    TrainingState.FAILED: 'error',
}
# Curves are also distinguished by dashes and symbols; the colours are those of Okabe and Ito.
_STYLES = (
    ('#0072B2', 'solid', 'circle'),
    ('#D55E00', 'dashed', 'triangle'),
    ('#009E73', 'dotted', 'rect'),
)
# Legible on light and dark backgrounds.
_TEXT = '#7a7a7a'


class TrainingView:
    """The view; `show` updates changed parts."""

    def __init__(self) -> None:
        self._curves: dict[str, Curve] = {}
        self._images: tuple[int, tuple[bytes, ...]] = (0, ())
        with ui.row().classes('w-full items-center no-wrap gap-2'):
            self._icon = ui.icon('', size='sm')
            self._words = ui.label().classes('font-bold training-state').props('aria-live=polite')
        self._bar = ui.linear_progress(0, show_value=False)
        self._bar.props('aria-label="Progress of the training"')
        self._failure = ui.label().classes(
            'w-full whitespace-pre-wrap break-all font-mono text-xs border p-2 failure'
        )
        self._chart = ui.echart(_options({})).classes('w-full h-64 curves')
        self._caption = ui.label().classes('text-sm')
        self._row = ui.element().classes('w-full grid grid-cols-2 lg:grid-cols-4 gap-2 heatmaps')

    def show(self, progress: TrainingProgress, state: TrainingState | None, failure: str) -> None:
        """Show a training.

        Args:
            progress: progress of the training.
            state: its state; None if there is no training yet.
            failure: last lines of its output, if it failed.
        """
        self._icon.name = 'model_training' if state is None else _ICONS[state]
        self._words.text = in_words(progress, state)
        self._bar.value = progress.step / progress.steps if progress.steps else 0
        self._failure.text = failure
        self._failure.set_visibility(bool(failure))
        if progress.curves != self._curves:
            self._curves = dict(progress.curves)
            self._chart.options.update(_options(self._curves))
            self._chart.update()
        self._chart.set_visibility(bool(self._curves))
        if progress.images != self._images:
            self._images = progress.images
            self._draw_images()

    def _draw_images(self) -> None:
        step, images = self._images
        self._row.clear()
        self._caption.text = (
            f'After step {step}: frames of the demonstration, the heatmap, and the marked points'
            if images
            else ''
        )
        with self._row:
            for number, image in enumerate(images, 1):
                source = f'data:image/png;base64,{base64.b64encode(image).decode()}'
                drawn = ui.image(source).classes('w-full')
                drawn.props(f'alt="Sample {number} after step {step}" no-transition no-spinner')


def in_words(progress: TrainingProgress, state: TrainingState | None) -> str:
    """Describe a training in one or two sentences."""
    at = f'step {progress.step} of {progress.steps}'
    if state is None:
        return 'No training yet. Choose a model to begin with, a name and the steps.'
    if state is TrainingState.RUNNING:
        if not progress.step:
            return 'Starting: packages are loaded and videos decoded, which takes a minute'
        return f'Training: {at}{_speed(progress)}'
    if state is TrainingState.STOPPING:
        return f'Stopping after this step: {at}'
    if state is TrainingState.STOPPED:
        return f'Stopped at {at}. Resume continues from the last checkpoint'
    if state is TrainingState.FINISHED:
        return f'Finished: {progress.steps} steps. The tab Compare compares it with another model'
    return f'Failed at {at}' if progress.step else 'Failed before its first step'


def _speed(progress: TrainingProgress) -> str:
    if progress.step >= progress.steps:
        return ', the model is written'
    speed, pace = progress.pairs_per_second, progress.seconds_of_a_step
    told = '' if speed is None else f', {speed:.1f} pairs per second'
    if pace is not None:
        told += f', about {duration(pace * (progress.steps - progress.step))} left'
    return told


def duration(seconds: float) -> str:
    """Format a number of seconds, such as `4 min`."""
    if seconds < 90:
        return f'{seconds:.0f} s'
    return f'{seconds / 60:.0f} min' if seconds < 5400 else f'{seconds / 3600:.1f} h'


def _options(curves: dict[str, Curve]) -> dict[str, Any]:
    """Return the options of the chart."""
    series = []
    for number, (name, curve) in enumerate(sorted(curves.items())):
        colour, dashes, symbol = _STYLES[number % len(_STYLES)]
        series.append(
            {
                'name': _label(name),
                'type': 'line',
                'data': [list(point) for point in curve],
                'symbol': symbol,
                'symbolSize': 7,
                'itemStyle': {'color': colour},
                'lineStyle': {'color': colour, 'type': dashes},
            }
        )
    axis = {
        'type': 'value',
        'nameTextStyle': {'color': _TEXT},
        'axisLabel': {'color': _TEXT},
        'splitLine': {'lineStyle': {'color': _TEXT, 'opacity': 0.3}},
    }
    return {
        'animation': False,
        'aria': {'enabled': True},
        'legend': {'top': 0, 'right': 0, 'textStyle': {'color': _TEXT}},
        'grid': {'left': 48, 'right': 24, 'top': 36, 'bottom': 40},
        'tooltip': {'trigger': 'axis'},
        'xAxis': {
            **axis,
            'name': 'step',
            'nameLocation': 'middle',
            'nameGap': 24,
            'minInterval': 1,
        },
        'yAxis': {**axis, 'name': 'loss'},
        'series': series,
    }


def _label(name: str) -> str:
    part, _, loss = name.partition('/')
    words = {'kld': 'KLD', 'action_loss': 'actions'}.get(loss, loss.replace('_', ' '))
    return f'{words}, {"training" if part == "train" else part}'

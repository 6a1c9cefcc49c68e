# SPDX-License-Identifier: Apache-2.0
"""The curves and images that a training writes for TensorBoard, read during the training."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import yaml

if TYPE_CHECKING:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

CONFIGURATION_FILE = 'config.yaml'
"""Name of the configuration of a training, in its model folder."""

_LOSSES = 'train/'
_CURVES = (_LOSSES, 'validation/kld')
_SPEED = 'throughput/pairs_per_second'
# Samples of the validation are shown if there is one, or else those of the training.
_IMAGES = ('validation/', 'train/')
_MOST_IMAGES = 4
_KEPT = {'scalars': 2000, 'images': 1}

Curve = tuple[tuple[int, float], ...]
"""Steps and values."""


@dataclass(frozen=True)
class TrainingProgress:
    """The progress of a training.

    Attributes:
        steps: total number of steps; 0 if it is not yet known.
        curves: losses in training, and KLD in validation, by name.
        pairs_per_second: pairs per second at the last point; None before the first.
        seconds_of_a_step: mean time of a step between the last two points; None before them.
        images: PNG files of samples with heatmaps, and the step after which they were drawn.
    """

    steps: int = 0
    curves: Mapping[str, Curve] = field(default_factory=dict)
    pairs_per_second: float | None = None
    seconds_of_a_step: float | None = None
    images: tuple[int, tuple[bytes, ...]] = (0, ())

    @property
    def step(self) -> int:
        """The step of the last point; 0 before the first."""
        return max((curve[-1][0] for curve in self.curves.values()), default=0)


class ProgressReader:
    """An incremental reader of the progress of one training.

    Args:
        folder: model folder of the training.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._events: EventAccumulator | None = None
        self._lock = threading.Lock()

    def read(self) -> TrainingProgress:
        """Read the progress; thread-safe."""
        with self._lock:
            written = self._folder / 'tensorboard'
            steps = _planned_steps(self._folder / CONFIGURATION_FILE)
            if not written.is_dir() or find_spec('tensorboard') is None:
                return TrainingProgress(steps)
            if self._events is None:
                self._events = _open_events(written)
            self._events.Reload()
            return _progress_of(self._events, steps)


def _open_events(folder: Path) -> EventAccumulator:
    # Part of the extra `train`, without which the other tabs still work.
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    return EventAccumulator(str(folder), _KEPT)


def _progress_of(events: EventAccumulator, steps: int) -> TrainingProgress:
    names = events.Tags()
    scalars = {name: events.Scalars(name) for name in names['scalars']}
    curves = {
        name: tuple((point.step, point.value) for point in points)
        for name, points in scalars.items()
        if name.startswith(_CURVES)
    }
    speeds = scalars.get(_SPEED, [])
    pace = None
    if len(speeds) > 1 and speeds[-1].step > speeds[-2].step:
        passed = speeds[-1].wall_time - speeds[-2].wall_time
        pace = passed / (speeds[-1].step - speeds[-2].step)
    speed = speeds[-1].value if speeds else None
    return TrainingProgress(steps, curves, speed, pace, _images(events, names['images']))


def _images(events: EventAccumulator, names: list[str]) -> tuple[int, tuple[bytes, ...]]:
    for beginning in _IMAGES:
        chosen = sorted(name for name in names if name.startswith(beginning))[:_MOST_IMAGES]
        if chosen:
            newest = [events.Images(name)[-1] for name in chosen]
            return newest[0].step, tuple(image.encoded_image_string for image in newest)
    return 0, ()


def _planned_steps(path: Path) -> int:
    try:
        fields = yaml.safe_load(path.read_text(encoding='utf-8'))
        return int(fields['trainer']['max_steps'])
    except (OSError, KeyError, TypeError, ValueError, yaml.YAMLError):
        return 0

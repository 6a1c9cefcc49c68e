# SPDX-License-Identifier: Apache-2.0
"""Statistics of the grounding node: counts of images and frames, and stage times."""

from __future__ import annotations

import threading
import time
from collections import deque
from dataclasses import astuple, dataclass, fields
from enum import Enum

import numpy as np

from afformer_core.messages.stamps import ANOTHER_CLOCK
from afformer_core.outputs.results import StreamedGrounding


@dataclass(frozen=True, kw_only=True)
class StageTimes:
    """The stage times of one image from the camera to its result, in seconds.

    Attributes:
        age_at_arrival: from the stamp of the image to its arrival, by the node's clock.
        wait: from its arrival until the worker took it.
        preprocess: from the message to its colours.
        ground: time of the model.
        postprocess: from the model's output to smoothed peaks and points in space.
        publish: creating and sending the messages.
        overhead: sum of the three stages besides the model.
        end_to_end: from the stamp of the image until everything was sent, by the node's clock.
    """

    age_at_arrival: float
    wait: float
    preprocess: float
    ground: float
    postprocess: float
    publish: float
    overhead: float
    end_to_end: float


class LatencyWindow:
    """A window of the stage times of the last seconds; thread-safe.

    Args:
        seconds: length of the window.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._lock = threading.Lock()
        self._times: deque[tuple[float, tuple[float, ...]]] = deque()

    def add(self, times: StageTimes) -> None:
        """Add the times of an image."""
        with self._lock:
            self._times.append((time.monotonic(), astuple(times)))
            self._forget()

    def clear(self) -> None:
        """Remove all times, because the clock was set."""
        with self._lock:
            self._times.clear()

    def values(self) -> dict[str, str]:
        """Median, 95th percentile and largest of each stage, in milliseconds, as text."""
        values: dict[str, str] = {}
        for stage, times in self._stages().items():
            for name, figure in (
                ('p50', np.percentile(times, 50)),
                ('p95', np.percentile(times, 95)),
                ('max', times.max()),
            ):
                values[f'{stage} {name} (ms)'] = f'{1000 * figure:.1f}'
        return values

    def high_latency(self) -> float:
        """95th percentile of the time from stamp to result in seconds; 0 if there is none."""
        times = self._stages().get('end to end')
        return 0.0 if times is None else float(np.percentile(times, 95))

    def problem(self, limit: float) -> str:
        """Explain why results are too old; empty if they are not.

        Args:
            limit: maximum acceptable seconds from stamp to result; 0: any.
        """
        late = self.high_latency()
        if not limit or -ANOTHER_CLOCK <= late <= limit:
            return ''
        if abs(late) <= ANOTHER_CLOCK:
            return f'results come {late:.2f} s after their images, more than {limit:.2f} s'
        return (
            f'the stamps of the images are {abs(late):.0f} s away from the time of the node: they '
            'come from another clock; set use_sim_time if a bag or a simulator provides the time'
        )

    def _stages(self) -> dict[str, np.ndarray]:
        with self._lock:
            self._forget()
            rows = [times for _, times in self._times]
        if not rows:
            return {}
        names = (field.name.replace('_', ' ') for field in fields(StageTimes))
        return dict(zip(names, np.array(rows).T, strict=True))

    def _forget(self) -> None:
        now = time.monotonic()
        while self._times and now - self._times[0][0] > self._seconds:
            self._times.popleft()


class Event(Enum):
    """Events that are counted, by their names in the diagnostics."""

    REPLACED = 'images replaced by newer ones'
    IGNORED = 'images ignored because no result has a subscriber'
    REFUSED = 'images that could not be grounded'
    PUBLISHED = 'groundings published'
    FOUND = 'of these found'
    HELD = 'of these held'
    DROPPED = 'demonstration frames dropped'


class GroundingStatistics:
    """Counts of the node; thread-safe.

    Args:
        latency_window: seconds over which latencies are reported.
    """

    def __init__(self, latency_window: float) -> None:
        self.latency = LatencyWindow(latency_window)
        self._lock = threading.Lock()
        self._counts = dict.fromkeys(Event, 0)
        self._refusal = ''
        self._result: StreamedGrounding | None = None

    def count(self, event: Event) -> None:
        """Count an event."""
        with self._lock:
            self._counts[event] += 1

    def image_refused(self, reason: str) -> None:
        """Count an image that could not be read or grounded."""
        with self._lock:
            self._counts[Event.REFUSED] += 1
            self._refusal = reason

    def grounding_published(self, result: StreamedGrounding, times: StageTimes) -> None:
        """Count a grounding that was published."""
        self.latency.add(times)
        with self._lock:
            self._counts[Event.PUBLISHED] += 1
            self._counts[Event.FOUND] += result.found and not result.held
            self._counts[Event.HELD] += result.held
            self._result = result
            self._refusal = ''

    def refusal(self) -> str:
        """Explain why the last image gave no result; empty if it did."""
        with self._lock:
            return f'the last image could not be grounded: {self._refusal}' * bool(self._refusal)

    def depth_problem(self) -> str:
        """Explain why the best point of the last result has no position; empty if it has one."""
        with self._lock:
            if self._result is None or not self._result.surfaces:
                return ''
            return self._result.surfaces[0].problem

    def values(self) -> dict[str, str]:
        """Return all counts, and the last result, as text."""
        with self._lock:
            values = {event.value: str(count) for event, count in self._counts.items()}
            result = self._result
        if result is not None:
            if result.presence is not None and result.presence_threshold is not None:
                values['presence'] = f'{result.presence:.3f}'
                values['presence threshold'] = f'{result.presence_threshold:.3f}'
            certainty = result.grounding.certainty
            certainty_threshold = result.grounding.certainty_threshold
            if certainty is not None and certainty_threshold is not None:
                values['certainty'] = f'{certainty:.3f}'
                values['certainty threshold'] = f'{certainty_threshold:.3f}'
            values['confidence'] = f'{result.confidence:.3f}'
            values['feature_similarity'] = f'{result.feature_similarity:.3f}'
            values['continuity'] = f'{result.continuity:.3f}'
            values['found'] = 'held' if result.held else 'yes' if result.found else 'no'
            values['position'] = (result.surfaces[0].problem if result.surfaces else '') or 'known'
        return values

# SPDX-License-Identifier: Apache-2.0
"""What the grounding node tells on `/diagnostics`."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass

from diagnostic_msgs.msg import DiagnosticStatus, KeyValue

_WINDOW = 5.0
_STALE_AFTER = 2.0


class Rate:
    """Events of the last seconds; for use by one thread at a time."""

    def __init__(self) -> None:
        self._times: deque[float] = deque()
        self.count = 0

    def tick(self, now: float) -> None:
        """Count an event at a time in seconds."""
        self.count += 1
        self._times.append(now)
        self._forget(now)

    def hertz(self, now: float) -> float:
        """Events a second, of the last five seconds."""
        self._forget(now)
        if len(self._times) < 2:
            return 0.0
        return (len(self._times) - 1) / max(1e-9, self._times[-1] - self._times[0])

    def _forget(self, now: float) -> None:
        while self._times and now - self._times[0] > _WINDOW:
            self._times.popleft()


@dataclass(frozen=True)
class StageTimes:
    """Seconds that one grounding took, and the age of its image when it was published.

    Attributes:
        convert, ground, publish: seconds of each stage.
        age: from the stamp of the image to the end, by the node's clock, in seconds.
        wait: from the arrival of the image to the begin of its conversion, in seconds.
    """

    wait: float
    convert: float
    ground: float
    publish: float
    age: float


class GroundingStatistics:
    """Counts of the node, filled and read by several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._received = Rate()
        self._published = Rate()
        self._replaced = 0
        self._bad = 0
        self._bad_reason = ''
        self._dropped_frames = 0
        self._last_image = 0.0
        self._times: StageTimes | None = None

    def image_received(self, replaced: bool) -> None:
        """An image came; `replaced`: the one before was not grounded."""
        with self._lock:
            self._last_image = time.monotonic()
            self._received.tick(self._last_image)
            self._replaced += replaced

    def image_refused(self, reason: str) -> None:
        """An image could not be read."""
        with self._lock:
            self._bad += 1
            self._bad_reason = reason

    def grounding_published(self, times: StageTimes) -> None:
        """A grounding was published."""
        with self._lock:
            self._published.tick(time.monotonic())
            self._times = times
            self._bad_reason = ''

    def frame_dropped(self) -> None:
        """A frame of a demonstration was lost because too many waited."""
        with self._lock:
            self._dropped_frames += 1

    def image_problem(self, topic: str, publishers: int) -> str:
        """Why there is no sound image at the moment; empty where there is one."""
        with self._lock:
            if self._bad_reason:
                return f'the last image could not be read: {self._bad_reason}'
            if publishers == 0 and not self._received.count:
                return f'nobody publishes images on {topic}'
            if not self._received.count:
                return f'no image has arrived on {topic} yet; check its type and QoS'
            silence = time.monotonic() - self._last_image
            if silence > _STALE_AFTER:
                return f'no image has arrived on {topic} for {silence:.1f} s'
            return ''

    def values(self) -> dict[str, str]:
        """All counts, rates and times as text."""
        now = time.monotonic()
        with self._lock:
            values = {
                'images received': str(self._received.count),
                'image rate (Hz)': f'{self._received.hertz(now):.1f}',
                'images replaced by newer ones': str(self._replaced),
                'images that could not be read': str(self._bad),
                'groundings published': str(self._published.count),
                'grounding rate (Hz)': f'{self._published.hertz(now):.1f}',
                'demonstration frames dropped': str(self._dropped_frames),
            }
            if self._times is not None:
                for stage in ('wait', 'convert', 'ground', 'publish', 'age'):
                    values[f'{stage} (ms)'] = f'{1000 * getattr(self._times, stage):.1f}'
        return values


def diagnostic_status(
    name: str, hardware_id: str, error: str, warning: str, values: Mapping[str, str]
) -> DiagnosticStatus:
    """One status; an error outranks a warning, and both empty is well."""
    status = DiagnosticStatus(name=name, hardware_id=hardware_id)
    status.level = (
        DiagnosticStatus.ERROR
        if error
        else DiagnosticStatus.WARN
        if warning
        else DiagnosticStatus.OK
    )
    status.message = error or warning or 'grounding'
    status.values = [KeyValue(key=key, value=value) for key, value in values.items()]
    return status

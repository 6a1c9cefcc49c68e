# SPDX-License-Identifier: Apache-2.0
"""What the worker has done with images and frames so far."""

from __future__ import annotations

import threading

from afformer_core.stream.results import StreamedGrounding
from afformer_ros.latency import LatencyWindow, StageTimes


class GroundingStatistics:
    """Counts of the node, filled and read by several threads.

    Args:
        latency_window: seconds over which latencies are told.
    """

    def __init__(self, latency_window: float) -> None:
        self.latency = LatencyWindow(latency_window)
        self._lock = threading.Lock()
        self._replaced = 0
        self._ignored = 0
        self._refused = 0
        self._refusal = ''
        self._published = 0
        self._found = 0
        self._held = 0
        self._dropped_frames = 0
        self._result: StreamedGrounding | None = None

    def image_replaced(self) -> None:
        """An image was left out because a newer one came."""
        with self._lock:
            self._replaced += 1

    def image_ignored(self) -> None:
        """An image was left out because nobody listens."""
        with self._lock:
            self._ignored += 1

    def image_refused(self, reason: str) -> None:
        """An image could not be read or grounded."""
        with self._lock:
            self._refused += 1
            self._refusal = reason

    def grounding_published(self, result: StreamedGrounding, times: StageTimes) -> None:
        """A grounding was published."""
        self.latency.add(times)
        with self._lock:
            self._published += 1
            self._found += result.found and not result.held
            self._held += result.held
            self._result = result
            self._refusal = ''

    def frame_dropped(self) -> None:
        """A frame of a demonstration was lost because too many waited."""
        with self._lock:
            self._dropped_frames += 1

    def refusal(self) -> str:
        """Why the last image gave nothing; empty where it did."""
        with self._lock:
            return f'the last image could not be grounded: {self._refusal}' * bool(self._refusal)

    def depth_problem(self) -> str:
        """Why the best point of the last result has no position; empty where it has one."""
        with self._lock:
            if self._result is None or not self._result.surfaces:
                return ''
            return self._result.surfaces[0].problem

    def values(self) -> dict[str, str]:
        """All counts, and the last result, as text."""
        with self._lock:
            values = {
                'images replaced by newer ones': str(self._replaced),
                'images left alone because nobody listens': str(self._ignored),
                'images that could not be grounded': str(self._refused),
                'groundings published': str(self._published),
                'of these found': str(self._found),
                'of these held': str(self._held),
                'demonstration frames dropped': str(self._dropped_frames),
            }
            result = self._result
        if result is not None:
            if result.presence is not None and result.presence_threshold is not None:
                values['presence'] = f'{result.presence:.3f}'
                values['presence threshold'] = f'{result.presence_threshold:.3f}'
            values['confidence'] = f'{result.confidence:.3f}'
            values['resemblance'] = f'{result.resemblance:.3f}'
            values['continuity'] = f'{result.continuity:.3f}'
            values['found'] = 'held' if result.held else 'yes' if result.found else 'no'
            values['position'] = (result.surfaces[0].problem if result.surfaces else '') or 'known'
        return values

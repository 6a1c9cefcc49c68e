# SPDX-License-Identifier: Apache-2.0
"""What was recorded serves as long as memory and shape stay; the recording itself needs a GPU."""

import weakref
from typing import Any

import numpy as np

from afformer_core.runtime.recorded_ground import LastRecordedGround
from afformer_core.runtime.session import Memory, Output

IMAGE = np.zeros((4, 6, 3), np.uint8)


def memory() -> Memory:
    return Memory((np.zeros((1, 2, 3), np.float32),), (np.zeros((1, 3, 2), np.float32),))


class Recorded:
    """Grounds like `RecordedGround`, without a GPU."""

    def __init__(self, image: np.ndarray, memory: Memory) -> None:
        self._made_of = image.shape, memory

    def suits(self, image: np.ndarray, memory: Memory) -> bool:
        return image.shape == self._made_of[0] and memory is self._made_of[1]

    def __call__(self, image: np.ndarray) -> Output:
        empty = np.zeros(0, np.float32)
        return Output(np.full(1, image.shape[0], np.float32), empty, empty)


class Recorder:
    """Counts recordings, and whether the one before was gone when the next was made."""

    def __init__(self) -> None:
        self.count = 0
        self.gone: list[bool] = []
        self._last: weakref.ref[Recorded] | None = None

    def __call__(self, image: np.ndarray, memory: Memory) -> Any:
        if self._last is not None:
            self.gone.append(self._last() is None)
        self.count += 1
        recorded = Recorded(image, memory)
        self._last = weakref.ref(recorded)
        return recorded


def test_it_records_once_for_a_memory() -> None:
    recorder, known = Recorder(), memory()
    ground = LastRecordedGround(recorder)

    assert [ground(IMAGE, known).heatmap_logits[0] for _ in range(3)] == [4, 4, 4]
    assert recorder.count == 1


def test_another_memory_or_shape_replaces_it() -> None:
    recorder, first, second = Recorder(), memory(), memory()
    ground = LastRecordedGround(recorder)

    ground(IMAGE, first)
    ground(IMAGE, second)
    ground(IMAGE[:3], second)

    assert recorder.count == 3
    # Two memories may not fit at once.
    assert recorder.gone == [True, True]

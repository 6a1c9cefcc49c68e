# SPDX-License-Identifier: Apache-2.0
"""What was recorded serves as long as memory and shape stay; the recording itself needs a GPU."""

import weakref
from typing import Any

import numpy as np

from afformer_core.runtime.recorded_ground import LastRecordedGrounds
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
    """Counts recordings, and how many of those before were still there when one was made."""

    def __init__(self) -> None:
        self.there: list[int] = []
        self._made: list[weakref.ref[Recorded]] = []

    def __call__(self, image: np.ndarray, memory: Memory) -> Any:
        self.there.append(sum(one() is not None for one in self._made))
        recorded = Recorded(image, memory)
        self._made.append(weakref.ref(recorded))
        return recorded


def test_it_records_once_for_a_memory() -> None:
    recorder, known = Recorder(), memory()
    ground = LastRecordedGrounds(recorder)

    assert [ground(IMAGE, known).heatmap_logits[0] for _ in range(3)] == [4, 4, 4]
    assert len(recorder.there) == 1


def test_two_looks_in_turn_are_recorded_once_each() -> None:
    recorder, whole, closer = Recorder(), memory(), memory()
    ground = LastRecordedGrounds(recorder)
    for _ in range(3):
        ground(IMAGE, whole)
        ground(IMAGE, closer)

    assert len(recorder.there) == 2


def test_what_was_grounded_long_ago_goes_before_another_comes() -> None:
    recorder, memories = Recorder(), [memory() for _ in range(26)]
    ground = LastRecordedGrounds(recorder)
    for one in memories:
        ground(IMAGE, one)

    assert recorder.there == [*range(24), 23, 23]
    ground(IMAGE, memories[-23])
    assert len(recorder.there) == 26
    ground(IMAGE, memories[0])
    assert len(recorder.there) == 27


def test_another_shape_is_another_recording() -> None:
    recorder, known = Recorder(), memory()
    ground = LastRecordedGrounds(recorder)
    ground(IMAGE, known)

    assert ground(IMAGE[:3], known).heatmap_logits[0] == 3
    assert len(recorder.there) == 2

# SPDX-License-Identifier: Apache-2.0
"""The interface of engines, which execute the parts of a long task in several processes."""

from __future__ import annotations

import pickle
import traceback
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Generic, TypeVar, cast

Part = TypeVar('Part')
Other = TypeVar('Other')
Value = TypeVar('Value')

Task = Callable[[Part], Value]
# Function that opens the resources of a process for all of its parts, such as a detector.
OpenTask = Callable[[], Task[Part, Value]]


@dataclass(frozen=True)
class PartResult(Generic[Part, Value]):
    """The result of one part, or its error.

    Attributes:
        part: the part.
        value: result of the task; None after an error.
        error: error of the task; None without an error.
        trace: traceback of the error as text, where it was raised in another process.
    """

    part: Part
    value: Value | None = None
    error: Exception | None = None
    trace: str = ''

    @property
    def told(self) -> str:
        """The error in one line; empty without an error."""
        if self.error is None:
            return ''
        return ' '.join(f'{type(self.error).__name__}: {self.error}'.split())

    def get(self) -> Value:
        """Return the value, or raise the error."""
        if self.error is not None and self.trace:
            raise self.error from RuntimeError(f'in another process:\n{self.trace}')
        if self.error is not None:
            raise self.error
        return cast(Value, self.value)

    def of(self, part: Other) -> PartResult[Other, Value]:
        """Return this result with another part."""
        return PartResult(part, self.value, self.error, self.trace)


@dataclass(frozen=True)
class ParallelEngine(ABC):
    """An executor of the parts of a task.

    Parts must be idempotent, because a part is repeated if its process or machine died. To resume,
    the caller stores results in files and requests only the parts whose files are missing.

    Attributes:
        processes: number of processes; None: as many as fit.

    Raises:
        ValueError: the number of processes is below 1.
    """

    processes: int | None = 1

    def __post_init__(self) -> None:
        if self.processes is not None and self.processes < 1:
            raise ValueError(f'processes is {self.processes}; expected at least 1')

    @abstractmethod
    def room(self, *, on_gpu: bool = False) -> int:
        """Return the number of processes that fit, at least 1.

        Args:
            on_gpu: whether a process computes on a GPU.
        """

    def sized(self, parts: int, *, on_gpu: bool = False) -> ParallelEngine:
        """Return this engine with as many processes as fit and have a part to execute.

        Args:
            parts: number of parts.
            on_gpu: whether a process computes on a GPU.
        """
        processes = self.processes or self.room(on_gpu=on_gpu)
        return replace(self, processes=max(1, min(processes, parts)))

    @abstractmethod
    def map(
        self, open_task: OpenTask[Part, Value], parts: Iterable[Part]
    ) -> Iterator[PartResult[Part, Value]]:
        """Execute all parts; yield their results as they arrive.

        An error of a part is a result, and the other parts continue. If the iteration is abandoned
        or interrupted, all processes end.

        Args:
            open_task: opens the task, once in each process. Other processes must be able to import
                it, and parts, values and errors must be picklable.
            parts: parts, taken one by one whenever a process is idle.

        Raises:
            AfformerError: processes die repeatedly, or the engine is not installed or cannot be
                reached.
            Exception: the task cannot be opened.
        """


def do_part(task: Task[Part, Value], part: Part) -> PartResult[Part, Value]:
    """Execute a part; return its value or its error."""
    try:
        return PartResult(part, task(part))
    except Exception as error:  # noqa: BLE001
        return PartResult(part, error=error)


def do_part_for_another(task: Task[Part, Value], part: Part) -> PartResult[None, Value]:
    """Execute a part for another process, and make its error picklable."""
    result = do_part(task, part).of(None)
    if result.error is None:
        return result
    error, trace = result.error, ''.join(traceback.format_exception(result.error))
    try:
        pickle.loads(pickle.dumps(error))
    except Exception:  # noqa: BLE001
        error = RuntimeError(f'{type(error).__name__}: {error}')
    return replace(result, error=error, trace=trace)

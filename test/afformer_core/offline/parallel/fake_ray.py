# SPDX-License-Identifier: Apache-2.0
"""A stand-in for Ray that runs actors in this process, and lets them die when told to."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Any


class RayError(Exception):
    """The base of Ray's errors."""


class RayTaskError(RayError):
    """An error of a task; `cause` is what it raised."""

    def __init__(self, cause: Exception) -> None:
        super().__init__(str(cause))
        self.cause = cause


class Answer:
    """An answer that is computed when it is asked for."""

    def __init__(self, give: Callable[[], Any]) -> None:
        self.give = give


class FakeRay:
    """The module `ray`, as far as the engine uses it.

    Args:
        nodes: what `ray.nodes()` returns.
        dies: function of a part that tells whether the process that does it dies.

    Attributes:
        resources: cores and GPUs of each actor that was asked for.
        killed: identities of the actors that were ended.
    """

    def __init__(
        self, nodes: Sequence[dict[str, Any]], dies: Callable[[Any], bool] = lambda _: False
    ) -> None:
        self._nodes, self._dies = nodes, dies
        self.exceptions = SimpleNamespace(RayError=RayError, RayTaskError=RayTaskError)
        self.cloudpickle = pickle
        self.resources: list[tuple[float, float]] = []
        self.killed: set[int] = set()

    def nodes(self) -> Sequence[dict[str, Any]]:
        return self._nodes

    def put(self, content: bytes) -> bytes:
        return content

    def remote(
        self, num_cpus: float, num_gpus: float, max_restarts: int, max_task_retries: int
    ) -> Callable[[type], Any]:
        def of(kind: type) -> Any:
            def start(open_task: bytes) -> Any:
                self.resources.append((num_cpus, num_gpus))
                return self._actor(kind(open_task))

            return SimpleNamespace(remote=start)

        assert (max_restarts, max_task_retries) == (-1, -1)
        return of

    def _actor(self, actor: Any) -> Any:
        def done(part: Any) -> Any:
            if self._dies(part):
                raise RayError(f'the actor died with {part}')
            try:
                return actor.do(part)
            except Exception as error:
                raise RayTaskError(error) from error

        once = SimpleNamespace(remote=lambda part: Answer(lambda: done(part)))
        return SimpleNamespace(
            start=SimpleNamespace(remote=lambda: Answer(actor.start)),
            do=SimpleNamespace(options=lambda max_task_retries: once),
        )

    def wait(self, answers: Sequence[Answer], num_returns: int) -> tuple[list[Answer], Any]:
        return [answers[0]], answers[1:]

    def get(self, answer: Answer) -> Any:
        return answer.give()

    def kill(self, actor: Any) -> None:
        self.killed.add(id(actor))

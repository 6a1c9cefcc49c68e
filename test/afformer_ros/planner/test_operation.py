# SPDX-License-Identifier: Apache-2.0
"""The end of an operation names what the last attempt felt and what the camera saw of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from afformer_ros.action import OperateElement
from numpy.typing import NDArray

from afformer_core.changes.outcome import Expected
from afformer_ros.planner.answers import NotFoundError
from afformer_ros.planner.contact import ArmContact, Felt
from afformer_ros.planner.operation import Operation, OperationReport

POINT = ArmContact(
    'pull', np.array([0.5, -0.2, 0.3]), np.array([-0.6, 0.0, 0.8]), pixel=(60.0, 40.0)
)


class Scripted:
    """Finds the part a number of times, and feels nothing; nothing changes in the images."""

    def __init__(self, times: int, felt: str) -> None:
        self.left = times
        self.felt = felt

    def find(self, demonstrations: Sequence[str], action: str) -> list[ArmContact]:
        if not self.left:
            raise NotFoundError('presence is 0.12')
        self.left -= 1
        return [POINT]

    def radius(self, contact: ArmContact) -> float:
        return 25.0

    def expected(self, demonstrations: Sequence[str], action: str) -> tuple[Expected, str]:
        return Expected.VISIBLE, 'as after every pull'

    def images(self, count: int) -> list[NDArray[np.uint8]]:
        noise = np.random.default_rng(8).integers(60, 180, (96, 128, 3))
        return [np.asarray(noise, np.uint8)] * count

    def act(self, contact: ArmContact) -> Felt:
        return Felt(self.felt, done=False, in_contact=False)


def run(times: int) -> OperationReport:
    operator: Any = Scripted(times, 'nothing was felt')
    operation = Operation(operator, lambda *_: None)
    return operation.run(['drawer'], '', 3)


def test_a_part_that_is_not_found_again_ends_with_the_attempt() -> None:
    end = run(times=1)

    assert end.outcome == OperateElement.Result.NOT_FOUND
    assert end.message.startswith('nothing was felt; not done: ')
    assert end.message.endswith('; presence is 0.12')
    assert len(end.attempts) == 1


def test_a_part_that_is_never_found_ends_with_the_reason_alone() -> None:
    end = run(times=0)

    assert (end.outcome, end.message) == (OperateElement.Result.NOT_FOUND, 'presence is 0.12')
    assert end.attempts == ()

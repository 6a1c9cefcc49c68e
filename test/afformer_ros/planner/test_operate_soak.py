# SPDX-License-Identifier: Apache-2.0
"""Many goals in a row that are canceled, fail or succeed: each ends with its reason, at rest."""

from __future__ import annotations

import os
import time
from collections import Counter
from importlib.util import find_spec
from typing import Any

import numpy as np
import pytest

# Only its files are read: other tests stand in for it.
if find_spec('gymnasium_robotics') is None:
    pytest.skip('gymnasium-robotics is not installed', allow_module_level=True)

from afformer_ros.action import GroundDemonstration, OperateElement

from .operate_bench import answer, drawn, operate_bench, result_of

Result = OperateElement.Result
GOALS = int(os.environ.get('SOAK_GOALS', '60'))
# The outcomes that each mishap may have; a canceled goal may have ended before.
OUTCOMES = {
    'none': {Result.DONE},
    'already': {Result.NOT_DONE},
    'cancel': {Result.CANCELED, Result.DONE},
    'node stopped': {Result.REFUSED},
    'node silent': {Result.NO_ANSWER},
    'driver silent': {Result.ARM_FAILED},
    'trajectories lost': {Result.BLOCKED},
}


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_each_of_many_goals_ends_with_its_reason_and_the_arm_at_rest(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr('afformer_ros.client._PATIENCE', 0.4)
    monkeypatch.setattr('afformer_ros.planner.joint_states._PATIENCE', 0.4)
    rng = np.random.default_rng(17)
    mishap, closed = 'none', 0
    ended: Counter[tuple[str, int]] = Counter()

    def view(closings: int) -> Any:
        return drawn(17 * (closings > closed and mishap != 'already'))

    def ground(request: Any) -> Any:
        if mishap == 'node silent':
            return None
        if mishap == 'node stopped':
            stopped = GroundDemonstration.Result.STOPPED
            return GroundDemonstration.Result(outcome=stopped, message='deactivated')
        return answer()(request)

    with operate_bench(ground, view, speed=40.0, timeout=0.3) as bench:
        for _ in range(GOALS):
            mishap, closed = str(rng.choice(list(OUTCOMES))), bench.arm.closings
            bench.arm.deaf = mishap == 'trajectories lost'
            handle = bench.send(attempts=int(rng.integers(1, 4)))
            delay = float(rng.uniform(0.0, 1.5))
            if mishap in ('cancel', 'driver silent'):
                time.sleep(delay if mishap == 'cancel' else 0.3)
            if mishap == 'cancel':
                handle.cancel_goal_async()
            bench.arm.stamp_offset = -(10**12) if mishap == 'driver silent' else 0
            result = result_of(handle)
            bench.arm.stamp_offset, bench.arm.deaf = 0, False
            bench.assert_at_rest()
            assert result.message
            ended[mishap, result.outcome] += 1
    print({f'{mishap}: {outcome}': count for (mishap, outcome), count in ended.items()})
    unexpected = {end: count for end, count in ended.items() if end[1] not in OUTCOMES[end[0]]}
    assert unexpected == {}
    assert {mishap for mishap, _ in ended} == set(OUTCOMES)

# SPDX-License-Identifier: Apache-2.0
"""Statuses of a planner without joint states or controllers."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from afformer_ros.grounding.grounding_diagnostics import ComponentStatus
from afformer_ros.planner.planner_diagnostics import planner_statuses


def statuses(age: float | None, arm: dict[str, bool], hand: dict[str, bool]) -> Any:
    driver = SimpleNamespace(silent_for=lambda: age, controllers=lambda: [arm, hand])
    action: Any = SimpleNamespace(last='', busy=False)
    standing: Any = SimpleNamespace(driver=driver, occupation='')
    return planner_statuses('active', action, standing)


@pytest.mark.parametrize(
    ('age', 'error', 'text'),
    [
        (None, 'no joint state has arrived. Start the driver of the arm', 'none'),
        (0.875, '', '0.875'),
        (-7.25, 'the newest joint state is -7.2 s old.', '-7.250'),
    ],
)
def test_joint_states_must_arrive_by_the_same_clock(
    age: float | None, error: str, text: str
) -> None:
    _, states, _ = statuses(age, {'arm': True}, {'hand': True})
    assert states.error.startswith(error)
    assert bool(states.error) == bool(error)
    assert states.values == {'age (s)': text}


def test_controllers_are_missing_where_none_of_their_names_is_there() -> None:
    _, _, found = statuses(0.1, {'follow': False, 'topic': True}, {'cmd': True})
    assert (found.error, found.values['follow']) == ('', 'missing')
    _, _, missing = statuses(0.1, {'follow': False, 'topic': False}, {'cmd': False})
    assert missing.error == 'follow or topic and cmd is missing. Start the controllers'


def test_an_unconfigured_planner_has_no_arm_to_report() -> None:
    values = {'state': 'unconfigured', 'last outcome': 'none'}
    expected = ComponentStatus('planner', '', 'the planner is unconfigured', '', values)
    assert planner_statuses('unconfigured', None, None) == [expected]

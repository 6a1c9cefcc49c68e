# SPDX-License-Identifier: Apache-2.0
"""The diagnostics of a planner that serves: its state, its arm, and the last outcome."""

from __future__ import annotations

from afformer_ros.grounding.grounding_diagnostics import ComponentStatus
from afformer_ros.planner.acting_arm import ActingArm
from afformer_ros.planner.operate_action import OperateAction

# Age in seconds at which joint states are missing.
_OUTDATED = 1.0


def planner_statuses(
    state: str, action: OperateAction | None, arm: ActingArm | None
) -> list[ComponentStatus]:
    """Report the statuses of a planner, the most important first.

    Args:
        state: state of its lifecycle.
        action: its goals; None before it is configured.
        arm: its arm; None before it is configured.
    """
    last = (action.last if action is not None else '') or 'none'
    warning = '' if state == 'active' else f'the planner is {state}'
    values = {'state': state, 'last outcome': last}
    if action is None or arm is None:
        return [ComponentStatus('planner', '', warning, '', values)]
    message = 'operating' if action.busy else 'ready'
    return [
        ComponentStatus('planner', '', warning or arm.occupation, message, values),
        _joint_states(arm.driver.silent_for()),
        _controllers(arm.driver.controllers()),
    ]


def _joint_states(age: float | None) -> ComponentStatus:
    error = ''
    if age is None:
        error = 'no joint state has arrived. Start the driver of the arm'
    elif abs(age) > _OUTDATED:
        error = (
            f'the newest joint state is {age:.1f} s old. Start the driver of the arm, and set '
            'use_sim_time like there'
        )
    values = {'age (s)': 'none' if age is None else f'{age:.3f}'}
    return ComponentStatus('joint states', error, '', 'arriving', values)


def _controllers(controllers: list[dict[str, bool]]) -> ComponentStatus:
    missing = [' or '.join(group) for group in controllers if not any(group.values())]
    error = f'{" and ".join(missing)} is missing. Start the controllers' if missing else ''
    values = {
        name: 'found' if found else 'missing'
        for group in controllers
        for name, found in group.items()
    }
    return ComponentStatus('controllers', error, '', 'found', values)

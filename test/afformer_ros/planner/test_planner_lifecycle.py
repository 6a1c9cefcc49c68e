# SPDX-License-Identifier: Apache-2.0
"""The states of a planner that serves: what it takes, refuses, opens and reports in each."""

from __future__ import annotations

from importlib.util import find_spec

import numpy as np
import pytest
import rclpy
from action_msgs.msg import GoalStatus
from afformer_ros.action import OperateElement
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from lifecycle_msgs.msg import Transition
from lifecycle_msgs.srv import ChangeState
from rclpy.executors import SingleThreadedExecutor
from rclpy.lifecycle import TransitionCallbackReturn
from rclpy.node import Node
from rclpy.parameter import Parameter

from test.waiting import wait_until

from .operate_bench import OperateBench, answer, drawn, operate_bench, wait_for

# Only its files are read: other tests stand in for it.
if find_spec('gymnasium_robotics') is None:
    pytest.skip('gymnasium-robotics is not installed', allow_module_level=True)

REFUSED, STOPPED = OperateElement.Result.REFUSED, OperateElement.Result.STOPPED
DONE = OperateElement.Result.DONE
INACTIVE = 'the planner is inactive. Activate it'
INTERRUPTED = 'the arm stands where an action was interrupted'


class Manager:
    """A lifecycle manager, whose executor is none of the bench's."""

    def __init__(self, bench: OperateBench) -> None:
        context = bench.arm.context
        self.node: Node = rclpy.create_node('manager', context=context)
        self._executor = SingleThreadedExecutor(context=context)
        self._executor.add_node(self.node)
        self._client = self.node.create_client(ChangeState, 'planner/change_state')
        self._arrays: list[DiagnosticArray] = []
        self.node.create_subscription(DiagnosticArray, '/diagnostics', self._arrays.append, 10)

    def __enter__(self) -> Manager:
        # Fast DDS may let a client never learn of a service of the same participant.
        while not self._client.wait_for_service(15):
            self.node.destroy_client(self._client)
            self._client = self.node.create_client(ChangeState, 'planner/change_state')
        return self

    def __exit__(self, *_: object) -> None:
        self._executor.shutdown()
        self.node.destroy_node()

    def change(self, *names: str) -> list[bool]:
        """Take the planner through transitions; return which succeeded."""
        succeeded = []
        for name in names:
            transition = Transition(id=getattr(Transition, f'TRANSITION_{name}'))
            future = self._client.call_async(ChangeState.Request(transition=transition))
            self._executor.spin_until_future_complete(future, 60)
            succeeded.append(future.result().success)
        return succeeded

    def told(self, name: str, message: str) -> DiagnosticStatus:
        """Wait until a component of the planner has a status that begins with a message."""
        found: list[DiagnosticStatus] = []

        def arrived() -> bool:
            self._executor.spin_once(0.1)
            found[:] = [
                one
                for array in self._arrays[-1:]
                for one in array.status
                if one.name == f'/planner: {name}' and one.message.startswith(message)
            ]
            return bool(found)

        wait_until(arrived)
        return found[0]


def wait_until_away(bench: OperateBench) -> None:
    """Wait until the arm is on its way."""
    start = bench.arm.joints
    wait_until(lambda: float(np.abs(bench.arm.joints - start).max()) > 0.2)


def values(status: DiagnosticStatus) -> dict[str, str]:
    return {one.key: one.value for one in status.values}


def entities(node: Node) -> list[str]:
    topics = [*node.publishers, *node.subscriptions]
    return sorted([one.topic_name for one in topics] + [one.srv_name for one in node.clients])


def test_deactivation_halts_the_arm_and_a_reason_ends_goals_until_it_is_active_again(
    capfd: pytest.CaptureFixture[str],
) -> None:
    with (
        operate_bench(answer(), lambda closings: drawn(17 * closings), speed=4.0) as bench,
        Manager(bench) as manager,
    ):
        ending = bench.send().get_result_async()
        wait_until_away(bench)
        assert manager.change('DEACTIVATE') == [True]
        stopped = wait_for(ending)
        assert (stopped.status, stopped.result.outcome) == (GoalStatus.STATUS_ABORTED, STOPPED)
        assert stopped.result.message.startswith('the planner was deactivated')
        bench.assert_at_rest()

        status, result = bench.end()
        assert (status, result.outcome) == (GoalStatus.STATUS_ABORTED, REFUSED)
        assert (result.message, bench.retract()) == (INACTIVE, (False, INACTIVE))

        # Its joint states arrive meanwhile.
        assert 'the arm may still move' not in capfd.readouterr().err

        # It still knows where the arm stands, and why.
        assert manager.change('ACTIVATE') == [True]
        assert INTERRUPTED in bench.operate().message
        assert bench.retract()[0]
        assert bench.operate().outcome == DONE


def test_a_motion_without_a_goal_is_halted_too() -> None:
    with operate_bench(answer(), lambda _: drawn(), speed=4.0) as bench:
        handle = bench.send()
        wait_until_away(bench)
        handle.cancel_goal_async()
        wait_for(handle.get_result_async())
        # The motion must last until it is halted.
        sent, bench.arm.speed = len(bench.arm.messages), 0.5
        retracting = bench.retracting.call_async(bench.retracting.srv_type.Request())
        wait_until(lambda: len(bench.arm.messages) > sent)
        # The bench answers one service at a time.
        assert bench.planner.trigger_deactivate() == TransitionCallbackReturn.SUCCESS
        answered = wait_for(retracting)
        assert (answered.success, answered.message) == (False, 'the planner was deactivated')
        bench.assert_at_rest()

        # What halted it does not halt the next motion.
        bench.arm.speed = 4.0
        assert bench.planner.trigger_activate() == TransitionCallbackReturn.SUCCESS
        assert bench.retract() == (True, 'the arm is back where the interrupted action began')


def test_a_cleanup_leaves_nothing_and_the_next_configuration_reads_parameters() -> None:
    with (
        operate_bench(answer(), lambda closings: drawn(17 * closings), speed=4.0) as bench,
        Manager(bench) as manager,
    ):
        planner = bench.planner
        opened = entities(planner)
        (refused,) = planner.set_parameters([Parameter('attempts', value=2)])
        assert 'attempts can change only while the node is unconfigured' in refused.reason
        assert manager.change('DEACTIVATE', 'CLEANUP') == [True, True]
        assert 'the node is not configured' in bench.operate().message
        wait_until(lambda: planner.count_subscribers('joint_states') == 0)
        assert not {'/joint_states', '/image', '/grounding/get_state'} & set(entities(planner))

        changes = (Parameter('video', value='pull.mp4'), Parameter('base_frame', value='base'))
        contradiction, changed = (planner.set_parameters([one])[0] for one in changes)
        assert 'expected it alone' in contradiction.reason
        assert changed.successful
        assert manager.change('CONFIGURE') == [True]
        assert bench.operate().message == INACTIVE
        assert manager.change('ACTIVATE') == [True]
        assert entities(planner) == opened
        assert 'positions are in' in bench.operate().message


def test_a_planner_without_autostart_says_why_it_cannot_be_configured() -> None:
    with (
        operate_bench(answer(), lambda _: None, autostart=False, arm_model='no.xml') as bench,
        Manager(bench) as manager,
    ):
        assert 'the node is not configured' in bench.operate().message
        assert manager.change('CONFIGURE') == [False]
        assert manager.told('planner', 'the planner is unconfigured').level
        bench.planner.set_parameters([Parameter('arm_model', value='')])
        assert manager.change('CONFIGURE', 'ACTIVATE', 'ACTIVE_SHUTDOWN') == [True] * 3


def test_diagnostics_report_the_arm_and_the_last_outcome() -> None:
    with operate_bench(answer(), lambda _: drawn(), speed=4.0) as bench, Manager(bench) as manager:
        status = manager.told('planner', 'ready')
        assert (status.level, status.hardware_id) == (DiagnosticStatus.OK, '/planner')
        assert values(status) == {'state': 'active', 'last outcome': 'none'}
        assert float(values(manager.told('joint states', 'arriving'))['age (s)']) < 1.0
        found = values(manager.told('controllers', 'found'))
        assert found['arm_controller/joint_trajectory'] == 'found'

        handle = bench.send()
        wait_until_away(bench)
        manager.told('planner', 'operating')
        handle.cancel_goal_async()
        status = manager.told('planner', INTERRUPTED)
        assert status.level == DiagnosticStatus.WARN
        assert values(status)['last outcome'].startswith('canceled: the goal was canceled')

        bench.arm.silent = True
        status = manager.told('joint states', 'the newest joint state is')
        assert status.level == DiagnosticStatus.ERROR
        assert manager.change('DEACTIVATE') == [True]
        assert manager.told('planner', 'the planner is inactive').level == DiagnosticStatus.WARN

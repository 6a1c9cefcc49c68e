# SPDX-License-Identifier: Apache-2.0
"""The action operate_element: each goal ends with its reason, and the arm at rest."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from importlib.util import find_spec
from typing import Any

import numpy as np
import pytest
from action_msgs.msg import GoalStatus
from afformer_ros.action import GroundDemonstration, OperateElement
from afformer_ros.msg import OperationAttempt
from builtin_interfaces.msg import Duration
from numpy.typing import NDArray

from afformer_core.changes.outcome import Expected
from afformer_core.manipulation.contact import ArmContact, Felt
from afformer_ros.planner.acting_arm import ActingArm, motion_settings
from afformer_ros.planner.contacts import NotFoundError
from afformer_ros.planner.operate_action import Operation, OperationReport
from afformer_ros.planner.parameters import PlannerParameters
from test.waiting import wait_until

from .operate_bench import (
    BASE,
    NORMAL,
    PART,
    POINT,
    OperateBench,
    answer,
    drawn,
    operate_bench,
    result_of,
    wait_for,
)
from .stand_in_grounding import found, point_at

# Only its files are read: other tests stand in for it.
if find_spec('gymnasium_robotics') is None:
    pytest.skip('gymnasium-robotics is not installed', allow_module_level=True)


Result, Feedback = OperateElement.Result, OperateElement.Feedback
ELEMENT = ArmContact(
    'pull', np.array([0.5, -0.2, 0.3]), np.array([-0.6, 0.0, 0.8]), pixel=(60.0, 40.0)
)


def test_a_part_that_moves_is_done_at_the_first_attempt() -> None:
    with operate_bench(answer(), lambda closings: drawn(17 * closings)) as bench:
        start = bench.arm.joints
        result = bench.operate()
        bench.assert_parked(start)
    (attempt,) = result.attempts
    assert (result.outcome, attempt.seen) == (Result.DONE, OperationAttempt.DONE)
    assert (attempt.action, attempt.way, attempt.frame) == ('pull', '', 'panda_link0')
    assert attempt.position.x == pytest.approx(0.52)
    assert (attempt.u, attempt.v) == (139.0, 94.0)
    assert (attempt.region.x_offset, attempt.region.y_offset) == pytest.approx(PART, abs=3)
    assert bench.feedback == [
        (Feedback.LOOKING, 1),
        (Feedback.ACTING, 1),
        (Feedback.LOOKING_AGAIN, 1),
    ]


@pytest.mark.slow
def test_a_part_that_is_already_as_demonstrated_ends_with_that_reason() -> None:
    with operate_bench(answer(points=2), lambda _: drawn(), compliant=True) as bench:
        start = bench.arm.joints
        result = bench.operate(attempts=3)
        bench.assert_parked(start)
    assert result.outcome == Result.NOT_DONE
    assert [one.way for one in result.attempts] == ['', 'at the next best point']
    assert result.message.endswith(
        'there is no other way to try. It may already be as demonstrated'
    )


@pytest.mark.slow
def test_where_no_other_way_is_left_it_ends_before_its_budget() -> None:
    with operate_bench(answer('push'), lambda _: drawn()) as bench:
        result = bench.operate(attempts=7)
    assert (result.outcome, len(result.attempts)) == (Result.NOT_DONE, 1)
    assert 'there is no other way to try' in result.message


@pytest.mark.parametrize(
    ('action', 'parameter', 'field', 'status'),
    [
        ('touch', False, False, GoalStatus.STATUS_ABORTED),
        ('touch', False, True, GoalStatus.STATUS_SUCCEEDED),
        ('hold', True, False, GoalStatus.STATUS_SUCCEEDED),
    ],
)
def test_a_button_that_was_felt_is_not_pressed_again_and_done_for_whom_that_is_enough(
    action: str, parameter: bool, field: bool, status: int
) -> None:
    with operate_bench(answer(action), lambda _: drawn(), accept_not_visible=parameter) as bench:
        ended, result = bench.end(attempts=5, accept_not_visible=field)
    assert (result.outcome, len(result.attempts)) == (Result.NOT_VISIBLE, 1)
    assert ended == status
    assert result.attempts[0].felt
    assert result.attempts[0].seen == OperationAttempt.NOT_VISIBLE


def test_a_button_that_was_missed_is_approached_from_the_camera_up_to_the_budget() -> None:
    # The camera is at the origin of the base.
    given = lambda _: found([point_at(POINT, NORMAL)], BASE, image_frame=BASE)  # noqa: E731
    with operate_bench(given, lambda _: drawn(), wall=False, attempts=2) as bench:
        result = bench.operate()
        towards = -POINT / np.linalg.norm(POINT)
        near = [target for target in bench.arm.targets() if np.allclose(target, POINT, atol=0.03)]
    assert [one.way for one in result.attempts] == ['', 'along the line of sight']
    assert not any(one.felt for one in result.attempts)
    assert result.outcome == Result.NOT_DONE
    assert near[0] == pytest.approx(POINT + 0.025 * NORMAL, abs=2e-3)
    assert any(np.allclose(target, POINT + 0.025 * towards, atol=2e-3) for target in near)


def test_nothing_is_tried_again_after_the_whole_image_has_changed() -> None:
    # The arm has come back with a kettle in front of the camera.
    other = np.random.default_rng(7).integers(0, 255, (203, 317, 3)).astype(np.uint8)
    view = lambda closings: other if closings else drawn()  # noqa: E731
    with operate_bench(answer('pick up', points=2), view, wall=False) as bench:
        result = bench.operate(attempts=4)
    assert (result.outcome, len(result.attempts)) == (Result.HELD, 1)
    assert result.attempts[0].seen_text.startswith('not comparable')


def test_an_arm_that_does_not_get_back_is_not_taken_for_a_result() -> None:
    made: list[OperateBench] = []

    def view(closings: int) -> Any:
        if made:
            # What the gripper holds is stuck.
            made[0].arm.deaf = closings > 0
        return drawn(17 * closings)

    with operate_bench(answer('pick up', points=2), view) as bench:
        made.append(bench)
        status, result = bench.end(attempts=3)
    assert (status, result.outcome) == (GoalStatus.STATUS_ABORTED, Result.BLOCKED)
    assert len(result.attempts) == 1
    assert 'the arm did not get back to where it began' in result.attempts[0].felt_text
    assert result.attempts[0].seen_text == 'not visible: the arm is in front of the camera'


def test_nothing_is_tried_again_after_something_else_has_changed() -> None:
    view = lambda closings: drawn(elsewhere=19 * closings)  # noqa: E731
    with operate_bench(answer(points=3), view) as bench:
        result = bench.operate(attempts=5)
    assert (result.outcome, len(result.attempts)) == (Result.OTHER_CHANGED, 1)
    assert result.attempts[0].changed_elsewhere > 0.2


@pytest.mark.parametrize('sent', ['none', 'of before the request'])
def test_without_new_images_the_arm_does_not_move(
    monkeypatch: pytest.MonkeyPatch, sent: str
) -> None:
    monkeypatch.setattr('afformer_ros.planner.camera_client._PATIENCE', 0.5)
    view = lambda _: None if sent == 'none' else drawn()  # noqa: E731
    with operate_bench(answer(), view, lag=60 * 10**9) as bench:
        assert bench.reason(Result.NO_ANSWER).startswith('0 of 3 images arrived on /image')


@pytest.mark.slow
def test_a_demonstration_after_which_a_button_is_different_is_done_when_that_is_seen() -> None:
    made: list[OperateBench] = []

    def view(_: int) -> Any:
        acted = made and made[0].feedback[-1:] == [(Feedback.LOOKING_AGAIN, 1)]
        return drawn(19 if acted else 0)

    with operate_bench(answer('hold'), view, frames=(drawn(), drawn(19))) as bench:
        made.append(bench)
        result = bench.operate()
    assert (result.outcome, len(result.attempts)) == (Result.DONE, 1)


def test_for_what_is_not_found_the_contact_is_asked_for() -> None:
    absent = GroundDemonstration.Result(
        outcome=GroundDemonstration.Result.NOT_FOUND, message='presence is 0.12'
    )
    with operate_bench(lambda _: absent, lambda _: drawn(), frames=(drawn(), drawn())) as bench:
        reason = bench.reason(Result.NOT_FOUND)
    assert reason.startswith('presence is 0.12. Call /grounding/mark_contact with a cand')


@pytest.mark.parametrize(
    ('marked', 'advice'),
    [
        (False, 'Call /grounding/mark_contact with a candidate or a pixel: candidate 1 at 292,48'),
        (True, 'The contact is already marked; show the part from closer'),
    ],
)
def test_a_part_that_is_not_certain_asks_for_the_contact(marked: bool, advice: str) -> None:
    unsure = {'certainty': 0.41, 'certainty_threshold': 0.63}
    given = lambda _: found([point_at(POINT, NORMAL)], BASE, **unsure)  # noqa: E731
    with operate_bench(given, lambda _: drawn(), frames=(drawn(), drawn())) as bench:
        bench.grounding.marked = marked
        result = bench.operate()
    assert (result.outcome, bench.arm.messages) == (Result.UNSURE, [])
    assert result.message == f'not sure which part: certainty 0.41, threshold 0.63. {advice}'


def test_an_arm_that_is_stopped_on_its_way_ends_with_that_reason() -> None:
    with operate_bench(answer(points=2), lambda _: drawn(), speed=40.0) as bench:
        bench.arm.deaf = True
        result = bench.operate(attempts=4)
    assert (result.outcome, result.attempts) == (Result.BLOCKED, [])
    kinematics = bench.arm.kinematics
    back = kinematics.tip(np.array(bench.arm.messages[3].points[-1].positions))
    at = kinematics.tip(bench.arm.joints)
    # Three times there, back along the tool, and home; the second point is not tried.
    assert len(bench.arm.messages) == 5
    along = (back.translation - at.translation) @ at.rotation[:, 2]
    assert along == pytest.approx(-0.1, abs=5e-3)
    assert 'where it should move freely' in result.message


def test_a_goal_waits_until_the_grounding_node_is_active() -> None:
    with operate_bench(answer(), lambda closings: drawn(17 * closings)) as bench:
        bench.grounding.state = 'inactive'
        handle = bench.send()
        wait_until(lambda: bench.grounding.asked > 2)
        assert bench.grounding.goals.requests == []
        bench.grounding.state = 'active'
        assert result_of(handle).outcome == Result.DONE


def test_a_moving_arm_is_halted_when_its_joint_states_are_lost() -> None:
    with operate_bench(answer(), lambda _: drawn(), speed=4.0) as bench:
        handle = bench.send()
        wait_until(lambda: len(bench.arm.tracks) == 1)
        # What the computer takes is a fifth as long for the arm.
        bench.arm.speed = 0.2
        bench.arm.silent, lost = True, bench.arm.now
        wait_until(lambda: len(bench.arm.tracks) == 2)
        assert bench.arm.tracks[1].times[0] * 1e9 - lost < 0.5e9
        bench.arm.speed = 25.0
        result = result_of(handle)
        bench.assert_at_rest()
    assert result.outcome == Result.ARM_FAILED
    assert result.message.startswith('the arm was halted on its way: no joint state: 0.3 s have')


def test_a_goal_whose_time_limit_expires_halts_the_arm() -> None:
    limit = Duration(sec=2, nanosec=250_000_000)
    with operate_bench(answer(), lambda closings: drawn(17 * closings)) as bench:
        # Its seconds do not count for the next goal.
        assert bench.operate().outcome == Result.DONE
        begun, bench.arm.speed = bench.arm.now, 4.0
        status, result = bench.end(time_limit=limit)
        assert bench.arm.now - begun > 2.25e9
        bench.assert_at_rest()
    assert (status, result.outcome) == (GoalStatus.STATUS_ABORTED, Result.TIMED_OUT)
    assert 'the time limit of 2.25 s has expired' in result.message


def test_a_goal_that_is_canceled_while_it_looks_ends_at_once() -> None:
    with operate_bench(lambda _: None, lambda _: drawn()) as bench:
        handle = bench.send()
        wait_until(lambda: len(bench.grounding.goals.requests) == 1)
        handle.cancel_goal_async()
        result = result_of(handle)
        wait_until(lambda: bench.grounding.goals.canceled == 1)
    assert (result.outcome, bench.arm.messages) == (Result.CANCELED, [])
    assert 'the goal was canceled' in result.message


def test_a_goal_that_is_canceled_after_its_operation_does_not_stop_the_next(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    resting, canceled = threading.Event(), threading.Event()

    def come_to_rest(_: Any) -> None:
        resting.set()
        wait_until(canceled.is_set)

    monkeypatch.setattr(ActingArm, 'come_to_rest', come_to_rest)
    with operate_bench(answer(), lambda closings: drawn(17 * closings)) as bench:
        handle = bench.send()
        wait_until(resting.is_set)
        wait_for(handle.cancel_goal_async())
        canceled.set()
        assert [result_of(handle).outcome, bench.operate().outcome] == [Result.DONE, Result.DONE]


def interrupt(bench: OperateBench) -> None:
    """Cancel a goal while the arm moves."""
    handle = bench.send()
    wait_until(lambda: len(bench.arm.messages) > 3)
    handle.cancel_goal_async()
    result = result_of(handle)
    assert (result.outcome, result.attempts) == (Result.CANCELED, [])
    # A controller takes 0.3 s to halt.
    assert bench.arm.now * 1e-9 - bench.arm.tracks[-1].times[0] > 0.3
    bench.assert_at_rest()
    bench.arm.speed = 25.0


def test_a_canceled_arm_takes_the_next_goal_once_it_is_retracted() -> None:
    with operate_bench(answer(), lambda closings: drawn(17 * closings), speed=4.0) as bench:
        start = bench.arm.joints
        assert bench.retract() == (
            True, 'the arm does not stand where an action was interrupted; it stays'
        )  # fmt: skip
        interrupt(bench)
        halted, sent = bench.arm.joints, len(bench.arm.messages)
        assert np.abs(halted - start).max() > 0.1

        refused = bench.operate()

        assert refused.outcome == Result.REFUSED
        assert refused.message.startswith('the arm stands where an action was interrupted. Call ~')
        assert len(bench.arm.messages) == sent
        assert bench.retract() == (True, 'the arm is back where the interrupted action began')
        bench.assert_parked(start)
        # It has opened its gripper, and left the part along the tool.
        assert bench.arm.finger == 0.04
        away = bench.arm.kinematics.tip(bench.arm.tracks[-2].positions[-1]).translation
        assert (away - bench.arm.kinematics.tip(halted).translation) @ NORMAL > 0.06
        assert bench.operate().outcome == Result.DONE


def test_a_refused_goal_moves_no_arm_that_somebody_has_moved_away() -> None:
    with operate_bench(answer(), lambda _: drawn(), speed=4.0) as bench:
        interrupt(bench)
        elsewhere = bench.arm.joints + [0.6, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]
        bench.arm.tracks[-1].positions[:] = elsewhere
        wait_until(lambda: np.abs(bench.arm.joints - elsewhere).max() == 0)
        sent = len(bench.arm.messages)
        bench.grounding._answer = lambda _: GroundDemonstration.Result(
            outcome=GroundDemonstration.Result.REFUSED, message="there is no demonstration 'nope'"
        )

        refused = bench.operate(demonstrations=['nope'])

        assert refused.outcome == Result.REFUSED
        assert refused.message == "there is no demonstration 'nope'"
        assert (len(bench.arm.messages), bench.arm.joints.tolist()) == (sent, elsewhere.tolist())
        assert bench.retract()[1].endswith('it stays')


def test_an_arm_is_not_retracted_while_a_goal_is_open() -> None:
    with operate_bench(lambda _: None, lambda _: drawn()) as bench:
        handle = bench.send()
        assert bench.retract() == (
            False, 'another goal is open. Wait for its result, or cancel it'
        )  # fmt: skip
        handle.cancel_goal_async()
        assert result_of(handle).outcome == Result.CANCELED


def test_a_planner_that_is_stopped_halts_its_arm() -> None:
    with operate_bench(answer(), lambda _: drawn(), speed=4.0) as bench:
        handle = bench.send()
        wait_until(lambda: len(bench.arm.messages) > 3)
        threading.Thread(target=bench.planner.close).start()
        result = result_of(handle)
        # A controller takes 0.3 s to halt.
        assert bench.arm.now * 1e-9 - bench.arm.tracks[-1].times[0] > 0.3
        bench.assert_at_rest()
    assert result.outcome == Result.STOPPED
    assert 'the planner was stopped' in result.message


def test_a_second_goal_is_refused_while_one_is_open() -> None:
    with operate_bench(lambda _: None, lambda _: drawn()) as bench:
        handle = bench.send()
        second = bench.operate()
        handle.cancel_goal_async()
        assert result_of(handle).outcome == Result.CANCELED
    assert second.outcome == Result.REFUSED
    assert second.message == 'another goal is open. Wait for its result, or cancel it'


def test_a_scale_slows_all_motions_and_keeps_forces() -> None:
    parameters = PlannerParameters(
        speed_scale=0.4,
        joint_velocities=(1.5, 2.0, 1.0, 0.5, 3.0, 2.5, 0.8),
        joint_accelerations=(7.0,),
        joint_jerks=(80.0,),
        tip_speed=0.3,
        contact_speed=0.05,
        contact_force=12.0,
        maximum_force=45.0,
    )
    settings = motion_settings(parameters)
    limits = settings.limits
    assert limits.velocity == pytest.approx([0.6, 0.8, 0.4, 0.2, 1.2, 1.0, 0.32])
    assert limits.acceleration == pytest.approx([7.0] * 7)
    assert limits.jerk == pytest.approx([80.0] * 7)
    speeds_and_forces = (0.12, 0.02, 12.0, 45.0)
    assert tuple(vars(settings).values())[1:] == pytest.approx(speeds_and_forces)


def test_a_goal_has_its_own_speed_and_gripper() -> None:
    def fastest(bench: OperateBench) -> float:
        (first, *_) = bench.arm.messages
        return float(np.abs([point.velocities for point in first.points]).max())

    with operate_bench(answer(), lambda closings: drawn(17 * closings)) as bench:
        bench.operate()
        whole = fastest(bench)
        bench.arm.messages.clear()
        bench.arm.grips.clear()
        bench.operate(speed_scale=0.4, gripper_range=[0.03, 0.002], gripper_effort=12.5)
        assert fastest(bench) == pytest.approx(0.4 * whole, rel=0.1)
        grips = [grip.points[0] for grip in bench.arm.grips]
    # The part is said to be 0 mm wide, and the gripper opens 3 cm.
    assert grips[0].positions[0] == pytest.approx(0.002 + 0.028 * 0.03 / 0.08)
    assert [grip.positions[0] for grip in grips[1:3]] == [0.002, 0.002]
    assert {grip.effort[0] for grip in grips} == {12.5}


def test_fields_that_are_out_of_range_are_refused() -> None:
    with operate_bench(answer(), lambda _: drawn()) as bench:
        results = [
            bench.operate(**goal)
            for goal in (
                {'attempts': 11},
                {'action': 'press'},
                {'demonstrations': ['a', 'a']},
                {'time_limit': Duration(nanosec=300_000_000)},
                {'speed_scale': 1.5},
                {'maximum_force': -3.0},
                {'gripper_range': [0.03]},
            )
        ]
    assert [result.outcome for result in results] == [Result.REFUSED] * 7
    assert 'attempts is 11; expected at most 10' in results[0].message
    assert "action is 'press'; expected one of hold, touch, rotate" in results[1].message
    assert "'a+a' names a demonstration twice" in results[2].message
    assert 'time_limit is 0.3; expected 1.0 to 86400.0 seconds, or 0' in results[3].message
    assert 'speed_scale is 1.5; expected 0.01 to 1.0' in results[4].message
    assert 'maximum_force is -3.0; expected 1.0 to 500.0' in results[5].message
    assert 'gripper_range is [0.03]; expected the positions of the open and' in results[6].message
    assert bench.arm.messages == []


class Scripted:
    """Finds the part a number of times, and feels nothing; nothing changes in the images."""

    compliant = False

    def __init__(self, times: int, felt: str) -> None:
        self.arm = self
        self.left = times
        self.felt = felt

    def find(self, demonstrations: Sequence[str], action: str) -> list[ArmContact]:
        if not self.left:
            raise NotFoundError('presence is 0.12')
        self.left -= 1
        return [ELEMENT]

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

# SPDX-License-Identifier: Apache-2.0
"""Shares of the report of robot trials, from literal trials."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

pytest.importorskip('rclpy')

from afformer_ros.robot_trials.report import build_robot_report
from afformer_ros.robot_trials.trials import (
    ARM_FAILED,
    NO_ANSWER,
    NOT_FOUND,
    REFUSED,
    ArmAttempt,
    RobotTrial,
)

DONE, OTHER = (
    ArmAttempt('done', 'touched', 'touch', 2, seen=True),
    ArmAttempt('wrong element', 'touched', 'touch', 1, seen=True, succeeded=True),
)
SUCCEEDED = replace(DONE, succeeded=True)


def trial(scene: int, action: str, model: ArmAttempt, **fields: Any) -> RobotTrial:
    """A trial of a drawer, without baselines."""
    given = {'seed': 505, 'family': 'drawers', 'kind': 'drawer'}
    baselines = {'right_pixel': None, 'random_element': None}
    return RobotTrial(scene=scene, action=action, model=model, **{**given, **baselines, **fields})


@pytest.fixture
def trials() -> list[RobotTrial]:
    keypad = {'family': 'keypad', 'kind': 'button', 'right_pixel': DONE, 'random_element': OTHER}
    missed = ArmAttempt(NOT_FOUND, '')
    return [
        trial(0, 'touch', DONE, **keypad),
        trial(1, 'hold', OTHER, **keypad),
        trial(2, 'touch', missed, right_pixel=DONE, random_element=DONE),
        trial(3, 'touch', DONE),
    ]


def test_trials_are_counted_by_what_they_are_a_share_of(trials: list[RobotTrial]) -> None:
    numbers = build_robot_report(trials, {}).to_json()['measures']
    everything = numbers['all']
    assert everything['trials'] == 4
    assert everything['success']['value'] == 0.5
    assert everything['wrong_element']['value'] == 0.25
    # Attempts that were not made do not count.
    assert everything['right_pixel']['value'] == 1.0
    assert everything['random_element']['value'] == pytest.approx(1 / 3)
    # The other element that moved was seen as done; what did not act is not asked.
    told = everything['told_right']
    assert (told['value'], told['count']) == (pytest.approx(2 / 3), 3)
    # One of two goals has succeeded at another element.
    false = build_robot_report([*trials, trial(4, 'pull', SUCCEEDED)], {}).to_json()
    assert false['measures']['all']['false_success']['value'] == 0.5
    assert numbers['by_family']['drawers']['success']['value'] == 0.5
    assert numbers['by_action']['hold']['success']['value'] == 0.0
    assert numbers['by_attempts'] == {'2': 2}
    # The most frequent first.
    assert list(numbers['verdicts'].items()) == [('done', 2), ('wrong element', 1), (NOT_FOUND, 1)]
    without = build_robot_report(trials[3:], {}).to_json()['measures']['all']
    assert without['right_pixel'] is None


def test_trials_in_which_the_contact_was_marked_are_counted(trials: list[RobotTrial]) -> None:
    trials[2] = replace(trials[2], model=replace(DONE, marked=True))
    measures = build_robot_report(trials, {}).to_json()['measures']
    assert measures['all']['marked']['value'] == 0.25
    assert measures['by_family']['drawers']['marked']['value'] == 0.5


@pytest.mark.parametrize('verdict', [NO_ANSWER, REFUSED, ARM_FAILED])
def test_a_trial_without_an_answer_does_not_count_as_a_failure(
    trials: list[RobotTrial], verdict: str
) -> None:
    silent = ArmAttempt(verdict, 'why')
    trials.append(trial(4, 'pull', silent, right_pixel=silent, random_element=DONE))
    report = build_robot_report(trials, {})
    everything = report.to_json()['measures']['all']
    assert (everything['trials'], everything['unanswered']) == (5, 1)
    assert everything['success']['value'] == 0.5
    assert everything['success']['count'] == 4
    assert everything['right_pixel']['value'] == 1.0
    assert everything['random_element']['value'] == 0.5
    assert report.to_json()['measures']['by_action']['pull']['success'] is None
    assert report.to_json()['measures']['verdicts'][verdict] == 1


def test_scenes_of_the_same_number_and_different_seeds_are_drawn_apart(
    trials: list[RobotTrial],
) -> None:
    done, other = trials[0], replace(trials[1], scene=0)
    for seed, interval in ((505, (0.5, 0.5)), (606, (0.0, 1.0))):
        pair = [done, replace(other, seed=seed)]
        success = build_robot_report(pair, {}).to_json()['measures']['all']['success']
        assert (success['low'], success['high']) == interval


def test_what_is_absent_counts_as_refused_or_not_and_nowhere_else(
    trials: list[RobotTrial],
) -> None:
    trials += [
        trial(4, 'pull', ArmAttempt(NOT_FOUND, ''), presence='look-alike'),
        trial(5, 'pull', OTHER, presence='look-alike'),
        trial(6, 'pull', ArmAttempt(NOT_FOUND, ''), presence='absent'),
        trial(7, 'pull', ArmAttempt(NO_ANSWER, ''), presence='absent'),
    ]
    measures = build_robot_report(trials, {}).to_json()['measures']
    assert measures['all']['success']['count'] == 4
    assert measures['all']['refused']['value'] == pytest.approx(2 / 3)
    assert measures['by_presence']['look-alike']['refused']['value'] == 0.5
    assert measures['by_presence']['look-alike']['success'] is None
    assert measures['verdicts'] == {
        'done': 2,
        'wrong element': 1,
        'not found': 1,
        'look-alike: refused': 1,
        'look-alike: acted': 1,
        'absent: refused': 1,
        'no answer': 1,
    }

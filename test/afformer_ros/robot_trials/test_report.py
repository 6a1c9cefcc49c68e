# SPDX-License-Identifier: Apache-2.0
"""Shares of the report of robot trials, from literal trials."""

from __future__ import annotations

import pytest

pytest.importorskip('rclpy')

from afformer_ros.robot_trials.attempt import (
    ARM_FAILED,
    NO_ANSWER,
    NOT_FOUND,
    REFUSED,
    ArmAttempt,
)
from afformer_ros.robot_trials.report import build_robot_report
from afformer_ros.robot_trials.trials import RobotTrial

DONE, OTHER = (
    ArmAttempt('done', 'touched', 'touch'),
    ArmAttempt('another element', 'touched', 'touch'),
)


@pytest.fixture
def trials() -> list[RobotTrial]:
    return [
        RobotTrial(0, 'keypad', 'button', 'touch', DONE, DONE, OTHER),
        RobotTrial(1, 'keypad', 'button', 'hold', OTHER, DONE, OTHER),
        RobotTrial(2, 'drawers', 'drawer', 'touch', ArmAttempt(NOT_FOUND, ''), DONE, DONE),
        RobotTrial(3, 'drawers', 'drawer', 'touch', DONE, None, None),
    ]


def test_success_counts_what_is_done_of_all_trials(trials: list[RobotTrial]) -> None:
    numbers = build_robot_report(trials, {}).to_json()['measures']
    everything = numbers['all']
    assert everything['trials'] == 4
    assert everything['success']['value'] == 0.5
    assert numbers['by_family']['drawers']['success']['value'] == 0.5
    assert numbers['by_action']['hold']['success']['value'] == 0.0


def test_attempts_that_were_not_made_do_not_count(trials: list[RobotTrial]) -> None:
    everything = build_robot_report(trials, {}).to_json()['measures']['all']
    assert everything['right_pixel']['value'] == 1.0
    assert everything['random_element']['value'] == pytest.approx(1 / 3)
    without = build_robot_report(trials[3:], {}).to_json()['measures']['all']
    assert without['right_pixel'] is None


def test_verdicts_are_counted_most_frequent_first(trials: list[RobotTrial]) -> None:
    verdicts = build_robot_report(trials, {}).to_json()['measures']['verdicts']
    assert list(verdicts.items()) == [('done', 2), ('another element', 1), (NOT_FOUND, 1)]


@pytest.mark.parametrize('verdict', [NO_ANSWER, REFUSED, ARM_FAILED])
def test_a_trial_without_an_answer_does_not_count_as_a_failure(
    trials: list[RobotTrial], verdict: str
) -> None:
    silent = ArmAttempt(verdict, 'why')
    trials.append(RobotTrial(4, 'drawers', 'drawer', 'pull', silent, silent, DONE))
    report = build_robot_report(trials, {})
    everything = report.to_json()['measures']['all']
    assert (everything['trials'], everything['unanswered']) == (5, 1)
    assert everything['success']['value'] == 0.5
    assert everything['success']['count'] == 4
    assert everything['right_pixel']['value'] == 1.0
    assert everything['random_element']['value'] == 0.5
    assert report.to_json()['measures']['by_action']['pull']['success'] is None
    assert report.to_json()['measures']['verdicts'][verdict] == 1

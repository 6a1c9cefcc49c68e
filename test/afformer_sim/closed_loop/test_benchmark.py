# SPDX-License-Identifier: Apache-2.0
"""A model in the closed loop: what is tried, and what is told of it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from afformer_core.actions import OPRA_ACTIONS
from afformer_core.errors import ModelFolderError
from afformer_core.models import afformer_small
from afformer_core.runtime import ArrayGrounder
from afformer_core.runtime.networks import Networks
from afformer_core.runtime.prediction import Prediction
from afformer_core.runtime.sessions.torch_session import TorchSession
from afformer_sim.closed_loop import benchmark
from afformer_sim.closed_loop.benchmark import (
    ClosedLoopTrial,
    PointOutcomes,
    closed_loop_trials,
)
from afformer_sim.closed_loop.report import build_closed_loop_report
from afformer_sim.closed_loop.settings import ClosedLoopSettings
from afformer_sim.closed_loop.trial import AttemptOutcome, AttemptVerdict
from afformer_sim.scene.demonstration import SimulatedDemonstration, render_clip
from afformer_sim.scene.renderer import Renderer
from afformer_sim.scene.scene import Scene

from ...afformer_core.conftest import random_model

SETTINGS = ClosedLoopSettings(
    scenes=2, families=('keypad', 'control_panel'), demonstrations=1, views=2, noises=(0.0,)
)
DONE, MISSED = (
    AttemptOutcome(AttemptVerdict.DONE, 0),
    AttemptOutcome(AttemptVerdict.WRONG_ELEMENT, 1, (1,)),
)


def trials(
    settings: ClosedLoopSettings, actions: tuple[str, ...] = OPRA_ACTIONS
) -> Iterator[ClosedLoopTrial]:
    """Of a model that knows nothing."""
    configuration = afformer_small(actions, (64, 96))
    grounder = ArrayGrounder(
        configuration, Networks(configuration, TorchSession(random_model(configuration)))
    )
    return closed_loop_trials(grounder, settings)


@pytest.fixture(scope='module')
def tried() -> list[ClosedLoopTrial]:
    return list(trials(SETTINGS))


def test_every_demonstration_is_tried_in_every_view(tried: list[ClosedLoopTrial]) -> None:
    assert [(trial.scene, trial.family) for trial in tried] == [
        (0, 'keypad'), (0, 'keypad'), (1, 'control_panel'), (1, 'control_panel'),
    ]  # fmt: skip
    assert SETTINGS.trials == 4
    assert all(list(trial.attempts) == [0.0, 0.005] for trial in tried)
    assert len({trial.viewpoint for trial in tried}) == 4
    assert all(0 <= trial.viewpoint < 90 for trial in tried)


def test_the_right_pixel_and_action_succeed(tried: list[ClosedLoopTrial]) -> None:
    assert all(trial.attempts[0.0].shown.done for trial in tried)


def test_the_same_settings_try_the_same(tried: list[ClosedLoopTrial]) -> None:
    assert next(trials(SETTINGS)) == tried[0]


def test_performances_are_of_one_action_and_grounded_together(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    named: list[tuple[str, ...]] = []
    planned: list[tuple[int, str]] = []

    def predict(grounder: ArrayGrounder, image: np.ndarray, *names: str) -> Prediction:
        named.append(names)
        first, second = (grounder.demonstration(name).memory.decoder.values for name in names)
        assert not np.array_equal(first, second)
        return original(grounder, image, *names)

    def render(
        renderer: Renderer, scene: Scene, shown: SimulatedDemonstration, frames: int
    ) -> np.ndarray:
        planned.append((shown.element, shown.action))
        return render_clip(renderer, scene, shown, frames)

    original = ArrayGrounder.predict
    monkeypatch.setattr(ArrayGrounder, 'predict', predict)
    monkeypatch.setattr(benchmark, 'render_clip', render)
    list(trials(replace(SETTINGS, scenes=1, views=1, demonstrations=2, performances=2)))
    assert named == [('performance 0', 'performance 1')] * 2
    assert planned[0] == planned[1] != planned[2] == planned[3]


def test_the_report_can_be_printed_and_stored(tried: list[ClosedLoopTrial]) -> None:
    report = build_closed_loop_report(tried, SETTINGS, {'model': 'random'})
    text = report.to_markdown()
    assert '- noise of depth: 0.5 %' in text
    assert text.count('### ') == 5
    assert json.loads(json.dumps(report.to_json()))['measures']['all']['trials'] == 4


def test_a_model_of_other_actions_is_refused() -> None:
    with pytest.raises(ModelFolderError, match='has the actions press, hold, push'):
        next(trials(SETTINGS, ('press', 'hold', 'push')))


def make_trial(
    scene: int, action: str, named: str, viewpoint: float, **outcomes: Any
) -> ClosedLoopTrial:
    attempt = PointOutcomes(
        **{'read': DONE, 'told': DONE, 'shown': DONE, 'error': 0.002, **outcomes}
    )
    return ClosedLoopTrial(
        scene=scene,
        family='keypad',
        kind='button',
        action=action,
        read=named,
        element=0,
        elements=4,
        viewpoint=viewpoint,
        attempts={0.0: attempt, 0.005: attempt},
    )


def test_the_report_counts() -> None:
    given = [
        make_trial(0, 'touch', 'touch', 10.0),
        replace(
            make_trial(
                0,
                'touch',
                'hold',
                20.0,
                read=AttemptOutcome(AttemptVerdict.NOT_DONE, 0),
                error=0.004,
            ),
            kind='knob',
        ),
        make_trial(1, 'hold', 'hold', 50.0, read=MISSED, told=MISSED, error=0.3),
        make_trial(1, 'hold', 'hold', 50.0, read=MISSED, told=MISSED, shown=MISSED, error=None),
    ]
    report = build_closed_loop_report(given, SETTINGS, {})
    measures = report.to_json()['measures']
    everything = measures['all']
    assert everything['trials'] == 4
    assert measures['scenes'] == 2
    assert everything['success'] == {
        'value': 0.25, 'low': 0.0, 'high': 0.5, 'count': 4, 'confidence': 0.95,
    }  # fmt: skip
    assert everything['success_given_the_action']['value'] == 0.5
    assert everything['right_element']['value'] == 0.5
    assert everything['success_at_right_pixel']['value'] == 0.75
    assert everything['error_mm']['value'] == 3
    assert everything['action_read']['value'] == 0.75
    assert everything['chance'] == 0.25
    assert list(measures['by_family']) == ['keypad']
    assert list(measures['by_action']) == ['hold', 'touch']
    kinds = measures['by_kind']
    assert {name: each['trials'] for name, each in kinds.items()} == {'button': 3, 'knob': 1}
    assert kinds['button']['error_mm']['value'] == 2
    assert kinds['knob']['error_mm']['value'] == 4
    assert list(measures['by_noise']) == ['0 %', '0.5 %']
    views = {name: each['trials'] for name, each in measures['by_viewpoint'].items()}
    assert views == {'0 to 15°': 1, '15 to 30°': 1, 'from 45°': 2}
    assert measures['verdicts']['another element'] == {
        'action_read': 0.5, 'given_the_action': 0.5, 'right_pixel': 0.25,
    }  # fmt: skip


def test_no_trial_is_no_report() -> None:
    with pytest.raises(ValueError, match='expected at least one'):
        build_closed_loop_report([], SETTINGS, {})


@pytest.mark.parametrize(
    ('fields', 'message'),
    [
        ({'families': ('spoon',)}, 'families are spoon; expected some of'),
        ({'scenes': 0}, 'are 0, 1, 1, 2, 8; expected each at least 1'),
        ({'size': (16, 16)}, 'at least 32 x 32'),
        ({'seed': -1}, 'seed is -1; expected at least 0'),
        ({'noises': (-0.1,)}, 'noise is -0.1, .* expected noise of at least 0'),
    ],
)
def test_impossible_settings_are_refused(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        replace(SETTINGS, **fields)

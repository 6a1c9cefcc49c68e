# SPDX-License-Identifier: Apache-2.0
"""The movements that the camera of the simulated robot sees between two images."""

from __future__ import annotations

import pytest

pytest.importorskip('mink', reason='the extra robot is not installed')

from afformer_core.changes.outcome import Seen
from afformer_sim.closed_loop.trial import ClosedLoopSettings, plan_trials
from studies.seen_outcomes import compared_images


def test_a_lid_that_is_lifted_is_seen_and_another_one_is_something_else() -> None:
    settings = ClosedLoopSettings(families=('jars',), seed=5101)
    trials = (plan_trials(settings, index)[0] for index in range(20))
    trial = next(trial for trial in trials if trial.task.action == 'pick up')
    seen = {images.state: images.seen() for images in compared_images(trial)}
    assert seen.pop('15 % of the way') in (Seen.DONE, Seen.NOT_DONE)
    assert seen == {
        'not moved': Seen.NOT_DONE,
        '30 % of the way': Seen.DONE,
        '60 % of the way': Seen.DONE,
        'at the goal': Seen.DONE,
        'another part at its goal': Seen.OTHER_CHANGED,
    }

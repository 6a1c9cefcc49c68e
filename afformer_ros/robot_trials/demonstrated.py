# SPDX-License-Identifier: Apache-2.0
"""The choice of the demonstration of a trial: of its own element, or of something else."""

from __future__ import annotations

from enum import Enum

from afformer_sim.closed_loop.settings import ClosedLoopSettings
from afformer_sim.closed_loop.trial_plan import PlannedTrial, plan_trials

# One of so many trials shows a demonstration of something that is not there.
PERIOD = 5
# Number of the first scene that no trial uses.
_ELSEWHERE = 10_000


class Presence(Enum):
    """Whether the demonstrated element is in front of the robot."""

    PRESENT = 'present'
    LOOK_ALIKE = 'look-alike'
    ABSENT = 'absent'


def demonstrated_trial(
    settings: ClosedLoopSettings, index: int, *, absences: bool
) -> tuple[PlannedTrial, Presence]:
    """Return the trial whose demonstration is shown in the trial of a scene.

    Args:
        settings: settings of the benchmark.
        index: number of the scene.
        absences: whether every fifth trial shows something that is not there: in turn, an element
            of another scene of the same family, which looks alike, and of another family.
    """
    if not absences or index % PERIOD != PERIOD - 1:
        return plan_trials(settings, index)[0], Presence.PRESENT
    families = len(settings.families)
    alike = index // PERIOD % 2 == 0 or families == 1
    # The families take turns by the number of the scene.
    other = (_ELSEWHERE // families) * families + index + (0 if alike else 1)
    presence = Presence.LOOK_ALIKE if alike else Presence.ABSENT
    return plan_trials(settings, other)[0], presence

# SPDX-License-Identifier: Apache-2.0
"""Measures of the published directions of motion, where element and action are right."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from afformer_core.offline.reports.bootstrap import Estimate, bootstrap_mean, bootstrap_median
from afformer_sim.bodies.element import ACTIONS
from afformer_sim.closed_loop.benchmark import ClosedLoopTrial


@dataclass(frozen=True)
class DirectionMeasures:
    """Measures of the directions of motion of a group of trials.

    Attributes:
        trials: number of trials in which the finger touched the right element first, and the
            model read the right action.
        known: share of those in which the motion is known.
        error: median angle between the published and the true direction, degrees; for rotations,
            between the axes regardless of sense.
        sense: share of the known rotations with the right sense; None if there are none.
    """

    trials: int
    known: Estimate | None
    error: Estimate | None
    sense: Estimate | None


def measure_motions(
    trials: Sequence[ClosedLoopTrial], noise: float
) -> dict[str, DirectionMeasures]:
    """Measure the directions of motion at a noise of depth, for all actions and for each."""
    judged = [
        trial
        for trial in trials
        if trial.attempts[noise].told.first_contact == trial.element and trial.read == trial.action
    ]
    groups = {name: [trial for trial in judged if trial.action == name] for name in ACTIONS}
    return {
        name: _measure(chosen, noise)
        for name, chosen in {'all': judged, **groups}.items()
        if chosen
    }


def _measure(trials: Sequence[ClosedLoopTrial], noise: float) -> DirectionMeasures:
    scenes = [trial.scene for trial in trials]
    angles = [trial.attempts[noise].motion_error for trial in trials]
    errors = [math.nan if angle is None else angle for angle in angles]
    # a comparison with NaN is false, and an axis has no sense
    rotations = [trial.action == 'rotate' for trial in trials]
    pairs = list(zip(errors, rotations, strict=True))
    axes = [min(error, 180 - error) if turns else error for error, turns in pairs]
    senses = [float(error < 90) if turns and error >= 0 else math.nan for error, turns in pairs]
    return DirectionMeasures(
        len(trials),
        bootstrap_mean([float(angle is not None) for angle in angles], scenes),
        bootstrap_median(axes, scenes),
        bootstrap_mean(senses, scenes),
    )

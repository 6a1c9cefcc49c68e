# SPDX-License-Identifier: Apache-2.0
"""The record of one camera image of a replay, and its scores."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from afformer_core.stream.pipeline import ComposedResult

FOUND, HELD, ABSTAINED, UNREADABLE = 'found', 'held', 'abstained', 'unreadable'
STAGES = ('decode', 'predict', 'stream', 'messages')


@dataclass(frozen=True)
class ImageScores:
    """Scores of a grounding against the annotations; None if they cannot be computed.

    Attributes:
        peak_pixels: distance from the best peak to the mean of the annotated points.
        peak_millimetres: distance from the measured position to the annotated one.
        normal_degrees: angle between the measured normal and the annotated one.
        inside: whether the best peak lies inside the outline.
    """

    peak_pixels: float | None
    peak_millimetres: float | None
    normal_degrees: float | None
    inside: bool | None


@dataclass(frozen=True)
class ReplayedImage:
    """One camera image of a replay.

    Attributes:
        stamp: stamp of its header, nanoseconds.
        time: time at which it was recorded, nanoseconds.
        state: `FOUND`, `HELD` (found, but in an earlier image), `ABSTAINED` or `UNREADABLE`.
        presence: see `StreamedGrounding`; None if it is unreadable or the model is not
            calibrated.
        certainty: see `Grounding`; None if it is unreadable or not known.
        confidence, feature_similarity, continuity, age: see `StreamedGrounding`; 0 if it is
            unreadable.
        action: name of the best one; empty if it is unreadable.
        peak: (u, v, score) of the best peak; None if nothing was found.
        position, normal: [3] of the best peak in the camera's frame, if they are published.
        restart: reason why earlier images were not used; empty if they were.
        problem: reason why there is no position, or why the image is unreadable; empty otherwise.
        milliseconds: milliseconds of each of `STAGES`.
        scores: against the annotations; None without annotations.
    """

    stamp: int
    time: int
    state: str
    presence: float | None
    certainty: float | None
    confidence: float
    feature_similarity: float
    continuity: float
    age: float
    action: str
    peak: tuple[float, float, float] | None
    position: NDArray[np.float64] | None
    normal: NDArray[np.float64] | None
    restart: str
    problem: str
    milliseconds: Mapping[str, float]
    scores: ImageScores | None

    def __post_init__(self) -> None:
        if self.state not in (FOUND, HELD, ABSTAINED, UNREADABLE):
            raise ValueError(f'{self.state!r} is not the state of an image')
        if (self.peak is not None) != (self.state in (FOUND, HELD)):
            raise ValueError(f'an image that is {self.state} has the peak {self.peak}')

    @classmethod
    def unreadable(cls, stamp: int, time: int, problem: str) -> ReplayedImage:
        """Create the record of an image that cannot be grounded."""
        return cls(
            stamp=stamp,
            time=time,
            state=UNREADABLE,
            presence=None,
            certainty=None,
            confidence=0.0,
            feature_similarity=0.0,
            continuity=0.0,
            age=0.0,
            action='',
            peak=None,
            position=None,
            normal=None,
            restart='',
            problem=problem,
            milliseconds={},
            scores=None,
        )

    @classmethod
    def of(
        cls,
        stamp: int,
        time: int,
        composed: ComposedResult,
        milliseconds: Mapping[str, float],
        scores: ImageScores | None,
    ) -> ReplayedImage:
        """Create the record of a grounded image."""
        result = composed.result
        peak, surface = result.grounding.peaks[0], result.surfaces[0]
        problem = surface.problem or composed.placement.problem
        shown = result.found
        return cls(
            stamp=stamp,
            time=time,
            state=(HELD if result.held else FOUND) if shown else ABSTAINED,
            presence=result.presence,
            certainty=result.grounding.certainty,
            confidence=result.confidence,
            feature_similarity=result.feature_similarity,
            continuity=result.continuity,
            age=result.age,
            action=result.grounding.action,
            peak=(peak.u, peak.v, peak.score) if shown else None,
            position=surface.position if shown and not problem else None,
            normal=surface.normal if shown and not problem else None,
            restart=result.restart,
            problem=problem if shown else '',
            milliseconds=milliseconds,
            scores=scores,
        )

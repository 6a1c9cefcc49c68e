# SPDX-License-Identifier: Apache-2.0
"""Accuracy of a hand detector on annotated images, and its report."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from afformer_core.hands.average_precision import (
    Findings,
    area_precision,
    eleven_point_precision,
    hands_found,
    interactions_found,
    states_found,
)
from afformer_core.hands.detector import HandDetector
from afformer_core.hands.frame_stack import NOW
from afformer_core.hands.hand import Hand
from afformer_core.hands.hand_annotations import AnnotatedPicture
from afformer_core.media.image_files import read_image
from afformer_core.media.video import VideoFrame
from afformer_core.reports.named_numbers import to_json
from afformer_core.reports.tables import Table

# Seconds from one of the simulator's neighbours to the next, about.
_INTERVAL = 0.25


PRECISION_COLUMNS = {'hands': 'hands', 'eleven_points': 'eleven points', 'area': 'area'}
INTERACTION_COLUMNS = {'found': 'found', 'precision': 'precision', 'recall': 'recall'}


@dataclass(frozen=True)
class PrecisionMeasures:
    """Average precision at an overlap of a half; see `average_precision`.

    Attributes:
        hands: that are annotated.
        eleven_points: as 100DOH and VOC 2007 count.
        area: as VOC 2010 and later.
    """

    hands: int
    eleven_points: float
    area: float


@dataclass(frozen=True)
class InteractionMeasures:
    """The hands that a detector counts as interactions.

    Attributes:
        minimum_score: that it counts them from.
        found: how many.
        precision: share of them that is right; None where none is found.
        recall: share of the annotated ones that is found; None where none is annotated.
    """

    minimum_score: float
    found: int
    precision: float | None
    recall: float | None


@dataclass(frozen=True)
class DetectorMeasures:
    """Every number of the evaluation of a hand detector.

    Attributes:
        hand: of hands.
        hand_and_interaction: of hands with what the detector says of their contact.
        interaction_alone: of hands in contact.
        interactions: of the hands that it counts as interactions.
    """

    hand: PrecisionMeasures
    hand_and_interaction: PrecisionMeasures
    interaction_alone: PrecisionMeasures
    interactions: InteractionMeasures


@dataclass(frozen=True)
class DetectorReport:
    """The evaluation of a hand detector.

    Attributes:
        facts: what was measured, on what.
        measures: its numbers.
    """

    facts: tuple[tuple[str, str], ...]
    measures: DetectorMeasures

    def tables(self) -> tuple[Table, Table]:
        """Average precisions, and what counts as interactions."""
        measures = self.measures
        precision = Table.of(
            'AP50',
            PRECISION_COLUMNS,
            {
                'hand': vars(measures.hand),
                'hand + interaction': vars(measures.hand_and_interaction),
                'interaction alone': vars(measures.interaction_alone),
            },
            (
                'eleven points: as 100DOH and VOC 2007 count; area: as VOC 2010 and later.',
                'hand + interaction: a hand counts as found where the detector is also right '
                'about whether it touches an object; interaction alone: hands in contact only.',
            ),
        )
        label = f'score of at least {measures.interactions.minimum_score:g}'
        rows = {label: vars(measures.interactions)}
        return precision, Table.of('Interactions', INTERACTION_COLUMNS, rows)

    def to_markdown(self) -> str:
        """Facts and tables."""
        lines = [f'{name}: {value}' for name, value in self.facts]
        precision, interactions = (table.to_markdown() for table in self.tables())
        return '\n'.join([*lines, '', precision, '', interactions])

    def to_json(self) -> dict[str, Any]:
        """Facts and measures as JSON types."""
        return {'facts': dict(self.facts), 'measures': to_json(self.measures)}


def detect_in_pictures(
    detector: HandDetector, pictures: Iterable[AnnotatedPicture]
) -> Iterator[tuple[Hand, ...]]:
    """The hands of each picture, which is a video of its own: it and its neighbours, if any.

    Raises:
        ImageError: a picture cannot be read.
    """
    for picture in pictures:
        before, after = picture.neighbours[:NOW], picture.neighbours[NOW:]
        paths = (*before, picture.image, *after)
        video = [VideoFrame(i * _INTERVAL, read_image(path)) for i, path in enumerate(paths)]
        yield detector.detect_one(video, len(before))


def report_detector(
    detector: HandDetector,
    pictures: Sequence[AnnotatedPicture],
    detected: Sequence[Sequence[Hand]],
    dataset: str,
) -> DetectorReport:
    """Measure.

    Args:
        detector: that was used.
        pictures: that it saw.
        detected: hands in each of them.
        dataset: name of them all.
    """
    annotated = [picture.hands for picture in pictures]
    interactions = interactions_found(detected, annotated)
    facts = (('detector', detector.name), ('pictures', f'{len(pictures)} of {dataset}'))
    measures = DetectorMeasures(
        hand=_precision(hands_found(detected, annotated)),
        hand_and_interaction=_precision(states_found(detected, annotated)),
        interaction_alone=_precision(interactions),
        interactions=_interactions(interactions, detector),
    )
    return DetectorReport(facts, measures)


def _precision(found: Findings) -> PrecisionMeasures:
    return PrecisionMeasures(
        hands=found.wanted,
        eleven_points=eleven_point_precision(found),
        area=area_precision(found),
    )


def _interactions(found: Findings, detector: HandDetector) -> InteractionMeasures:
    counted = found.scores >= detector.interaction_score
    right, count = int(found.right[counted].sum()), int(counted.sum())
    return InteractionMeasures(
        minimum_score=detector.interaction_score,
        found=count,
        precision=right / count if count else None,
        recall=right / found.wanted if found.wanted else None,
    )

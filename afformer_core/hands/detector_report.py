# SPDX-License-Identifier: Apache-2.0
"""Accuracy of a hand detector on annotated images, and its report."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from afformer_core.hands.average_precision import (
    RankedDetections,
    area_precision,
    eleven_point_precision,
    hands_found,
    interactions_found,
    states_found,
)
from afformer_core.hands.detector import HandDetector
from afformer_core.hands.frame_stack import NOW
from afformer_core.hands.hand import Hand
from afformer_core.hands.hand_annotations import AnnotatedImage
from afformer_core.media.images import read_image
from afformer_core.media.video import VideoFrame
from afformer_core.reports.named_numbers import to_json
from afformer_core.reports.tables import Table

# Approximate seconds between the simulator's neighbouring frames.
_INTERVAL = 0.25


PRECISION_COLUMNS = {'hands': 'hands', 'eleven_points': 'eleven points', 'area': 'area'}
INTERACTION_COLUMNS = {'found': 'found', 'precision': 'precision', 'recall': 'recall'}


@dataclass(frozen=True)
class PrecisionMeasures:
    """Average precision at an overlap of one half (see `average_precision`).

    Attributes:
        hands: number of annotated hands.
        eleven_points: average precision of 100DOH and VOC 2007.
        area: average precision of VOC 2010 and later.
    """

    hands: int
    eleven_points: float
    area: float


@dataclass(frozen=True)
class InteractionMeasures:
    """Precision and recall of the hands that count as interactions.

    Attributes:
        minimum_score: minimum score of a hand that counts.
        found: number of hands that count.
        precision: share of these that is right; None if none is found.
        recall: share of the annotated ones that is found; None if none is annotated.
    """

    minimum_score: float
    found: int
    precision: float | None
    recall: float | None


@dataclass(frozen=True)
class DetectorMeasures:
    """All measures of a hand detector.

    Attributes:
        hand: for hands.
        hand_and_interaction: for hands with the right contact.
        interaction_alone: for hands in contact.
        interactions: for hands that count as interactions.
    """

    hand: PrecisionMeasures
    hand_and_interaction: PrecisionMeasures
    interaction_alone: PrecisionMeasures
    interactions: InteractionMeasures


@dataclass(frozen=True)
class DetectorReport:
    """The evaluation of a hand detector.

    Attributes:
        facts: facts about the detector and the data, by name.
        measures: the measures.
    """

    facts: tuple[tuple[str, str], ...]
    measures: DetectorMeasures

    def tables(self) -> tuple[Table, Table]:
        """Return the table of average precisions and the table of interactions."""
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
                'eleven points: as in 100DOH and VOC 2007; area: as in VOC 2010 and later.',
                'hand + interaction: a hand counts as found if the detector is also right about '
                'its contact with an object; interaction alone: only hands in contact.',
            ),
        )
        label = f'score of at least {measures.interactions.minimum_score:g}'
        rows = {label: vars(measures.interactions)}
        return precision, Table.of('Interactions', INTERACTION_COLUMNS, rows)

    def to_markdown(self) -> str:
        """Return facts and tables as Markdown."""
        lines = [f'{name}: {value}' for name, value in self.facts]
        precision, interactions = (table.to_markdown() for table in self.tables())
        return '\n'.join([*lines, '', precision, '', interactions])

    def to_json(self) -> dict[str, Any]:
        """Return facts and measures as JSON types."""
        return {'facts': dict(self.facts), 'measures': to_json(self.measures)}


def detect_in_images(
    detector: HandDetector, images: Iterable[AnnotatedImage]
) -> Iterator[tuple[Hand, ...]]:
    """Detect the hands of images, each with its neighbours, if any, as a short video of its own.

    Raises:
        ImageError: an image cannot be read.
    """
    for image in images:
        before, after = image.neighbours[:NOW], image.neighbours[NOW:]
        paths = (*before, image.image, *after)
        video = [VideoFrame(i * _INTERVAL, read_image(path)) for i, path in enumerate(paths)]
        yield detector.detect_one(video, len(before))


def report_detector(
    detector: HandDetector,
    images: Sequence[AnnotatedImage],
    detected: Sequence[Sequence[Hand]],
    dataset: str,
) -> DetectorReport:
    """Measure the accuracy of a detector.

    Args:
        detector: detector that was used.
        images: images that it was applied to.
        detected: hands that it detected in each of them.
        dataset: name of the dataset.
    """
    annotated = [image.hands for image in images]
    interactions = interactions_found(detected, annotated)
    facts = (('detector', detector.name), ('images', f'{len(images)} of {dataset}'))
    measures = DetectorMeasures(
        hand=_precision(hands_found(detected, annotated)),
        hand_and_interaction=_precision(states_found(detected, annotated)),
        interaction_alone=_precision(interactions),
        interactions=_interactions(interactions, detector),
    )
    return DetectorReport(facts, measures)


def _precision(found: RankedDetections) -> PrecisionMeasures:
    return PrecisionMeasures(
        hands=found.expected,
        eleven_points=eleven_point_precision(found),
        area=area_precision(found),
    )


def _interactions(found: RankedDetections, detector: HandDetector) -> InteractionMeasures:
    counted = found.scores >= detector.interaction_score
    right, count = int(found.right[counted].sum()), int(counted.sum())
    return InteractionMeasures(
        minimum_score=detector.interaction_score,
        found=count,
        precision=right / count if count else None,
        recall=right / found.expected if found.expected else None,
    )

# SPDX-License-Identifier: Apache-2.0
"""How well a hand detector does on annotated pictures."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from afformer_core.data.hand_annotations import AnnotatedPicture
from afformer_core.data.video import VideoFrame
from afformer_core.demonstrations.media import read_image
from afformer_core.evaluation.tables import Cell, Table
from afformer_core.maskahand.average_precision import (
    Findings,
    area_precision,
    eleven_point_precision,
    hands_found,
    interactions_found,
    states_found,
)
from afformer_core.maskahand.detector import HandDetector
from afformer_core.maskahand.hand import Hand
from afformer_core.maskahand.motion_picture import NOW

# Seconds from one of the simulator's neighbours to the next, about.
_INTERVAL = 0.25


@dataclass(frozen=True)
class DetectorReport:
    """Measures of a hand detector.

    Attributes:
        facts: what was measured, on what.
        precision: average precisions, see `average_precision`.
        interactions: what of the hands that it counts as interactions is right, and how many of
            those there are it finds.
    """

    facts: tuple[tuple[str, str], ...]
    precision: Table
    interactions: Table

    def to_markdown(self) -> str:
        """Facts and tables."""
        lines = [f'{name}: {value}' for name, value in self.facts]
        return '\n'.join(
            [*lines, '', self.precision.to_markdown(), '', self.interactions.to_markdown()]
        )

    def to_json(self) -> dict[str, Any]:
        """Facts and tables as JSON types."""
        tables = [self.precision.to_json(), self.interactions.to_json()]
        return {'facts': dict(self.facts), 'tables': tables}


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
    kinds = {
        'hand': hands_found(detected, annotated),
        'hand + interaction': states_found(detected, annotated),
        'interaction alone': interactions,
    }
    precision = Table(
        'AP50',
        ('hands', 'eleven points', 'area'),
        {
            name: [found.wanted, eleven_point_precision(found), area_precision(found)]
            for name, found in kinds.items()
        },
        (
            'eleven points: as 100DOH and VOC 2007 count; area: as VOC 2010 and later.',
            'hand + interaction: a hand counts as found where the detector is also right about '
            'whether it touches an object; interaction alone: hands in contact only.',
        ),
    )
    facts = (('detector', detector.name), ('pictures', f'{len(pictures)} of {dataset}'))
    return DetectorReport(facts, precision, _interactions(interactions, detector))


def _interactions(found: Findings, detector: HandDetector) -> Table:
    counted = found.scores >= detector.interaction_score
    right = int(found.right[counted].sum())
    cells: list[Cell] = [
        int(counted.sum()),
        right / counted.sum() if counted.any() else None,
        right / found.wanted if found.wanted else None,
    ]
    label = f'score of at least {detector.interaction_score:g}'
    return Table('Interactions', ('found', 'precision', 'recall'), {label: cells})

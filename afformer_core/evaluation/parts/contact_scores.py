# SPDX-License-Identifier: Apache-2.0
"""Contacts that models read from clips with marks: scores, measures and tables."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tqdm import tqdm

from afformer_core.data.readers.contact_clips import ContactClip
from afformer_core.evaluation.parts.clips import Clip, mark_frame, read_marked_clip
from afformer_core.evaluation.parts.part_scores import CLOSE, NEAR
from afformer_core.evaluation.parts.predictors import ClipContact, ContactPredictor
from afformer_core.reports.bootstrap import (
    Estimate,
    bootstrap_mean,
    bootstrap_median,
    interval_note,
)
from afformer_core.reports.tables import Cell, Table

CENTRE = 'centre'
_HEADINGS = {
    'close': 'within 3 %',
    'near': 'within 5 %',
    'other_hand': 'of the other hand, within 5 %',
    'moment_error': 'median error of the moment, seconds',
}
_NO_MOMENT = 'not predicted'
# Far outside of any frame: a contact that was not read is as wrong as can be.
_UNREAD = ClipContact((1e6, 1e6))


@dataclass(frozen=True)
class ContactScores:
    """Scores of one clip; None if not measured.

    Attributes:
        point_x, point_y: predicted contact, in pixels of the clip's first frame.
        distance: distance from it to the mark, in percent of the diagonal.
        close, near: 1 if the distance is at most 3 % or 5 %, or 0.
        other_hand: 1 if the point is within 5 % of a contact of the other hand and not of the
            mark, or 0; such a point is also a contact of the clip.
        moment: seconds from the beginning of the clip to the predicted contact.
        moment_error: seconds between that and the marked moment.
    """

    point_x: float
    point_y: float
    distance: float
    close: float
    near: float
    other_hand: float
    moment: float | None = None
    moment_error: float | None = None


@dataclass(frozen=True)
class ContactMeasures:
    """Means over clips, and the median of the moment's error; see `ContactScores`."""

    clips: int
    close: Estimate | None
    near: Estimate | None
    other_hand: Estimate | None
    moment_error: Estimate | None


@dataclass(frozen=True)
class ContactsMeasured:
    """All numbers of clips with marked contacts.

    Attributes:
        left_out: number of clips that were left out because they belong to pairs.
        readers: measures of all clips, by reader: the models and `centre`.
        by_source: measures by source and reader.
        by_clip: scores by clip and reader.
    """

    left_out: int
    readers: Mapping[str, ContactMeasures]
    by_source: Mapping[str, Mapping[str, ContactMeasures]]
    by_clip: Mapping[str, Mapping[str, ContactScores]]


def score_reading(clip: ContactClip, shown: Clip, reading: ClipContact) -> ContactScores:
    """Score the reading of a clip."""
    assert shown.marked is not None
    first = shown.frames[0]
    height, width = first.shape[:2]
    distance = shown.marked.percent_away(reading.point)
    other = [mark_frame(first, mark).percent_away(reading.point) for mark in clip.other_hand]
    is_near = distance <= NEAR
    error = None
    if reading.moment is not None and clip.moment is not None:
        error = abs(reading.moment - clip.moment)
    return ContactScores(
        reading.point[0] * width - 0.5,
        reading.point[1] * height - 0.5,
        distance,
        float(distance <= CLOSE),
        float(is_near),
        float(not is_near and any(distance <= NEAR for distance in other)),
        reading.moment,
        error,
    )


def measure_contacts(
    clips: Sequence[ContactClip],
    models: Mapping[str, ContactPredictor],
    frame_count: int,
    left_out: int = 0,
    seed: int = 0,
    progress: bool = True,
) -> ContactsMeasured:
    """Measure the readings of models, and the centre of the frame as a baseline.

    Args:
        clips: clips, at least one.
        models: models by name.
        frame_count: maximum number of frames of a clip.
        left_out: number of clips that were left out.
        seed: seed of the bootstrap.
        progress: show a progress bar on stderr.

    Raises:
        VideoError: a clip cannot be read.
        DatasetError: a contact was marked in a frame that its clip does not have.
    """
    by_clip = {}
    for clip in tqdm(clips, 'contacts', disable=not progress):
        shown = read_contact_clip(clip, frame_count)
        readings = {name: model.read_contact(shown) or _UNREAD for name, model in models.items()}
        readings[CENTRE] = ClipContact((0.5, 0.5))
        by_clip[clip.name] = {
            name: score_reading(clip, shown, reading) for name, reading in readings.items()
        }
    readers = (*models, CENTRE)
    sources = dict.fromkeys(clip.source for clip in clips)
    return ContactsMeasured(
        left_out,
        {name: _measure(clips, name, by_clip, seed) for name in readers},
        {
            source: {
                name: _measure([c for c in clips if c.source == source], name, by_clip, seed)
                for name in readers
            }
            for source in sources
        },
        by_clip,
    )


def read_contact_clip(clip: ContactClip, frame_count: int) -> Clip:
    """Read a clip, and the frame in which its contact is marked; see `read_marked_clip`."""
    return read_marked_clip(clip.name, clip.path, clip.marked, frame_count)


def _measure(
    clips: Sequence[ContactClip],
    reader: str,
    by_clip: Mapping[str, Mapping[str, ContactScores]],
    seed: int,
) -> ContactMeasures:
    scores = [by_clip[clip.name][reader] for clip in clips]
    videos = [clip.group for clip in clips]
    errors = [math.nan if score.moment_error is None else score.moment_error for score in scores]
    return ContactMeasures(
        len(clips),
        bootstrap_mean([score.close for score in scores], videos, seed),
        bootstrap_mean([score.near for score in scores], videos, seed),
        bootstrap_mean([score.other_hand for score in scores], videos, seed),
        bootstrap_median(errors, videos, seed),
    )


def contact_tables(measured: ContactsMeasured, labels: Mapping[str, str]) -> list[Table]:
    """Build the tables of contacts: of all readers, and of each model by source.

    Args:
        measured: the numbers.
        labels: labels of the models, by name.
    """
    names = {**labels, CENTRE: 'centre of the frame'}
    clips = measured.readers[CENTRE].clips
    notes = (
        'Contact that is read in the first frame of the clip, by its distance from the mark in '
        'percent of its diagonal. Of the other hand: within 5 % of a point that the other hand '
        'touches and not of the mark; such an answer also fits the clip. '
        f'{interval_note("source videos")}',
        *(
            [f'{measured.left_out} clips that are also clips of pairs are left out.']
            if measured.left_out
            else []
        ),
    )
    rows = {names[name]: _row(reader, name) for name, reader in measured.readers.items()}
    tables = [Table.of(f'Contact in {clips} clips', _HEADINGS, rows, notes)]
    tables += [
        Table.of(
            f'Contact by source: {names[model]}',
            _HEADINGS,
            {
                f'{source} ({readers[model].clips})': _row(readers[model], model)
                for source, readers in measured.by_source.items()
            },
        )
        for model in measured.readers
        if model != CENTRE and len(measured.by_source) > 1
    ]
    return tables


def _row(measures: ContactMeasures, reader: str) -> dict[str, Cell]:
    untold = reader != CENTRE and measures.moment_error is None
    return {**vars(measures), **({'moment_error': _NO_MOMENT} if untold else {})}

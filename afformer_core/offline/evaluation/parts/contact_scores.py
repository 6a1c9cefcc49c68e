# SPDX-License-Identifier: Apache-2.0
"""Contacts that models read from clips with marks: scores, measures and tables."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from tqdm import tqdm

from afformer_core.offline.data.readers.contact_clips import ContactClip
from afformer_core.offline.evaluation.parts.clips import (
    CLOSE,
    NEAR,
    Clip,
    mark_frame,
    read_marked_clip,
)
from afformer_core.offline.evaluation.parts.predictors import ClipContact, ContactPredictor
from afformer_core.offline.parallel.engine import ParallelEngine
from afformer_core.offline.parallel.local_engine import ONE_PROCESS
from afformer_core.offline.reports.bootstrap import (
    Estimate,
    bootstrap_mean,
    bootstrap_median,
    interval_note,
)
from afformer_core.offline.reports.tables import Cell, Table

CENTRE = 'centre'
_HEADINGS = {
    'close': 'within 2.5 %',
    'near': 'within 5 %',
    'of_3': 'one of 3 candidates within 5 %',
    'of_5': 'one of 5',
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
        close, near: 1 if the distance is at most 2.5 % or 5 %, or 0.
        other_hand: 1 if the point is within 5 % of a contact of the other hand and not of the
            mark, or 0; such a point is also a contact of the clip.
        of_3, of_5: 1 if one of so many best candidates is within 5 %, or 0.
        moment: seconds from the beginning of the clip to the predicted contact.
        moment_error: seconds between that and the marked moment.
    """

    point_x: float
    point_y: float
    distance: float
    close: float
    near: float
    other_hand: float
    of_3: float | None = None
    of_5: float | None = None
    moment: float | None = None
    moment_error: float | None = None


@dataclass(frozen=True)
class ContactMeasures:
    """Means over clips, and the median of the moment's error; see `ContactScores`."""

    clips: int
    close: Estimate | None
    near: Estimate | None
    of_3: Estimate | None
    of_5: Estimate | None
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
        reading.recalls(shown.marked, 3),
        reading.recalls(shown.marked, 5),
        reading.moment,
        error,
    )


def measure_contacts(
    clips: Sequence[ContactClip],
    open_predictors: Callable[[], Mapping[str, object]],
    frame_count: int,
    left_out: int = 0,
    seed: int = 0,
    engine: ParallelEngine = ONE_PROCESS,
    progress: bool = True,
) -> ContactsMeasured:
    """Measure the readings of models, and the centre of the frame as a baseline.

    Args:
        clips: clips, at least one.
        open_predictors: opens models by name, beside others that read no contacts; other processes
            of the engine must be able to import it.
        frame_count: maximum number of frames of a clip.
        left_out: number of clips that were left out.
        seed: seed of the bootstrap.
        engine: engine that reads the clips.
        progress: show a progress bar on stderr.

    Raises:
        VideoError: a clip cannot be read.
        DatasetError: a contact was marked in a frame that its clip does not have.
    """
    found = {}
    with tqdm(total=len(clips), desc='contacts', disable=not progress) as bar:
        for result in engine.map(partial(_open_reader, open_predictors, frame_count), clips):
            found[result.part.name] = result.get()
            bar.update()
    by_clip = {clip.name: found[clip.name] for clip in clips}
    readers = tuple(by_clip[clips[0].name])
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


def _open_reader(
    open_predictors: Callable[[], Mapping[str, object]], frame_count: int
) -> Callable[[ContactClip], dict[str, ContactScores]]:
    return partial(_read, open_predictors(), frame_count)


def _read(
    opened: Mapping[str, object], frame_count: int, clip: ContactClip
) -> dict[str, ContactScores]:
    shown = read_marked_clip(clip.name, clip.path, clip.marked, frame_count)
    readings = {
        name: reader.read_contact(shown) or _UNREAD
        for name, reader in opened.items()
        if isinstance(reader, ContactPredictor)
    }
    readings[CENTRE] = ClipContact((0.5, 0.5))
    return {name: score_reading(clip, shown, reading) for name, reading in readings.items()}


def _measure(
    clips: Sequence[ContactClip],
    reader: str,
    by_clip: Mapping[str, Mapping[str, ContactScores]],
    seed: int,
) -> ContactMeasures:
    scores = [by_clip[clip.name][reader] for clip in clips]
    videos = [clip.group for clip in clips]
    values = {
        name: np.array([getattr(score, name) for score in scores], np.float64)
        for name in _HEADINGS
    }
    error = bootstrap_median(values.pop('moment_error'), videos, seed)
    means = {name: bootstrap_mean(value, videos, seed) for name, value in values.items()}
    return ContactMeasures(len(clips), moment_error=error, **means)


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

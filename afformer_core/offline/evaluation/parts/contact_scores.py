# SPDX-License-Identifier: Apache-2.0
"""Contacts that models read from clips with marks: their scores and measures."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
from tqdm import tqdm

from afformer_core.offline.data.readers.contact_clips import ContactClip
from afformer_core.offline.evaluation.parts.clips import NEAR, Clip, mark_frame, read_marked_clip
from afformer_core.offline.evaluation.parts.predictors import ClipContact, ContactPredictor
from afformer_core.offline.parallel.engine import ParallelEngine
from afformer_core.offline.parallel.local_engine import ONE_PROCESS
from afformer_core.offline.reports.bootstrap import bootstrap_mean, bootstrap_median

CENTRE = 'centre'
MEASURES = ('close', 'near', 'of_3', 'of_5', 'other_hand', 'moment_error')
"""Names of measures: means over clips, and the median of the moment's error."""

ContactScores = Mapping[str, Any]
"""Scores of one clip; `by_clip` in `docs/reference/evaluation_json.md` describes them."""

# Far outside of any frame: a contact that was not read is as wrong as can be.
_UNREAD = ClipContact((1e6, 1e6))


def score_reading(clip: ContactClip, shown: Clip, reading: ClipContact) -> ContactScores:
    """Score the reading of a clip."""
    assert shown.marked is not None
    first = shown.frames[0]
    height, width = first.shape[:2]
    scores = reading.scores(shown.marked)
    other = [mark_frame(first, mark).percent_away(reading.point) for mark in clip.other_hand]
    error = None
    if reading.moment is not None and clip.moment is not None:
        error = abs(reading.moment - clip.moment)
    return {
        'point_x': reading.point[0] * width - 0.5,
        'point_y': reading.point[1] * height - 0.5,
        **scores,
        'other_hand': float(not scores['near'] and any(distance <= NEAR for distance in other)),
        'moment': reading.moment,
        'moment_error': error,
    }


def measure_contacts(
    clips: Sequence[ContactClip],
    open_predictors: Callable[[], Mapping[str, object]],
    frame_count: int,
    left_out: int = 0,
    seed: int = 0,
    engine: ParallelEngine = ONE_PROCESS,
) -> dict[str, Any]:
    """Measure the readings of models, and the centre of the frame as a baseline.

    Args:
        clips: clips, at least one.
        open_predictors: opens models by name, beside others that read no contacts; other processes
            of the engine must be able to import it.
        frame_count: maximum number of frames of a clip.
        left_out: number of clips that were left out.
        seed: seed of the bootstrap.
        engine: engine that reads the clips.

    Returns:
        `left_out`; the measures of all clips by reader (`readers`: the models and `centre`), and
        by source and reader (`by_source`); and the scores by clip and reader (`by_clip`).

    Raises:
        VideoError: a clip cannot be read.
        DatasetError: a contact was marked in a frame that its clip does not have.
    """
    found = {}
    with tqdm(total=len(clips), desc='contacts') as bar:
        for result in engine.map(partial(_open_reader, open_predictors, frame_count), clips):
            found[result.part.name] = result.get()
            bar.update()
    by_clip = {clip.name: found[clip.name] for clip in clips}
    readers = tuple(by_clip[clips[0].name])
    sources = dict.fromkeys(clip.source for clip in clips)
    return {
        'left_out': left_out,
        'readers': {name: _measure(clips, name, by_clip, seed) for name in readers},
        'by_source': {
            source: {
                name: _measure([c for c in clips if c.source == source], name, by_clip, seed)
                for name in readers
            }
            for source in sources
        },
        'by_clip': by_clip,
    }


def _open_reader(
    open_predictors: Callable[[], Mapping[str, object]], frame_count: int
) -> Callable[[ContactClip], dict[str, ContactScores]]:
    readers = {
        name: reader
        for name, reader in open_predictors().items()
        if isinstance(reader, ContactPredictor)
    }

    def read(clip: ContactClip) -> dict[str, ContactScores]:
        shown = read_marked_clip(clip.name, clip.path, clip.marked, frame_count)
        readings = {name: reader.read_contact(shown) for name, reader in readers.items()}
        readings[CENTRE] = ClipContact((0.5, 0.5))
        return {
            name: score_reading(clip, shown, reading or _UNREAD)
            for name, reading in readings.items()
        }

    return read


def _measure(
    clips: Sequence[ContactClip],
    reader: str,
    by_clip: Mapping[str, Mapping[str, ContactScores]],
    seed: int,
) -> dict[str, Any]:
    videos = [clip.group for clip in clips]
    measured: dict[str, Any] = {'clips': len(clips)}
    for name in MEASURES:
        values = np.array([by_clip[clip.name][reader][name] for clip in clips], np.float64)
        estimate = bootstrap_median if name == 'moment_error' else bootstrap_mean
        measured[name] = estimate(values, videos, seed)
    return measured

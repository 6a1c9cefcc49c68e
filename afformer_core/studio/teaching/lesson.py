# SPDX-License-Identifier: Apache-2.0
"""The teaching of a model with own pairs, and its answers to them before and after."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from afformer_core.demonstrations.media import read_demonstration
from afformer_core.demonstrations.recording import record_whole
from afformer_core.drawing.overlay import draw_overlay
from afformer_core.errors import ModelFolderError
from afformer_core.media.images import read_image
from afformer_core.media.video_frames import uniform_indices
from afformer_core.offline.data.annotations import open_annotations
from afformer_core.offline.data.sample import Sample
from afformer_core.offline.evaluation.report.tiles import fit
from afformer_core.offline.training.exemplars import marks_inside, teach
from afformer_core.runtime import ArrayGrounder, Grounding

# Maximum number of pairs that are answered before and after.
_MOST_ANSWERED = 24
# Share of the diagonal of an image within which a point is right.
_NEAR = 0.05
_SIDE, _OPACITY = 320, 0.6
_NAME = 'taught_pair'


@dataclass(frozen=True, eq=False)
class TaughtPair:
    """The answers of a model to a pair before and after it was taught.

    Attributes:
        name: display name of the pair.
        before, after: whether the best point lies within 5 % of the diagonal of a mark.
        drawn: the answers as overlays, uint8 RGB [H, W, 3], before and after.
    """

    name: str
    before: bool
    after: bool
    drawn: tuple[NDArray[np.uint8], NDArray[np.uint8]]


def teach_pairs(
    grounder: ArrayGrounder,
    model: Path,
    pairs: Path,
    output: Path,
    open_model: Callable[[Path], ArrayGrounder],
    report: Callable[[str], None],
) -> tuple[TaughtPair, ...]:
    """Teach a model the marked pairs of a folder, and compare its answers.

    Args:
        grounder: the model.
        model: its folder.
        pairs: folder of own pairs.
        output: folder to write (see `teach`, which lists the errors).
        open_model: function that opens the taught model.
        report: called with the progress, in words.

    Returns:
        at most 24 pairs, evenly chosen.

    Raises:
        ModelFolderError: the model has no matching network.
    """
    if grounder.matching is None:
        raise ModelFolderError(f'{model} has no matching network; begin with the shipped model')
    samples = list(open_annotations(pairs, None, 'train'))
    number = len(samples)
    teach(
        model,
        grounder.matching,
        samples,
        output,
        lambda done: report(f'Reading pair {done} of {number}'),
    )
    taught = open_model(output)
    chosen = [samples[index] for index in uniform_indices(number, _MOST_ANSWERED)]
    answered = []
    for done, sample in enumerate(chosen, 1):
        report(f'Answering pair {done} of {len(chosen)}')
        answered.append(_answered(sample, grounder, taught))
    return tuple(answered)


def _answered(sample: Sample, before: ArrayGrounder, after: ArrayGrounder) -> TaughtPair:
    path = sample.video_path
    if sample.clip is not None:
        path = Path(f'{path}#t={sample.clip[0]},{sample.clip[1]}')
    media = read_demonstration(path, before.configuration.maximum_frames)
    encoded = record_whole(media, _NAME, before, None).encoded
    image = read_image(sample.image_path)
    groundings = []
    for grounder in (before, after):
        grounder.memorize(encoded, _NAME, media.frame_count)
        try:
            groundings.append(grounder.ground(image, _NAME))
        finally:
            grounder.delete_demonstration(_NAME)
    marks = marks_inside(sample) * [image.shape[1], image.shape[0]] - 0.5
    first, second = (_is_right(grounding, marks) for grounding in groundings)
    drawn = [_drawn(image, grounding) for grounding in groundings]
    name = f'{sample.video_path.name} in {sample.image_path.name}'
    return TaughtPair(name, first, second, (drawn[0], drawn[1]))


def _is_right(grounding: Grounding, marks: NDArray[np.float64]) -> bool:
    distances = np.linalg.norm(marks - np.array(grounding.point), axis=1)
    return bool(distances.min(initial=math.inf) <= _NEAR * math.hypot(*grounding.source_size))


def _drawn(image: NDArray[np.uint8], grounding: Grounding) -> NDArray[np.uint8]:
    overlay = draw_overlay(
        image, grounding.heatmap, grounding.peaks[:1], '', _OPACITY, unsure=grounding.unsure
    )
    return fit(overlay, _SIDE)


def taught_in_words(pairs: Sequence[TaughtPair]) -> str:
    """Describe how many pairs are answered rightly, before and after."""
    before, after = (sum(getattr(pair, when) for pair in pairs) for when in ('before', 'after'))
    return (
        f'{before} of {len(pairs)} pairs were answered within 5 % of a mark before, {after} are '
        'now. All other answers, presence, certainty and actions stay those of the model.'
    )

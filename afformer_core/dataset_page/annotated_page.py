# SPDX-License-Identifier: Apache-2.0
"""The page of an annotated dataset."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from tqdm import tqdm

from afformer_core.data.annotated_dataset import AnnotatedDataset
from afformer_core.data.clip_facts import ClipFacts, read_clip_facts
from afformer_core.data.frame_sampling import FrameSampling, UniformSampling
from afformer_core.data.sample import Sample
from afformer_core.data.turns import in_turn
from afformer_core.data.verification import MediaProblem, find_missing, find_problems
from afformer_core.dataset_page.counts import (
    distributions,
    headline,
    map_of_points,
    other_facts,
)
from afformer_core.dataset_page.issues import dataset_issues
from afformer_core.dataset_page.page import DatasetPage
from afformer_core.dataset_page.sample_cards import sample_cards
from afformer_core.dataset_page.shared_between_splits import shared_issues
from afformer_core.errors import VideoError

_OPENED = 100


@dataclass(frozen=True, kw_only=True)
class PageSettings:
    """Settings of a page: the part of a dataset to show and check.

    Attributes:
        samples: maximum number of displayed samples, at least 1.
        seed: seed of the choice of samples and of opened clips.
        sampling: sampling of the frames for a model.
        folder_rate: frame rate of folders of numbered images; None: unknown.
        all_media: whether to open every clip and image, instead of those of 100 samples and a
            check that the others exist.
        progress: show progress bars on stderr.
    """

    samples: int = 24
    seed: int = 0
    sampling: FrameSampling = UniformSampling(8)  # noqa: RUF009 - it is immutable
    folder_rate: float | None = None
    all_media: bool = False
    progress: bool = True

    def __post_init__(self) -> None:
        if self.samples < 1:
            raise ValueError(f'samples is {self.samples}; expected at least 1')


def annotated_page(
    dataset: AnnotatedDataset, settings: PageSettings, other: AnnotatedDataset | None = None
) -> DatasetPage:
    """Build the page of a dataset.

    Args:
        dataset: the dataset.
        settings: settings of the page.
        other: a split that should have nothing in common with it; None: none.
    """
    opened = _opened(dataset, settings)
    problems = _problems(dataset, opened, progress=settings.progress)
    clips, undecoded = _first_frames(opened, problems, progress=settings.progress)
    issues = [] if other is None else shared_issues(dataset, other, progress=settings.progress)
    issues += dataset_issues(dataset, [*problems, *undecoded], progress=settings.progress)
    actions = [sample.actions[0] for sample in dataset]
    shown = [dataset[i] for i in in_turn(actions, settings.samples, settings.seed)]
    cards = sample_cards(
        shown,
        dataset.action_names,
        settings.sampling,
        settings.folder_rate,
        progress=settings.progress,
    )
    return DatasetPage(
        title=str(dataset.annotations),
        headline=headline(dataset),
        facts=other_facts(dataset),
        issues=issues,
        scope=_scope(dataset, opened, other),
        distributions=distributions(dataset, clips),
        cards=cards,
        how=f'{len(cards)} of {len(dataset):,} samples, drawn with seed {settings.seed}, the '
        'actions in turn. Heatmaps are the targets of training, drawn relative to their '
        'maximum; dots are annotated points, and outlines are annotated elements.',
        maps=(map_of_points(dataset),),
    )


def _opened(dataset: AnnotatedDataset, settings: PageSettings) -> list[Sample]:
    """Choose the samples whose media are opened."""
    if settings.all_media or len(dataset) <= _OPENED:
        return list(dataset)
    drawn = np.random.default_rng(settings.seed).choice(len(dataset), _OPENED, replace=False)
    return [dataset[index] for index in sorted(drawn.tolist())]


def _problems(
    dataset: AnnotatedDataset, opened: Sequence[Sample], *, progress: bool
) -> list[MediaProblem]:
    if len(opened) == len(dataset):
        return find_problems(dataset, progress=progress)
    missing = find_missing(dataset, progress)
    found = find_problems(opened, progress=progress)
    return missing + [problem for problem in found if problem.kind != 'missing']


def _first_frames(
    opened: Sequence[Sample], problems: Sequence[MediaProblem], *, progress: bool
) -> tuple[list[ClipFacts], list[MediaProblem]]:
    """Read facts of the clips without a problem, and list those that cannot be decoded."""
    known = {problem.name for problem in problems}
    clips = {
        sample.demonstration: sample for sample in opened if sample.demonstration not in known
    }
    facts, undecoded = [], []
    for name, sample in tqdm(clips.items(), 'first frames', unit='', disable=not progress):
        try:
            facts.append(read_clip_facts(sample))
        except VideoError as error:
            users = tuple(user.sample_id for user in opened if user.demonstration == name)
            undecoded.append(MediaProblem('clip', 'unreadable', name, str(error), users))
    return facts, undecoded


def _scope(
    dataset: AnnotatedDataset, opened: Sequence[Sample], other: AnnotatedDataset | None
) -> str:
    if len(opened) == len(dataset):
        text = 'All clips and images were opened; `afformer verify --decode` also decodes them.'
    else:
        text = (
            f'All clips and images were looked up; those of {len(opened)} of {len(dataset):,} '
            f'samples were opened. `--all` opens the others, and `afformer verify --decode` '
            f'also decodes them.'
        )
    if other is not None:
        text += f' It was compared with {other.annotations}, of {len(other):,} samples.'
    return text

# SPDX-License-Identifier: Apache-2.0
"""Issues of an annotated dataset, by kind."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path

from afformer_core.data.annotated_dataset import AnnotatedDataset
from afformer_core.data.same_content import same_content
from afformer_core.data.verification import MediaProblem, points_outside
from afformer_core.dataset_page.page import DatasetIssue

_KINDS = {
    ('clip', 'missing'): 'clips that are missing',
    ('clip', 'unreadable'): 'clips that cannot be decoded',
    ('clip', 'too short'): 'clips that reach beyond the end of their video',
    ('image', 'missing'): 'images that are missing',
    ('image', 'unreadable'): 'images that cannot be read',
    ('image', 'other shape'): 'images with another shape than annotated',
}


def dataset_issues(
    dataset: AnnotatedDataset, problems: Sequence[MediaProblem], *, progress: bool = True
) -> list[DatasetIssue]:
    """List all issues of a dataset, the worst first.

    Args:
        dataset: dataset to check.
        problems: problems of its media.
        progress: show a progress bar on stderr.
    """
    return [
        *media_issues(problems),
        *_outside(dataset),
        *_without_pair(dataset),
        *_repeated(dataset),
        *_same_files(
            'images with the same content', (s.image_path for s in dataset), progress=progress
        ),
        *_same_files(
            'videos with the same content', (s.video_path for s in dataset), progress=progress
        ),
        *_unused_actions(dataset),
    ]


def media_issues(problems: Sequence[MediaProblem]) -> list[DatasetIssue]:
    """Collect the problems of clips and images by their kind."""
    by_kind: defaultdict[str, list[str]] = defaultdict(list)
    for problem in problems:
        by_kind[_KINDS[problem.what, problem.kind]].append(problem.reason)
    return [issue for kind in _KINDS.values() for issue in DatasetIssue.of(kind, by_kind[kind])]


def _outside(dataset: AnnotatedDataset) -> list[DatasetIssue]:
    counts = {sample.sample_id: points_outside([sample]) for sample in dataset}
    names = [f'{name}: {count}' for name, count in counts.items() if count]
    return DatasetIssue.of('points outside their image', names, sum(counts.values()))


def _without_pair(dataset: AnnotatedDataset) -> list[DatasetIssue]:
    """Report annotated items that are not part of a sample."""
    manifest = dataset.manifest
    reasons = [f'{reason}: {count}' for reason, count in manifest.left_out.most_common()]
    return [
        *DatasetIssue.of('folders without a table', manifest.without_table),
        *DatasetIssue.of('annotations without a pair', reasons, manifest.left_out.total()),
    ]


def _repeated(dataset: AnnotatedDataset) -> list[DatasetIssue]:
    same: defaultdict[tuple[object, ...], list[str]] = defaultdict(list)
    for sample in dataset:
        points = tuple(of_action.tobytes() for of_action in sample.points)
        what = sample.demonstration, sample.image_path, sample.actions, points
        same[what].append(sample.sample_id)
    groups = [' = '.join(names) for names in same.values() if len(names) > 1]
    return DatasetIssue.of('samples that occur more than once', groups)


def _same_files(kind: str, paths: Iterable[Path], *, progress: bool) -> list[DatasetIssue]:
    groups = [' = '.join(map(str, group)) for group in same_content(paths, progress)]
    return DatasetIssue.of(kind, groups)


def _unused_actions(dataset: AnnotatedDataset) -> list[DatasetIssue]:
    used = Counter(action for sample in dataset for action in sample.actions)
    names = [name for index, name in enumerate(dataset.action_names) if not used[index]]
    return DatasetIssue.of('actions that no sample has', names)

# SPDX-License-Identifier: Apache-2.0
"""Images, clips and objects in two splits, and actions in only one of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from afformer_core.data.annotated_dataset import AnnotatedDataset
from afformer_core.data.same_content import same_content
from afformer_core.data.sample import Sample
from afformer_core.dataset_page.counts import known_objects
from afformer_core.dataset_page.page import DatasetIssue

# The object of a folder of pairs that shows a single object.
_NAMELESS = '.'


def shared_issues(
    dataset: AnnotatedDataset, other: AnnotatedDataset, *, progress: bool = True
) -> list[DatasetIssue]:
    """List images, clips and objects in both splits, and actions in only one of them.

    Files are equal if they are the same file or have the same bytes. Objects are compared by name,
    which own and simulated pairs have.

    Args:
        dataset: dataset to check.
        other: a split that should have nothing in common with it.
        progress: show a progress bar on stderr.
    """
    other_name = other.annotations.name
    found = [
        *_files('images', dataset, other, lambda sample: sample.image_path, progress=progress),
        *_files('videos', dataset, other, lambda sample: sample.video_path, progress=progress),
        *DatasetIssue.of(
            f'objects that {other_name} also has',
            sorted((known_objects(dataset) & known_objects(other)) - {_NAMELESS}),
        ),
    ]
    if dataset.action_names != other.action_names:
        names = sorted(set(dataset.action_names) ^ set(other.action_names))
        found += DatasetIssue.of(
            f'actions that it and {other_name} do not both name, or name in another order',
            names or dataset.action_names,
        )
    return found


def _files(
    what: str,
    dataset: AnnotatedDataset,
    other: AnnotatedDataset,
    path_of: Callable[[Sample], Path],
    *,
    progress: bool,
) -> list[DatasetIssue]:
    own, others = (_by_file(map(path_of, compared)) for compared in (dataset, other))
    shared = [str(own[file]) for file in sorted(own.keys() & others.keys())]
    apart = [path for file, path in own.items() if file not in others]
    apart += [path for file, path in others.items() if file not in own]
    for group in same_content(apart, progress):
        sides = [
            [path for path in group if path.resolve() in resolved] for resolved in (own, others)
        ]
        if all(sides):
            shared.append(f'{sides[0][0]} = {sides[1][0]}')
    return DatasetIssue.of(f'{what} that {other.annotations.name} also has', shared)


def _by_file(paths: Iterable[Path]) -> dict[Path, Path]:
    return {path.resolve(): path for path in paths}

# SPDX-License-Identifier: Apache-2.0
"""The health of a dataset: its contents, and missing or broken files."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

from afformer_core.offline.data.annotated_dataset import AnnotatedDataset
from afformer_core.offline.data.verification import MediaProblem, find_problems, points_outside

_SHOWN = 20


@dataclass(frozen=True)
class Health:
    """The health of a dataset.

    Attributes:
        counts: counts of its contents.
        actions: number of samples of each action that occurs.
        problems: clips and images that are missing or broken.
        without_table: a sentence on each folder that has media, but no table of points.
    """

    counts: Mapping[str, int]
    actions: Mapping[str, int]
    problems: tuple[MediaProblem, ...]
    without_table: tuple[str, ...]

    @property
    def sound(self) -> bool:
        """Whether no file is missing or broken."""
        return not (self.problems or self.without_table)

    @property
    def json_text(self) -> str:
        """The health as JSON."""
        content = {
            **self.counts,
            'actions': self.actions,
            'folders without a table': self.without_table,
            'problems': [asdict(problem) for problem in self.problems],
        }
        return json.dumps(content, indent=2)

    @property
    def text(self) -> str:
        """The health as readable text, with the first problems of each kind."""
        lines = [f'- {name}: {value}' for name, value in self.counts.items()]
        lines.append(f'- actions: {", ".join(f"{name} {n}" for name, n in self.actions.items())}')
        reasons = [
            f'{problem.what}, {len(problem.samples)} samples: {problem.reason}'
            for problem in self.problems
        ]
        lines += _listed('missing or broken', reasons)
        if self.without_table:
            lines += _listed('folders without a table', self.without_table)
        return '\n'.join(lines)


def dataset_health(
    dataset: AnnotatedDataset, decode: bool = False, progress: bool = True
) -> Health:
    """Check a dataset; see `find_problems`.

    Args:
        dataset: the dataset.
        decode: whether to decode all clips and images, which takes a long time.
        progress: whether to show a progress bar on stderr.
    """
    problems = find_problems(dataset, decode, progress)
    actions = Counter(action for sample in dataset for action in sample.actions)
    broken = {sample for problem in problems for sample in problem.samples}
    return Health(
        counts={
            'samples': len(dataset),
            'samples without a problem': len(dataset) - len(broken),
            'clips': len({sample.demonstration for sample in dataset}),
            'images': len({sample.image_path for sample in dataset}),
            'points outside their image': points_outside(dataset),
        },
        actions={
            name: actions[index]
            for index, name in enumerate(dataset.action_names)
            if actions[index]
        },
        problems=tuple(problems),
        without_table=dataset.manifest.without_table,
    )


def _listed(title: str, reasons: Sequence[str]) -> list[str]:
    lines = [f'- {title}: {len(reasons)}', *(f'  - {reason}' for reason in reasons[:_SHOWN])]
    if len(reasons) > _SHOWN:
        lines.append(f'  - {len(reasons) - _SHOWN} more; `afformer verify --json` lists them all')
    return lines

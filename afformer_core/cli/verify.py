# SPDX-License-Identifier: Apache-2.0
"""`afformer verify`: check of a dataset for missing and broken files."""

from __future__ import annotations

import argparse
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from afformer_core.data.annotated_dataset import AnnotatedDataset
    from afformer_core.data.verification import MediaProblem

_EXAMPLE = """examples:
  afformer verify opra/test.json --root opra
  afformer verify assistq/train.json --decode --json health.json
  afformer verify my_pairs
"""
_SHOWN = 20


def add_parser(subparsers: Any) -> None:
    """Add the subcommand."""
    parser = subparsers.add_parser(
        'verify',
        help='list what is missing or broken in a dataset',
        description='Counts the samples, clips and images of a dataset and lists those that are '
        'missing, broken, or of another size than annotated, and folders of your own pairs that '
        'have no table. Exits with 1 if there are any.',
        epilog=_EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        'annotations',
        type=Path,
        help='annotation file of any dataset, or a folder of your own pairs with points.csv',
    )
    parser.add_argument('--root', type=Path, help='folder of its clips and images')
    parser.add_argument(
        '--split', choices=('train', 'test'), default='test', help='split of EPIC-Hotspot'
    )
    parser.add_argument(
        '--decode',
        action='store_true',
        help='decode every frame, to find files that are damaged inside; training uses such files '
        'up to the damage',
    )
    parser.add_argument('--json', help='write the result as JSON here; - for stdout instead')
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Check the dataset, and print the problems."""
    from afformer_core.data.annotations import open_annotations
    from afformer_core.data.verification import find_problems
    from afformer_core.files.atomic import write_aside

    dataset = open_annotations(arguments.annotations, arguments.root, arguments.split)
    problems = find_problems(dataset, arguments.decode)
    facts = _facts(dataset, problems)
    found = {
        'folders without a table': dataset.without_table,
        'problems': [asdict(each) for each in problems],
    }
    content = json.dumps({**facts, **found}, indent=2)
    print(content if arguments.json == '-' else _text(facts, problems, dataset.without_table))
    if arguments.json not in (None, '-'):
        write_aside(Path(arguments.json), (content + '\n').encode())
    return 1 if problems or dataset.without_table else 0


def _facts(dataset: AnnotatedDataset, problems: list[MediaProblem]) -> dict[str, Any]:
    from afformer_core.data.verification import points_outside

    actions = Counter(action for sample in dataset for action in sample.actions)
    return {
        'samples': len(dataset),
        'samples without a problem': len(dataset)
        - len({sample for problem in problems for sample in problem.samples}),
        'clips': len({sample.demonstration for sample in dataset}),
        'images': len({sample.image_path for sample in dataset}),
        'points outside their image': points_outside(dataset),
        'actions': {
            name: actions[index]
            for index, name in enumerate(dataset.action_names)
            if actions[index]
        },
    }


def _text(
    facts: dict[str, Any], problems: list[MediaProblem], without_table: Sequence[str]
) -> str:
    lines = [f'- {name}: {value}' for name, value in facts.items() if name != 'actions']
    counts = (f'{name} {count}' for name, count in facts['actions'].items())
    lines.append(f'- actions: {", ".join(counts)}')
    reasons = [
        f'{problem.what}, {len(problem.samples)} samples: {problem.reason}' for problem in problems
    ]
    lines += _listed('missing or broken', reasons)
    if without_table:
        lines += _listed('folders without a table', without_table)
    return '\n'.join(lines)


def _listed(title: str, reasons: Sequence[str]) -> list[str]:
    lines = [f'- {title}: {len(reasons)}', *(f'  - {reason}' for reason in reasons[:_SHOWN])]
    if len(reasons) > _SHOWN:
        lines.append(f'  - {len(reasons) - _SHOWN} more; --json lists them all')
    return lines

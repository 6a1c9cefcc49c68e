# SPDX-License-Identifier: Apache-2.0
"""`afformer maskahand`: the study of learning without labels."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from afformer_core.cli.options.path_options import (
    INPUT_FOLDER,
    INPUT_NAME,
    OUTPUT_FILE,
    OUTPUT_FOLDER,
)

_DESCRIPTION = """\
Mine a folder of simulated long videos, pre-train on the mined clips, and evaluate
the model before and after fine-tuning, compared with training on the same labels
alone. Each step runs an afformer command and writes its output to a .log file.
Run the same command again to continue after an interruption. Options that would
change existing results are rejected."""

_EXAMPLE = """examples:
  afformer simulate unlabelled --layout long-videos --split train --videos 240 --processes 2
  afformer simulate simulated --split train --scenes 1000 --processes 2
  afformer simulate simulated --split validation --scenes 60 --processes 2
  afformer simulate simulated --split test-seen --scenes 150 --processes 2
  afformer maskahand unlabelled/videos --annotated simulated --output results \\
      --processes 2 --ablations
"""


def add_parser(subparsers: Any) -> None:
    """Add the subcommand."""
    parser = subparsers.add_parser(
        'maskahand',
        help='measure the benefit of learning from unlabelled videos',
        description=_DESCRIPTION,
        epilog=_EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        'videos', type=INPUT_FOLDER, help='folder of long videos without annotations'
    )
    parser.add_argument(
        '--annotated',
        type=INPUT_FOLDER,
        required=True,
        help='folder with train.json for fine-tuning, validation.json and test-seen.json',
    )
    parser.add_argument(
        '--output', type=OUTPUT_FOLDER, required=True, help='folder for all results'
    )
    parser.add_argument(
        '--configurations',
        type=INPUT_FOLDER,
        default=Path('config/train'),
        help='folder of the training configurations (default: config/train)',
    )
    parser.add_argument(
        '--detector',
        type=INPUT_NAME,
        default='simulated',
        help='hand detector, as for afformer mine (default: simulated)',
    )
    parser.add_argument(
        '--rate',
        type=float,
        default=4.0,
        help='frames to read per second of video (default: 4)',
    )
    parser.add_argument(
        '--clip-frames', type=int, default=16, help='number of frames in a clip (default: 16)'
    )
    parser.add_argument(
        '--stride',
        type=int,
        default=8,
        help='number of frames from the start of a clip to the start of the next (default: 8)',
    )
    parser.add_argument(
        '--minimum-score',
        type=float,
        default=0.5,
        help='minimum score for a hand in contact to count as an interaction (default: 0.5)',
    )
    parser.add_argument(
        '--processes',
        type=int,
        default=1,
        help='number of processes for mining and training (default: 1)',
    )
    parser.add_argument(
        '--shares',
        type=float,
        nargs='*',
        default=(0.1, 1.0),
        metavar='SHARE',
        help='shares of the labels on which to fine-tune (default: 0.1 1)',
    )
    parser.add_argument(
        '--ablations',
        action='store_true',
        help='also pre-train like the paper, and without each part of its method (Table 5)',
    )
    parser.add_argument(
        '--steps',
        type=int,
        help='number of steps of each training (default: set by the configurations)',
    )
    parser.add_argument(
        '--pairs-per-group',
        type=int,
        default=1,
        help='number of pairs to measure for each object; 0: all (default: 1)',
    )
    parser.add_argument(
        '--train-option',
        action='append',
        default=[],
        metavar='OPTION=VALUE',
        help='additional option for every training, such as '
        '--train-option=--data.init_args.batch_size=2; can be repeated',
    )
    parser.add_argument('--json', type=OUTPUT_FILE, help='also write the table to this JSON file')
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Carry out the missing steps of the study, and print its table."""
    import json

    from afformer_core.files.atomic import write_aside
    from afformer_core.maskahand.study.study import Study, study_table
    from afformer_core.maskahand.study.study_run import carry_out

    study = Study(
        videos=arguments.videos,
        annotated=arguments.annotated,
        output=arguments.output,
        configurations=arguments.configurations,
        detector=arguments.detector,
        rate=arguments.rate,
        clip_frames=arguments.clip_frames,
        stride=arguments.stride,
        minimum_score=arguments.minimum_score,
        processes=arguments.processes,
        shares=tuple(arguments.shares),
        ablations=arguments.ablations,
        steps=arguments.steps,
        pairs=arguments.pairs_per_group,
        options=tuple(arguments.train_option),
    )
    carry_out(study)
    table = study_table(study.runs())
    print(table.to_markdown(), flush=True)
    write_aside(arguments.output / 'table.md', (table.to_markdown() + '\n').encode())
    if arguments.json is not None:
        write_aside(arguments.json, (json.dumps(table.to_json(), indent=2) + '\n').encode())
    return 0

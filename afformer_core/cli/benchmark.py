# SPDX-License-Identifier: Apache-2.0
"""`afformer benchmark`: media of the benchmark, and systems measured on it."""

from __future__ import annotations

import argparse
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from afformer_core.cli.options.command import add_command, add_json, add_seed, print_report
from afformer_core.cli.options.path_options import INPUT_FOLDER, OUTPUT_FILE, OUTPUT_FOLDER
from afformer_core.cli.options.session_options import add_session_options

if TYPE_CHECKING:
    from afformer_core.cli.evaluation.on_pairs import MakeExamples
    from afformer_core.cli.evaluation.on_parts import PairsAndClips, Predictors
    from afformer_core.offline.evaluation.report.report import EvaluationReport, Fact

_DESCRIPTION = """\
The benchmark "demonstration to image": a video of a hand, another image of the
same object, and the question of where to act. `fetch` downloads its media from
their public sources, and `run` measures a model or a command on them."""

_FETCH = """\
Download the sources of the benchmark with git, compare their hashes, cut clips
and images from them, and write the folders that `run` reads. Pairs whose source
has vanished or changed are skipped and listed."""

_RUN = """\
Measure a model, or a command that answers a folder of questions, and print its
row of the benchmark, and all tables of `afformer evaluate --pairs`."""

_EXAMPLE = """examples:
  afformer benchmark fetch demonstration_to_image
  afformer benchmark run shipped demonstration_to_image --baselines --json row.json
  afformer benchmark run 'python my_system.py' demonstration_to_image
"""


def add_parser(subparsers: Any) -> None:
    """Add the subcommand."""
    help_text = 'fetch the real pairs of the benchmark, and measure a model or a command on them'
    parser = add_command(subparsers, 'benchmark', run_measure, help_text, _DESCRIPTION, _EXAMPLE)
    parts = parser.add_subparsers(title='subcommands', metavar='subcommand', required=True)
    fetch = parts.add_parser('fetch', help='download the media', description=_FETCH)
    fetch.add_argument('output', type=OUTPUT_FOLDER, help='folder for the benchmark')
    fetch.set_defaults(run=run_fetch, subparser=fetch)
    measure = parts.add_parser('run', help='measure a model or a command', description=_RUN)
    measure.add_argument(
        'system',
        help='model folder, `shipped`, or a command; a command gets the folder of questions and '
        'the file for its answers as last arguments',
    )
    measure.add_argument(
        'folder',
        type=INPUT_FOLDER,
        help='folder of the benchmark, whose folders hold pairs.json or clips.json',
    )
    measure.add_argument(
        '--given-contact',
        action='store_true',
        help='also ask a command with the marked contacts; a model with a matching network is '
        'always measured in both ways',
    )
    measure.add_argument(
        '--baselines',
        action='store_true',
        help='also measure centre, copied position, SIFT and matching (minutes)',
    )
    measure.add_argument(
        '--work',
        type=OUTPUT_FOLDER,
        help='empty or absent folder in which the questions and answers of a command remain '
        '(default: a temporary one)',
    )
    add_seed(measure, 'the bootstrap and of the order of questions')
    add_json(measure, 'all numbers')
    measure.add_argument(
        '--report', type=OUTPUT_FILE, help='.html file of all tables and of images'
    )
    add_session_options(measure)
    measure.set_defaults(run=run_measure, subparser=measure)


def run_fetch(arguments: argparse.Namespace) -> int:
    """Fetch the media, and print what is complete and what is not."""
    from afformer_core.offline.evaluation.demonstration_to_image.fetching import (
        fetch_benchmark,
        read_entries,
    )

    entries = read_entries()
    fetched, skipped = fetch_benchmark(entries, arguments.output)
    for name, reason in skipped.items():
        print(f'skipped {name}: {reason}', file=sys.stderr)
    pairs = sum('target' in entry for entry in fetched)
    print(
        f'{pairs} pairs and {len(fetched) - pairs} clips with marked contacts are in '
        f'{arguments.output}; {len(skipped)} of {len(entries)} were skipped'
    )
    return 0 if fetched else 1


def run_measure(arguments: argparse.Namespace) -> int:
    """Measure a system, and print its report."""
    from afformer_core.offline.evaluation.demonstration_to_image.outside_system import is_command
    from afformer_core.runtime.model_folder import description_files
    from afformer_core.runtime.shipped_model import model_folder

    system = arguments.system
    model = [] if is_command(system) else description_files(model_folder(system))
    report, make_examples = _measure(arguments)
    files = [*model, *sorted(arguments.folder.glob('*/*.json'))]
    print_report(arguments, report.to_markdown(), report.to_json(), files, arguments.seed)
    if arguments.report is not None:
        from afformer_core.offline.evaluation.report.report import write_report

        write_report(arguments.report, report, make_examples())
    return 0


def _measure(arguments: argparse.Namespace) -> tuple[EvaluationReport, MakeExamples]:
    data = _read_data(arguments.folder)
    from afformer_core.cli.evaluation.on_parts import measure_predictors
    from afformer_core.offline.evaluation.demonstration_to_image.outside_system import is_command
    from afformer_core.offline.evaluation.parts.part_tables import benchmark_table

    facts: dict[str, Fact] = {'system': arguments.system, 'benchmark': str(arguments.folder)}
    if is_command(arguments.system):
        predictors, frame_count = _ask(arguments, data), _FRAMES
    else:
        predictors, frame_count = _open_model(arguments)
    report, make_examples = measure_predictors(
        data, predictors, frame_count, facts, arguments.seed
    )
    row = benchmark_table(report.measures, predictors.labels)
    return replace(report, tables=(row, *report.tables)), make_examples


# Frames of a clip that baselines read; their marked frames are read beside them.
_FRAMES = 8


def _read_data(folder: Path) -> PairsAndClips:
    from afformer_core.errors import DatasetError
    from afformer_core.offline.data.readers.contact_clips import CLIPS_FILE, read_contact_clips
    from afformer_core.offline.data.readers.part_pairs import PAIRS_FILE

    folders = [path.parent for path in sorted(folder.glob(f'*/{PAIRS_FILE}'))]
    if not folders:
        raise DatasetError(
            f'no folder in {folder} has {PAIRS_FILE}. Run `afformer benchmark fetch {folder}`'
        )
    from afformer_core.cli.evaluation.on_parts import PairsAndClips, usable_pairs

    pairs, left_out = usable_pairs(folders, None, skip_broken=True)
    read = [
        clip
        for path in sorted(folder.glob(f'*/{CLIPS_FILE}'))
        for clip in read_contact_clips(path.parent)
    ]
    clips = [clip for clip in read if not clip.is_in_pairs]
    return PairsAndClips(pairs, left_out, clips, len(read) - len(clips))


def _open_model(arguments: argparse.Namespace) -> tuple[Predictors, int]:
    from afformer_core.cli.evaluation.on_parts import open_models, open_predictors

    arguments.models, arguments.zooms = [Path(arguments.system)], None
    models = open_models(arguments)
    (model,) = models.values()
    predictors = open_predictors(arguments, models, with_baselines=arguments.baselines)
    return predictors, model.grounder.configuration.maximum_frames


def _ask(arguments: argparse.Namespace, data: PairsAndClips) -> Predictors:
    from afformer_core.cli.evaluation.on_parts import Predictors, open_baselines
    from afformer_core.offline.evaluation.demonstration_to_image.outside_system import ask_command
    from afformer_core.offline.evaluation.parts.predictors import (
        MarkedContactPredictor,
        PointPredictor,
    )

    with tempfile.TemporaryDirectory() as folder:
        system = ask_command(
            arguments.system,
            data.pairs,
            data.clips,
            arguments.work or Path(folder),
            given_contact=arguments.given_contact,
            seed=arguments.seed,
        )
    labelled: dict[str, tuple[str, PointPredictor]] = {'system': ('system', system)}
    if arguments.given_contact:
        marked = MarkedContactPredictor(system)
        labelled['system_marked'] = 'system, contact marked', marked
    if not arguments.baselines:
        return Predictors(('system',), labelled)
    baselines, notes = open_baselines(system if system.reads_contacts else None)
    return Predictors(('system',), {**labelled, **baselines}, notes)

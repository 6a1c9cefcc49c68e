# SPDX-License-Identifier: Apache-2.0
"""`afformer evaluate`: accuracy of models, beside baselines that do not learn."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from afformer_core.cli.options.command import add_command, add_json, add_seed, print_report
from afformer_core.cli.options.dataset_options import (
    add_choice_options,
    add_dataset_part,
    add_folder_rate,
)
from afformer_core.cli.options.engine_options import add_processes, divide_threads, engine_of
from afformer_core.cli.options.path_options import INPUT_FOLDER, INPUT_PATH, MODEL, OUTPUT_FILE
from afformer_core.cli.options.session_options import add_session_options, add_zooms

if TYPE_CHECKING:
    from afformer_core.cli.evaluation.on_pairs import MakeExamples

_DESCRIPTION = """\
Ground the demonstrations of a dataset in its images and print tables that
compare the model with baselines that do not learn."""

# Splits of the simulated benchmark.
_SPLITS = ('test-seen', 'test-unseen', 'test-buttons', 'test-absent')
_PROTOCOLS = ('rows256', 'rows28', 'pooled28', 'buttons')
_EXAMPLE = """examples:
  afformer evaluate --annotations simulated/test.json \\
      --prior-annotations simulated/train.json --limit 300 --pairs-per-group 1 \\
      --report evaluation.html
  afformer evaluate models/afformer_r50 --annotations opra/test.json \\
      --frames '2 fps x 32 every 16'
  afformer evaluate models/full models/deconvolution --annotations simulated/test-seen.json \\
      --report differences.html
  afformer evaluate models/sim_small --benchmark simulated --pairs-per-group 1
  afformer evaluate models/sim_small --pairs my_real_pairs more_pairs --report parts.html
  afformer evaluate --contacts my_marked_clips --json contacts.json
"""


def add_parser(subparsers: Any) -> None:
    """Add the subcommand."""
    parser = add_command(
        subparsers, 'evaluate', run, 'measure the accuracy of models', _DESCRIPTION, _EXAMPLE
    )
    parser.add_argument(
        'models',
        metavar='model',
        type=MODEL,
        nargs='*',
        help='model folder, or `shipped` (default: shipped); several models are measured on the '
        'same pairs, and the paired differences from the first one are printed with confidence '
        'intervals',
    )
    _add_data_options(parser)
    parser.add_argument(
        '--protocol',
        choices=_PROTOCOLS,
        default='rows256',
        help='rows256: a row for each sample and action at 256x256, like the released code; '
        'rows28: a row for each sample and action at 28x28; pooled28: a row for each image and '
        'action, with the mean heatmap of the demonstrations (paper, Table 2); buttons: compare '
        'with annotated boxes, and also measure how often the right button is chosen (default: '
        'rows256)',
    )
    add_processes(parser)
    _add_measure_options(parser)
    add_choice_options(parser)
    add_zooms(parser)
    add_session_options(parser)
    add_seed(parser, 'the choice of pairs, of jitter and of the bootstrap')
    add_json(parser, 'all numbers, see docs/reference/evaluation_json.md,')
    parser.add_argument(
        '--report',
        type=OUTPUT_FILE,
        help='.html file: a page with all tables and with images of pairs from the best to the '
        'worst',
    )


def _add_data_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that select the data; `_require_data` checks them."""
    data = parser.add_mutually_exclusive_group()
    data.add_argument(
        '--annotations',
        type=INPUT_PATH,
        help='annotation file of OPRA (JSON or text), of the simulator, of EPIC-Hotspot or of '
        'AssistQ; or folder of your own pairs with points.csv',
    )
    data.add_argument(
        '--benchmark',
        type=INPUT_FOLDER,
        metavar='FOLDER',
        help='measure a model on each test split of the simulated benchmark in this folder',
    )
    data.add_argument(
        '--pairs',
        type=INPUT_FOLDER,
        nargs='+',
        metavar='FOLDER',
        help='folders with pairs.json, which lists pairs of a clip and an image with outlined '
        'parts: print how often the best peak lies inside the right part, for all pairs, by '
        'folder and by source, compared with baselines that match images; the source of a pair is '
        'the `repository` of its entry, or else its folder; name models before this option',
    )
    parser.add_argument(
        '--contacts',
        type=INPUT_FOLDER,
        metavar='FOLDER',
        help='folder with clips.json, which lists clips with the marked contact of the hand: '
        'print the distance between that contact and the one that a model reads, by source; with '
        '--pairs, clips that also belong to a pair are left out',
    )
    add_dataset_part(parser)


def _add_measure_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of how a model is measured."""
    parser.add_argument(
        '--prior-annotations',
        type=INPUT_PATH,
        help='annotation file from which the baselines compute their mean heatmaps, usually the '
        'training set (default: cross-validation of the dataset in five folds, which needs more '
        'than one image)',
    )
    parser.add_argument(
        '--frames',
        metavar='NAME',
        help="sampling of the frames of a clip. 'uniform N': N evenly spaced frames; 'R fps x N "
        "every S': the mean over windows of N frames, S frames apart, at R frames per second. The "
        "released code uses '2 fps x 32 every 16' (default: uniform, with the maximum number of "
        'frames of the model)',
    )
    parser.add_argument(
        '--together',
        type=int,
        default=1,
        metavar='N',
        help='number of demonstrations of the same element that are grounded together, for data '
        'with several, such as data simulated with --performances (default: 1)',
    )
    add_folder_rate(parser)
    parser.add_argument(
        '--heatmap-of',
        choices=('predicted', 'annotated'),
        default='predicted',
        help='for a model with a heatmap for each action, measure the heatmap of the predicted '
        'action, which a robot receives, or of the annotated action, like the released code. '
        'Tests with other demonstrations and absent elements always use the predicted action '
        '(default: predicted)',
    )


def run(arguments: argparse.Namespace) -> int:
    """Evaluate, and print the report."""
    _require_data(arguments)
    # rejects invalid outputs before reading anything
    engine_of(arguments, arguments.processes)
    divide_threads(arguments)
    if arguments.zooms is not None and arguments.maximum_stages is not None:
        raise ValueError(
            '--zooms determines the number of zoom stages; leave out --maximum-stages'
        )
    report, make_examples = _evaluate(arguments)
    files = [*_model_files(arguments), *_data_files(arguments)]
    print_report(arguments, report.to_markdown(), report.to_json(), files, arguments.seed)
    if arguments.report is not None:
        from afformer_core.offline.evaluation.report.report import write_report

        write_report(arguments.report, report, make_examples())
    return 0


def _require_data(arguments: argparse.Namespace) -> None:
    """Check that data is given, and read it before PyTorch is imported, which takes seconds.

    Raises:
        DatasetError: annotations, pairs or marked clips are invalid.
        ValueError: no data is given, or what cannot be combined.
    """
    from afformer_core.offline.data.annotations import open_annotations
    from afformer_core.offline.data.readers.contact_clips import read_contact_clips
    from afformer_core.offline.data.readers.part_pairs import read_pooled_pairs

    names = ('annotations', 'benchmark', 'pairs', 'contacts')
    given = [name for name in names if getattr(arguments, name) is not None]
    if not given:
        raise ValueError(f'no data is given. Give one of --{", --".join(names)}')
    if given[-1] == 'contacts' and given[0] in ('annotations', 'benchmark'):
        raise ValueError(f'--contacts cannot be combined with --{given[0]}. Give it with --pairs')
    if arguments.benchmark is not None and len(arguments.models) > 1:
        raise ValueError(
            f'--benchmark measures one model; got {len(arguments.models)}. Compare them on a split'
        )
    if arguments.benchmark is not None and arguments.report is not None:
        raise ValueError('--benchmark writes no page. Give --report with --annotations')
    splits = [] if arguments.benchmark is None else _data_files(arguments)
    for path in [*splits, arguments.annotations]:
        if path is not None:
            open_annotations(path, arguments.root, arguments.split)
    read_pooled_pairs(arguments.pairs or [], arguments.root)
    if arguments.contacts is not None:
        read_contact_clips(arguments.contacts)


def _evaluate(arguments: argparse.Namespace) -> tuple[Any, MakeExamples]:
    """Evaluate on the data that is given, and return the report and its examples."""
    from afformer_core.cli.evaluation.on_pairs import evaluate_on_pairs
    from afformer_core.cli.evaluation.on_parts import evaluate_on_parts
    from afformer_core.offline.evaluation.protocols import PROTOCOLS
    from afformer_core.offline.evaluation.report.report import BenchmarkReport

    if arguments.benchmark is None:
        if arguments.pairs is not None or arguments.contacts is not None:
            return evaluate_on_parts(arguments)
        return evaluate_on_pairs(arguments, PROTOCOLS[arguments.protocol]())
    reports = {}
    for split in _SPLITS:
        arguments.annotations = arguments.benchmark / f'{split}.json'
        reports[split], _ = evaluate_on_pairs(arguments, PROTOCOLS[arguments.protocol]())
    return BenchmarkReport(reports), dict


def _model_files(arguments: argparse.Namespace) -> list[Path]:
    """List the descriptions of the measured models."""
    from afformer_core.runtime.model_folder import description_files
    from afformer_core.runtime.shipped_model import SHIPPED, model_folder

    models = arguments.models or [SHIPPED]
    return [file for model in models for file in description_files(model_folder(model))]


def _data_files(arguments: argparse.Namespace) -> list[Path]:
    """List the files that annotate the data; some may not exist."""
    from afformer_core.offline.data.annotations import annotating_files
    from afformer_core.offline.data.readers.contact_clips import CLIPS_FILE

    if arguments.benchmark is not None:
        return [arguments.benchmark / f'{split}.json' for split in _SPLITS]
    given = [*(arguments.pairs or ()), arguments.annotations, arguments.prior_annotations]
    if arguments.contacts is not None:
        given.append(arguments.contacts / CLIPS_FILE)
    return [file for path in given if path is not None for file in annotating_files(path)]

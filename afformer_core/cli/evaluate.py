# SPDX-License-Identifier: Apache-2.0
"""`afformer evaluate`: accuracy of models, beside baselines that do not learn."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from afformer_core.cli.evaluation.evaluate_options import (
    add_choice_options,
    add_data_options,
    add_measure_options,
    add_model_options,
    add_output_options,
    require_data,
)
from afformer_core.cli.options.engine_options import add_engine_options, divide_threads, engine_of
from afformer_core.cli.options.path_options import INPUT_FOLDER

if TYPE_CHECKING:
    from afformer_core.offline.evaluation.protocols.protocols import EvaluationProtocol
    from afformer_core.offline.evaluation.report.benchmark import BenchmarkReport
    from afformer_core.offline.evaluation.report.qualitative_examples import QualitativeExample
    from afformer_core.offline.evaluation.report.report import EvaluationReport

    _MakeExamples = Callable[[], Mapping[str, Sequence[QualitativeExample]]]

_DESCRIPTION = """\
Ground the demonstrations of a dataset in its images and print tables that
compare the model with baselines that do not learn."""

_PROTOCOLS = ('rows256', 'rows256-1e6', 'rows28', 'pooled28', 'pooled28-noempty', 'buttons')
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
    parser = subparsers.add_parser(
        'evaluate',
        help='measure the accuracy of models',
        description=_DESCRIPTION,
        epilog=_EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        'models',
        metavar='model',
        type=INPUT_FOLDER,
        nargs='*',
        help='model folder, or `shipped` (default: shipped); several models are measured on the '
        'same pairs, and the paired differences from the first one are printed with confidence '
        'intervals',
    )
    add_data_options(parser)
    parser.add_argument(
        '--protocol',
        choices=_PROTOCOLS,
        default='rows256',
        help='rows256: a row for each sample and action at 256x256, like the released code; '
        'rows256-1e6: the same with another offset; rows28: a row for each sample and action at '
        '28x28; pooled28: a row for each image and action, with the mean heatmap of the '
        'demonstrations (paper, Table 2); pooled28-noempty: the same without rows that have no '
        'point inside the image; buttons: compare with annotated boxes, and also measure how '
        'often the right button is chosen (default: rows256)',
    )
    parser.add_argument(
        '--processes',
        type=int,
        default=1,
        help='number of processes, each with its own copy of the model; the results do not '
        'depend on it (default: 1)',
    )
    add_engine_options(parser)
    add_measure_options(parser)
    add_choice_options(parser)
    add_model_options(parser)
    parser.add_argument(
        '--seed',
        type=int,
        default=0,
        help='seed of the choice of pairs, of jitter and of the bootstrap (default: 0)',
    )
    add_output_options(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Evaluate, and print the report."""
    require_data(arguments)
    # rejects invalid outputs before reading anything
    engine_of(arguments, arguments.processes)
    divide_threads(arguments)
    if arguments.zooms is not None and arguments.maximum_stages is not None:
        raise ValueError(
            '--zooms determines the number of zoom stages; leave out --maximum-stages'
        )
    if arguments.benchmark is not None:
        return _run_benchmark(arguments)
    from afformer_core.offline.evaluation.protocols.named_protocols import PROTOCOLS
    from afformer_core.offline.evaluation.report.html_report import report_path

    page = None if arguments.report is None else report_path(arguments.report)
    if arguments.pairs is not None or arguments.contacts is not None:
        return _run_parts(arguments, page)
    protocol = PROTOCOLS[arguments.protocol]()
    if len(arguments.models) > 1:
        report, make_examples = _compare_models(arguments, protocol)
    else:
        report, make_examples = _evaluate_model(arguments, protocol)
    _print(report, arguments)
    _show(report, make_examples, page)
    return 0


def _run_benchmark(arguments: argparse.Namespace) -> int:
    from afformer_core.offline.evaluation.protocols.named_protocols import PROTOCOLS
    from afformer_core.offline.evaluation.report.benchmark import SPLITS, BenchmarkReport

    if len(arguments.models) > 1:
        raise ValueError(
            f'--benchmark measures one model; got {len(arguments.models)}. Compare them on a split'
        )
    if arguments.report is not None:
        raise ValueError('--benchmark writes no page. Give --report with --annotations')
    reports = {}
    for split in SPLITS:
        arguments.annotations = arguments.benchmark / f'{split}.json'
        reports[split], _ = _evaluate_model(arguments, PROTOCOLS[arguments.protocol]())
    _print(BenchmarkReport(reports), arguments)
    return 0


def _run_parts(arguments: argparse.Namespace, page: Path | None) -> int:
    from afformer_core.cli.evaluation.evaluate_parts import evaluate_on_parts

    report, make_examples = evaluate_on_parts(arguments)
    _print(report, arguments)
    _show(report, make_examples, page)
    return 0


def _print(report: EvaluationReport | BenchmarkReport, arguments: argparse.Namespace) -> None:
    from afformer_core.files.atomic import write_aside
    from afformer_core.files.provenance import provenance

    json_path = arguments.json
    made = provenance(arguments.seed, [*_model_files(arguments), *_data_files(arguments)])
    content = json.dumps({**report.to_json(), 'provenance': made}, indent=2, allow_nan=False)
    print(content if json_path == '-' else report.to_markdown(), flush=True)
    if json_path not in (None, '-'):
        write_aside(Path(json_path), (content + '\n').encode())


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
    from afformer_core.offline.evaluation.report.benchmark import SPLITS

    if arguments.benchmark is not None:
        return [arguments.benchmark / f'{split}.json' for split in SPLITS]
    given = [*(arguments.pairs or ()), arguments.annotations, arguments.prior_annotations]
    if arguments.contacts is not None:
        given.append(arguments.contacts / CLIPS_FILE)
    return [file for path in given if path is not None for file in annotating_files(path)]


def _show(report: EvaluationReport, make_examples: _MakeExamples, page: Path | None) -> None:
    """Write the page of the report, if it is requested."""
    from afformer_core.offline.evaluation.report.html_report import write_report

    if page is not None:
        write_report(page, report, make_examples())


def _evaluate_model(
    arguments: argparse.Namespace, protocol: EvaluationProtocol
) -> tuple[EvaluationReport, _MakeExamples]:
    from afformer_core.cli.evaluation import evaluate_models as models
    from afformer_core.offline.evaluation.report.qualitative_examples import (
        best_and_worst_examples,
    )
    from afformer_core.runtime.shipped_model import SHIPPED, model_folder

    questions = models.read_questions(arguments, protocol)
    folder = model_folder(arguments.models[0] if arguments.models else SHIPPED)
    answers = models.ask_model(arguments, folder, questions)
    prior = models.read_prior(arguments, questions)
    report = models.report_on(answers, questions, prior, arguments.seed)
    return report, lambda: best_and_worst_examples(models.rows_to_show(answers, questions))


def _compare_models(
    arguments: argparse.Namespace, protocol: EvaluationProtocol
) -> tuple[EvaluationReport, _MakeExamples]:
    from afformer_core.cli.evaluation import evaluate_models as models
    from afformer_core.offline.evaluation.model_differences import most_different_rows
    from afformer_core.offline.evaluation.report.compared_report import build_compared_report
    from afformer_core.offline.evaluation.report.qualitative_examples import (
        most_different_examples,
    )
    from afformer_core.offline.evaluation.report.report import baseline_labels

    folders = models.name_models(arguments.models)
    # an invalid model is reported before the others are measured
    for folder in folders.values():
        models.open_model(arguments, folder)
    questions = models.read_questions(arguments, protocol)
    answers = {
        name: models.ask_model(arguments, folder, questions) for name, folder in folders.items()
    }
    prior = models.read_prior(arguments, questions)
    reports = {
        name: models.report_on(answers_of_model, questions, prior, arguments.seed)
        for name, answers_of_model in answers.items()
    }
    rows = {
        name: models.rows_to_compare(answers_of_model, questions)
        for name, answers_of_model in answers.items()
    }
    labels = baseline_labels(prior, questions.dataset.action_names)
    report = build_compared_report(reports, rows, labels, arguments.seed)
    shown = (
        (name, models.rows_to_show(answers_of_model, questions))
        for name, answers_of_model in answers.items()
    )
    return report, lambda: most_different_examples(shown, most_different_rows(rows))

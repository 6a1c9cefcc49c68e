# SPDX-License-Identifier: Apache-2.0
"""`afformer calibrate`: presence, certainty and the action threshold of a model."""

from __future__ import annotations

import argparse
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from afformer_core.cli.options.command import add_command, add_json, add_seed, print_report
from afformer_core.cli.options.dataset_options import add_choice_options
from afformer_core.cli.options.engine_options import add_processes, divide_threads, engine_of
from afformer_core.cli.options.path_options import INPUT_FOLDER, INPUT_PATH, MODEL
from afformer_core.cli.options.session_options import add_session_options, add_zooms

if TYPE_CHECKING:
    from afformer_core.runtime import ArrayGrounder
    from afformer_core.runtime.calibrations import PresenceCalibration

_DESCRIPTION = """\
Fit the probabilities that a model reports, and write them to its model.json.

With --annotations: presence, the probability that the image shows the demonstrated
element, on pairs of at least two elements; and certainty (see below) in images where
the decoder outweighs the matching network. A matching network in the subfolder
`matching` joins the model, and the zoom stages are written as well.
With --pairs: certainty, the probability that the best point is right, the score from
which the best action counts as known, and, for a model with a matching network,
presence, on real pairs of several sources.

A calibration is valid only for the weights on which it was fitted. Use pairs on
which the model was not trained."""

_EXAMPLE = """examples:
  afformer calibrate models/espresso --annotations my_pairs
  afformer calibrate models/sim_small --annotations simulated/validation.json \\
      --zooms 1.5 1.8 --zooms 2.1 2.5
  afformer calibrate models/sim_small --pairs my_real_pairs more_pairs
"""


def add_parser(subparsers: Any) -> None:
    """Add the subcommand."""
    help_text = 'fit the probabilities that a model reports'
    parser = add_command(subparsers, 'calibrate', run, help_text, _DESCRIPTION, _EXAMPLE)
    parser.add_argument('model', type=MODEL, help='model folder, whose model.json changes')
    parser.add_argument(
        '--annotations',
        type=INPUT_PATH,
        nargs='+',
        metavar='FILE',
        help='annotation files or folders of pairs (see `afformer evaluate`) on which presence is '
        'fitted together',
    )
    parser.add_argument(
        '--pairs',
        type=INPUT_FOLDER,
        nargs='+',
        metavar='FOLDER',
        help='folders with pairs.json (see `afformer evaluate`), on which certainty is fitted',
    )
    add_choice_options(parser)
    add_zooms(parser)
    add_session_options(parser)
    add_processes(parser)
    add_seed(parser, 'the choice of pairs')
    add_json(parser, 'the calibrations', 'sentences')


def run(arguments: argparse.Namespace) -> int:
    """Calibrate the model, and print the results."""
    from afformer_core.offline.data.annotations import annotating_files

    if not arguments.annotations and not arguments.pairs:
        raise ValueError('no data is given. Give --annotations, --pairs or both')
    # rejects invalid options before reading anything
    engine_of(arguments, arguments.processes)
    divide_threads(arguments)
    sentences: list[str] = []
    content: dict[str, Any] = {}
    if arguments.annotations:
        content |= _calibrate_on_annotations(arguments, sentences)
    if arguments.pairs:
        content |= _calibrate_on_parts(arguments, sentences)
    given = [*(arguments.annotations or ()), *(arguments.pairs or ())]
    files = [file for path in given for file in annotating_files(path)]
    print_report(arguments, '\n'.join(sentences), content, files, arguments.seed)
    return 0


def _calibrate_on_annotations(
    arguments: argparse.Namespace, sentences: list[str]
) -> dict[str, Any]:
    from afformer_core.offline.data.annotations import open_annotations

    datasets = [open_annotations(path) for path in arguments.annotations]
    from afformer_core.cli.evaluation.on_pairs import choose_pairs_of, open_model
    from afformer_core.offline.evaluation.calibration import calibrate_on_annotations
    from afformer_core.offline.evaluation.pairs.pair_evaluator import RunSettings
    from afformer_core.offline.evaluation.protocols import RowsProtocol

    folder = arguments.model
    presence, decoder = calibrate_on_annotations(
        folder,
        RunSettings(partial(open_model, arguments, folder), RowsProtocol(), arguments.seed),
        [choose_pairs_of(arguments, dataset) for dataset in datasets],
        ' and '.join(map(str, arguments.annotations)),
        engine_of(arguments, arguments.processes),
        partial(_open_decoder, arguments, folder),
    )
    sentence = _describe(presence)
    content = {'presence': presence.to_json()}
    if decoder is not None:
        sentence += (
            f' Certainty where the decoder outweighs: AUROC {decoder.auroc:.3f} on '
            f'{decoder.pairs} pairs.'
        )
        content['decoder_certainty'] = decoder.to_json()
    sentences.append(sentence)
    return content


def _open_decoder(arguments: argparse.Namespace, folder: Path) -> ArrayGrounder:
    """Open a model without zoom stages and without a matching network."""
    from afformer_core.runtime import ArrayGrounder
    from afformer_core.runtime.backends import open_networks

    backend, threads, precision = arguments.backend, arguments.threads, arguments.precision
    networks = open_networks(folder, backend, threads, precision, with_matching=False)
    return ArrayGrounder(networks.configuration, networks)


def _calibrate_on_parts(arguments: argparse.Namespace, sentences: list[str]) -> dict[str, Any]:
    from afformer_core.cli.evaluation.on_parts import open_models, usable_pairs
    from afformer_core.offline.evaluation.calibration import calibrate_on_parts
    from afformer_core.offline.evaluation.parts.part_scores import evaluate_parts
    from afformer_core.runtime.model_folder import read_description

    pairs, _ = usable_pairs(arguments.pairs, None, skip_broken=arguments.skip_broken)
    engine = engine_of(arguments, arguments.processes)
    frames = read_description(arguments.model).configuration.maximum_frames
    arguments.models = [arguments.model]
    scores = evaluate_parts(pairs, partial(open_models, arguments), frames, engine)['model']
    names = ' and '.join(path.resolve().name for path in arguments.pairs)
    certainty, presence = calibrate_on_parts(arguments.model, scores, pairs, names)
    sentence = (
        f'Certainty: AUROC {certainty.auroc:.3f} on {certainty.pairs} pairs; a robot should act '
        f'from {certainty.threshold:.2f}, and an action is known from the score '
        f'{certainty.action_threshold:.3f}.'
    )
    content: dict[str, Any] = {'certainty': certainty.to_json()}
    if presence is not None:
        sentence += f' {_describe(presence)}'
        content['presence'] = presence.to_json()
    sentences.append(sentence)
    return content


def _describe(presence: PresenceCalibration) -> str:
    return (
        f'Presence: AUROC {presence.auroc:.3f} on {presence.pairs} pairs; an element counts as '
        f'found from {presence.threshold:.2f}.'
    )

# SPDX-License-Identifier: Apache-2.0
"""`afformer calibrate`: presence, certainty and the action threshold of a model."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from afformer_core.cli.evaluation.evaluate_options import add_choice_options, add_model_options
from afformer_core.cli.evaluation.evaluate_parts import open_predictor, usable_pairs
from afformer_core.cli.options.engine_options import add_engine_options, divide_threads, engine_of
from afformer_core.cli.options.path_options import INPUT_FOLDER, INPUT_PATH, REPORT_FILE

if TYPE_CHECKING:
    from afformer_core.offline.evaluation.pairs.pairs import Pair
    from afformer_core.offline.evaluation.pairs.parallel_evaluation import RunSettings
    from afformer_core.offline.evaluation.parts.predictors import ModelPredictor
    from afformer_core.runtime import ArrayGrounder
    from afformer_core.runtime.presence import PresenceCalibration

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
    parser = subparsers.add_parser(
        'calibrate',
        help='fit the probabilities that a model reports',
        description=_DESCRIPTION,
        epilog=_EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument('model', type=INPUT_FOLDER, help='model folder, whose model.json changes')
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
    add_model_options(parser)
    parser.add_argument(
        '--processes',
        type=int,
        default=1,
        help='number of processes, each with its own copy of the model; the '
        'results do not depend on it (default: 1)',
    )
    add_engine_options(parser)
    parser.add_argument(
        '--seed', type=int, default=0, help='seed of the choice of pairs (default: 0)'
    )
    parser.add_argument(
        '--json',
        type=REPORT_FILE,
        help='also write the calibrations to this JSON file; -: print JSON instead of sentences',
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Calibrate the model, and print the results."""
    from afformer_core.files.atomic import write_aside
    from afformer_core.files.provenance import provenance

    if not arguments.annotations and not arguments.pairs:
        raise ValueError('no data is given. Give --annotations, --pairs or both')
    # rejects invalid options before reading anything
    engine_of(arguments, arguments.processes)
    divide_threads(arguments)
    sentences: list[str] = []
    content: dict[str, Any] = {}
    if arguments.annotations:
        sentence, fitted = _fit_presence(arguments)
        sentences.append(sentence)
        content.update(fitted)
    if arguments.pairs:
        sentence, fitted = _fit_on_pairs(arguments)
        sentences.append(sentence)
        content.update(fitted)
    made = provenance(arguments.seed, _data_files(arguments))
    text = json.dumps({**content, 'provenance': made}, indent=2, allow_nan=False)
    print(text if arguments.json == '-' else '\n'.join(sentences), flush=True)
    if arguments.json not in (None, '-'):
        write_aside(Path(arguments.json), (text + '\n').encode())
    return 0


def _data_files(arguments: argparse.Namespace) -> list[Path]:
    """List the files that annotate the data."""
    from afformer_core.offline.data.annotations import annotating_files

    given = [*(arguments.annotations or ()), *(arguments.pairs or ())]
    return [file for path in given for file in annotating_files(path)]


def _fit_presence(arguments: argparse.Namespace) -> tuple[str, dict[str, Any]]:
    """Fit presence and the decoder's certainty, and write them with the zoom stages."""
    from afformer_core.cli.evaluation.evaluate_models import choose_pairs_of, open_model
    from afformer_core.offline.data.annotations import open_annotations
    from afformer_core.offline.evaluation.pairs.parallel_evaluation import (
        RunSettings,
        evaluate_pairs,
        open_run,
    )
    from afformer_core.offline.evaluation.pairs.presence_fit import (
        fit_decoder_certainty,
        fit_presence,
    )
    from afformer_core.offline.evaluation.protocols.protocols import RowsProtocol
    from afformer_core.runtime.model_folder import read_description, write_description

    folder = arguments.model
    chosen = [choose_pairs_of(arguments, open_annotations(path)) for path in arguments.annotations]
    settings = RunSettings(partial(open_model, arguments, folder), RowsProtocol(), arguments.seed)
    _join_matching(arguments, folder, settings, chosen[0])
    engine = engine_of(arguments, arguments.processes)
    results = [result for pairs in chosen for result in evaluate_pairs(settings, pairs, engine)]
    stages = open_run(settings).grounder.zoom_stages
    before = read_description(folder)
    names = ' and '.join(map(str, arguments.annotations))
    weights = before.all_weights_sha256
    fitted = fit_presence(results, names, weights)
    decoder = fit_decoder_certainty(results, names, weights)
    described = replace(before, calibration=fitted, zoom_stages=stages, decoder_certainty=decoder)
    write_description(folder, described)
    content = {'presence': fitted.to_json()}
    if decoder is None:
        return _told(fitted), content
    sentence = (
        f'{_told(fitted)} Certainty where the decoder outweighs: AUROC {decoder.auroc:.3f} on '
        f'{decoder.pairs} pairs.'
    )
    return sentence, {**content, 'decoder_certainty': decoder.to_json()}


def _join_matching(
    arguments: argparse.Namespace, folder: Path, settings: RunSettings, pairs: Sequence[Pair]
) -> None:
    """Write the matching network of the subfolder to `model.json`, unless it is there."""
    from afformer_core.offline.evaluation.pairs.parallel_evaluation import evaluate_pairs
    from afformer_core.offline.evaluation.pairs.presence_fit import even_confidence
    from afformer_core.runtime.matching.weighing import MatchingSettings
    from afformer_core.runtime.model_folder import (
        DESCRIPTION_FILE,
        MATCHING_FOLDER,
        read_description,
        read_matching,
        read_matching_description,
        write_description,
    )

    beside = folder / MATCHING_FOLDER
    if not (beside / DESCRIPTION_FILE).is_file():
        return
    weights, before = read_matching_description(beside).weights_sha256, read_description(folder)
    if before.matching is not None and before.matching.weights_sha256 == weights:
        return
    alone = replace(settings, open_grounder=partial(_open_decoder, arguments, folder))
    engine = engine_of(arguments, arguments.processes)
    confidence = even_confidence(evaluate_pairs(alone, pairs, engine))
    matched = replace(before, matching=MatchingSettings(confidence, weights))
    read_matching(folder, matched)
    write_description(folder, matched)


def _open_decoder(arguments: argparse.Namespace, folder: Path) -> ArrayGrounder:
    """Open a model without zoom stages and without a matching network."""
    from afformer_core.runtime import ArrayGrounder
    from afformer_core.runtime.backends import open_networks

    backend, threads, precision = arguments.backend, arguments.threads, arguments.precision
    networks = open_networks(folder, backend, threads, precision, with_matching=False)
    return ArrayGrounder(networks.configuration, networks)


def _open_predictors(arguments: argparse.Namespace) -> dict[str, ModelPredictor]:
    return {'model': open_predictor(arguments, arguments.model)}


def _fit_on_pairs(arguments: argparse.Namespace) -> tuple[str, dict[str, Any]]:
    """Fit certainty, the action threshold and presence, and write them to `model.json`."""
    from afformer_core.offline.evaluation.parts.certainty_fit import fit_certainty, fit_similarity
    from afformer_core.offline.evaluation.parts.part_run import evaluate_parts
    from afformer_core.runtime.model_folder import read_description, write_description

    folder = arguments.model
    pairs, _ = usable_pairs(arguments.pairs, None, skip_broken=arguments.skip_broken)
    before = read_description(folder)
    engine = engine_of(arguments, arguments.processes)
    frames = before.configuration.maximum_frames
    opened = partial(_open_predictors, arguments)
    scores = evaluate_parts(pairs, opened, frames, engine)['model']
    names = ' and '.join(path.resolve().name for path in arguments.pairs)
    fitted = fit_certainty(scores, pairs, names, before.all_weights_sha256)
    after = replace(before, certainty=fitted)
    content: dict[str, Any] = {'certainty': fitted.to_json()}
    sentence = (
        f'Certainty: AUROC {fitted.auroc:.3f} on {fitted.pairs} pairs; a robot should act from '
        f'{fitted.threshold:.2f}, and an action is known from the score '
        f'{fitted.action_threshold:.3f}.'
    )
    if before.matching is not None:
        presence = fit_similarity(scores, names, before.all_weights_sha256)
        after = replace(after, calibration=presence)
        content['presence'] = presence.to_json()
        sentence += f' {_told(presence)}'
    write_description(folder, after)
    return sentence, content


def _told(presence: PresenceCalibration) -> str:
    return (
        f'Presence: AUROC {presence.auroc:.3f} on {presence.pairs} pairs; an element counts as '
        f'found from {presence.threshold:.2f}.'
    )

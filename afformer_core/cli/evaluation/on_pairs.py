# SPDX-License-Identifier: Apache-2.0
"""`afformer evaluate --annotations`: models on pairs of a dataset, beside baselines."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

import torch

from afformer_core.cli.options.engine_options import engine_of
from afformer_core.cli.options.session_options import open_grounder
from afformer_core.offline.data.annotated_dataset import AnnotatedDataset
from afformer_core.offline.data.annotations import open_annotations
from afformer_core.offline.data.frame_sampling import parse_frame_sampling
from afformer_core.offline.data.verification import usable_samples
from afformer_core.offline.evaluation.baselines import (
    BaselinePrior,
    prior_from_folds,
    prior_from_training,
)
from afformer_core.offline.evaluation.metrics import concatenate
from afformer_core.offline.evaluation.model_differences import ModelRows
from afformer_core.offline.evaluation.pairs import pair_evaluator as evaluator
from afformer_core.offline.evaluation.pairs.actions import hit_actions
from afformer_core.offline.evaluation.pairs.pairs import Pair, choose_pairs
from afformer_core.offline.evaluation.pairs.pooled_rows import pool
from afformer_core.offline.evaluation.protocols import (
    ButtonsProtocol,
    CoarseRowsProtocol,
    PooledProtocol,
    RowsProtocol,
)
from afformer_core.offline.evaluation.report.examples import examples_of_models
from afformer_core.offline.evaluation.report.report import (
    EvaluationReport,
    Fact,
    baseline_labels,
    build_compared_report,
    build_report,
)
from afformer_core.offline.evaluation.report.tiles import RgbImage
from afformer_core.runtime import ArrayGrounder
from afformer_core.runtime.coarse_to_fine import ZoomStage
from afformer_core.runtime.shipped_model import SHIPPED, model_folder

MakeExamples = Callable[[], Mapping[str, RgbImage]]
ModelResults = tuple[Sequence[evaluator.PairResult], Callable[[], evaluator.ModelRun]]


def evaluate_on_pairs(
    arguments: argparse.Namespace, protocol: RowsProtocol
) -> tuple[EvaluationReport, MakeExamples]:
    """Measure models on the pairs that the options select.

    Returns:
        the report, with the differences of several models from the first one, and a function that
        draws examples.

    Raises:
        DatasetError: the annotations are invalid, or contain no pair that the protocol can
            measure.
        ModelFolderError: there is no valid model.
        ValueError: the options do not suit the model; see `ModelRun`.
    """
    folders = name_models(arguments.models)
    dataset = open_annotations(arguments.annotations, arguments.root, arguments.split)
    pairs = choose_pairs_of(arguments, dataset)
    # raises an error before the grounding if the data does not suit the protocol
    rows = protocol.rows(dataset)
    if arguments.prior_annotations is None:
        prior = prior_from_folds(protocol, rows)
    else:
        training = open_annotations(arguments.prior_annotations, split='train')
        prior = prior_from_training(protocol, training, dataset)
    measured = {
        name: _measure(arguments, folder, dataset, pairs, protocol, prior)
        for name, folder in folders.items()
    }
    (report, _, _), *others = measured.values()
    if others:
        reports = {name: report for name, (report, _, _) in measured.items()}
        compared = {name: rows for name, (_, rows, _) in measured.items()}
        labels = baseline_labels(prior, dataset.action_names)
        report = build_compared_report(reports, compared, labels, arguments.seed)
    found = {name: found for name, (_, _, found) in measured.items()}
    return report, partial(examples_of_models, found, dataset.action_names)


def _measure(
    arguments: argparse.Namespace,
    folder: Path,
    dataset: AnnotatedDataset,
    pairs: Sequence[Pair],
    protocol: RowsProtocol,
    prior: BaselinePrior,
) -> tuple[EvaluationReport, ModelRows, ModelResults]:
    """Measure a model; return its report, its rows to compare, and its results to draw."""
    names, seed = dataset.action_names, arguments.seed
    settings = evaluator.RunSettings(
        partial(open_model, arguments, folder),
        CoarseRowsProtocol() if isinstance(protocol, PooledProtocol) else protocol,
        seed,
        None if arguments.frames is None else parse_frame_sampling(arguments.frames),
        arguments.folder_rate,
        names if arguments.heatmap_of == 'annotated' else None,
        arguments.together,
        isinstance(protocol, PooledProtocol),
    )
    run = evaluator.open_run(settings)
    engine = engine_of(arguments, arguments.processes)
    results = evaluator.evaluate_pairs(settings, pairs, engine)
    rows = [row for result in results for row in result.rows]
    scores, pooled = concatenate([result.scores for result in results]), None
    if isinstance(protocol, PooledProtocol):
        pooled = pool(results, dataset, protocol, seed)
        rows, scores = list(pooled.rows), pooled.scores
    described = describe(run.grounder)
    facts: dict[str, Fact] = {
        'model': str(folder),
        'backend': described['backend'],
        'input size': described['input size'],
        'frames': str(run.sampling),
        'zoom stages': described['zoom stages'],
        'demonstrations together': arguments.together,
        'heatmap': f'of the {arguments.heatmap_of} action',
        'annotations': str(arguments.annotations),
    }
    calibration = run.grounder.calibrations.presence
    report = build_report(
        results, settings.protocol, prior, names, facts, calibration, seed, pooled=pooled
    )
    compared = ModelRows(
        protocol.name,
        rows,
        scores,
        hit_actions(results, names),
        isinstance(protocol, ButtonsProtocol),
    )
    return report, compared, (results, partial(evaluator.open_run, settings))


def choose_pairs_of(arguments: argparse.Namespace, dataset: AnnotatedDataset) -> tuple[Pair, ...]:
    """Choose the pairs of a dataset according to the options, at least one."""
    samples = usable_samples(dataset, True) if arguments.skip_broken else list(dataset)
    return choose_pairs(samples, arguments.limit, arguments.pairs_per_group, arguments.seed)


def name_models(given: Sequence[Path]) -> dict[str, Path]:
    """Name model folders by their shortest distinct names.

    Args:
        given: folders of models, or `shipped`, which keeps that name; empty: `shipped`.

    Raises:
        ValueError: a folder is given twice.
    """
    given = given or [Path(SHIPPED)]
    folders = [model_folder(path) for path in given]
    for number, folder in enumerate(folders):
        if folder.resolve() in [other.resolve() for other in folders[:number]]:
            raise ValueError(f'{folder} is given twice. Give different models')
    names = [SHIPPED if str(path) == SHIPPED else path.resolve().name for path in given]
    if len(set(names)) < len(names):
        names = [str(path) for path in given]
    return dict(zip(names, folders, strict=True))


def open_model(arguments: argparse.Namespace, folder: Path) -> ArrayGrounder:
    """Open a model according to the options, with its zoom stages.

    Raises:
        ModelFolderError: the folder does not contain a valid model for this backend.
    """
    if arguments.threads > 0:
        torch.set_num_threads(arguments.threads)
    grounder = open_grounder(folder, arguments)
    if arguments.zooms is not None:
        grounder.zoom_stages = tuple(ZoomStage(*zooms) for zooms in arguments.zooms)
    return grounder


def describe(grounder: ArrayGrounder) -> dict[str, Fact]:
    """Describe the backend, the input size and the zoom stages of a model."""
    return {
        'backend': grounder.backend,
        'input size': 'x'.join(str(side) for side in grounder.configuration.input_size),
        'zoom stages': '; '.join(map(str, grounder.zoom_stages)) or 'none',
    }

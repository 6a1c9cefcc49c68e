# SPDX-License-Identifier: Apache-2.0
"""Evaluation of models by `afformer evaluate`, on pairs of a dataset."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from afformer_core.cli.options.engine_options import engine_of
from afformer_core.cli.options.session_options import open_grounder

if TYPE_CHECKING:
    from afformer_core.offline.data.annotated_dataset import AnnotatedDataset
    from afformer_core.offline.evaluation.baseline_prior import BaselinePrior
    from afformer_core.offline.evaluation.model_differences import ModelRows
    from afformer_core.offline.evaluation.pairs.pair_result import PairResult
    from afformer_core.offline.evaluation.pairs.pairs import Pair
    from afformer_core.offline.evaluation.pairs.parallel_evaluation import RunSettings
    from afformer_core.offline.evaluation.pairs.pooled_rows import PooledRows
    from afformer_core.offline.evaluation.protocols.protocols import EvaluationProtocol
    from afformer_core.offline.evaluation.report.qualitative_examples import MeasuredRows
    from afformer_core.offline.evaluation.report.report import EvaluationReport
    from afformer_core.runtime import ArrayGrounder
    from afformer_core.runtime.presence import PresenceCalibration


@dataclass(frozen=True)
class Questions:
    """Pairs on which models are measured.

    Attributes:
        protocol: protocol of the evaluation.
        pair_protocol: protocol of each pair: the same, unless the evaluation pools pairs.
        dataset: dataset of the pairs.
        pairs: pairs, at least one.
    """

    protocol: EvaluationProtocol
    pair_protocol: EvaluationProtocol
    dataset: AnnotatedDataset
    pairs: tuple[Pair, ...]


@dataclass(frozen=True)
class Answers:
    """Results of a model on the pairs.

    Attributes:
        folder: folder of the model.
        settings: settings of the run.
        results: results of the pairs.
        pooled: results of the pairs as rows of a protocol that pools them, or None.
        facts: facts about the model, for display.
        calibration: calibration of the model, or None.
    """

    folder: Path
    settings: RunSettings
    results: list[PairResult]
    pooled: PooledRows | None
    facts: dict[str, str | int | float]
    calibration: PresenceCalibration | None


def read_questions(arguments: argparse.Namespace, protocol: EvaluationProtocol) -> Questions:
    """Read the pairs that the options select.

    Raises:
        DatasetError: the annotations are invalid, or contain no pair that the protocol can
            measure.
    """
    from afformer_core.offline.data.annotations import open_annotations
    from afformer_core.offline.evaluation.protocols.coarse_protocol import CoarseRowsProtocol
    from afformer_core.offline.evaluation.protocols.pooled_protocol import PooledProtocol

    dataset = open_annotations(arguments.annotations, arguments.root, arguments.split)
    pairs = choose_pairs_of(arguments, dataset)
    # raises an error before the grounding if the data does not suit the protocol
    protocol.rows(dataset)
    pools = isinstance(protocol, PooledProtocol)
    return Questions(protocol, CoarseRowsProtocol() if pools else protocol, dataset, pairs)


def choose_pairs_of(arguments: argparse.Namespace, dataset: AnnotatedDataset) -> tuple[Pair, ...]:
    """Choose the pairs of a dataset according to the options, at least one."""
    from afformer_core.offline.data.verification import usable_samples
    from afformer_core.offline.evaluation.pairs.pairs import choose_pairs

    samples = usable_samples(dataset, True) if arguments.skip_broken else list(dataset)
    return choose_pairs(samples, arguments.limit, arguments.pairs_per_group, arguments.seed)


def ask_model(arguments: argparse.Namespace, folder: Path, questions: Questions) -> Answers:
    """Measure a model on the pairs.

    Raises:
        ModelFolderError: there is no valid model.
        ValueError: the options do not suit the model; see `ModelRun`.
    """
    from afformer_core.offline.data.frame_sampling import parse_frame_sampling
    from afformer_core.offline.evaluation.pairs.parallel_evaluation import (
        RunSettings,
        evaluate_pairs,
        open_run,
    )
    from afformer_core.offline.evaluation.pairs.pooled_rows import pool
    from afformer_core.offline.evaluation.protocols.pooled_protocol import PooledProtocol

    protocol, dataset = questions.protocol, questions.dataset
    settings = RunSettings(
        partial(open_model, arguments, folder),
        questions.pair_protocol,
        arguments.seed,
        None if arguments.frames is None else parse_frame_sampling(arguments.frames),
        arguments.folder_rate,
        dataset.action_names if arguments.heatmap_of == 'annotated' else None,
        arguments.together,
        isinstance(protocol, PooledProtocol),
    )
    engine = engine_of(arguments, arguments.processes)
    run = open_run(settings)
    grounder = run.grounder
    results = evaluate_pairs(settings, questions.pairs, engine)
    pooled = None
    if isinstance(protocol, PooledProtocol):
        pooled = pool(results, dataset, protocol, arguments.seed)
    facts: dict[str, str | int | float] = {
        'model': str(folder),
        'backend': grounder.backend,
        'input size': 'x'.join(str(side) for side in grounder.configuration.input_size),
        'frames': str(run.sampling),
        'zoom stages': '; '.join(map(str, grounder.zoom_stages)) or 'none',
        'demonstrations together': arguments.together,
        'heatmap': f'of the {arguments.heatmap_of} action',
        'annotations': str(arguments.annotations),
    }
    return Answers(folder, settings, results, pooled, facts, grounder.calibrations.presence)


def read_prior(arguments: argparse.Namespace, questions: Questions) -> BaselinePrior:
    """Read the prior of baselines that do not see a sample.

    Raises:
        DatasetError: the prior annotations are invalid or name different actions.
    """
    from afformer_core.offline.data.annotations import open_annotations
    from afformer_core.offline.evaluation.baseline_prior import (
        prior_from_folds,
        prior_from_training,
    )

    protocol, dataset = questions.protocol, questions.dataset
    if arguments.prior_annotations is None:
        return prior_from_folds(protocol, protocol.rows(dataset))
    training = open_annotations(arguments.prior_annotations, split='train')
    return prior_from_training(protocol, training, dataset)


def report_on(
    answers: Answers, questions: Questions, prior: BaselinePrior, seed: int
) -> EvaluationReport:
    """Build the report of one model."""
    from afformer_core.offline.evaluation.report.report import build_report

    return build_report(
        answers.results,
        questions.pair_protocol,
        prior,
        questions.dataset.action_names,
        answers.facts,
        answers.calibration,
        seed,
        pooled=answers.pooled,
    )


def rows_to_show(answers: Answers, questions: Questions) -> MeasuredRows:
    """Return the rows of a model for images; reopen it if another model was opened since."""
    from afformer_core.offline.evaluation.pairs.parallel_evaluation import open_run
    from afformer_core.offline.evaluation.report.qualitative_examples import (
        measured_by_model,
        measured_by_pooling,
    )

    names = questions.dataset.action_names
    if answers.pooled is not None:
        return measured_by_pooling(answers.pooled, names)
    run = open_run(answers.settings)
    return measured_by_model(answers.results, run, questions.pair_protocol, names)


def rows_to_compare(answers: Answers, questions: Questions) -> ModelRows:
    """Return the rows of a model that are paired with those of others."""
    from afformer_core.offline.evaluation.metrics.scoring import concatenate
    from afformer_core.offline.evaluation.model_differences import ModelRows
    from afformer_core.offline.evaluation.protocols.buttons_protocol import ButtonsProtocol
    from afformer_core.offline.evaluation.tables.accuracy import hit_actions

    results, pooled = answers.results, answers.pooled
    return ModelRows(
        questions.protocol.name,
        [row for result in results for row in result.rows] if pooled is None else pooled.rows,
        concatenate([result.scores for result in results]) if pooled is None else pooled.scores,
        hit_actions(results, questions.dataset.action_names),
        isinstance(questions.protocol, ButtonsProtocol),
    )


def name_models(given: Sequence[Path]) -> dict[str, Path]:
    """Name model folders by their shortest distinct names.

    Args:
        given: folders of models, or `shipped`, which keeps that name.

    Raises:
        ValueError: a folder is given twice.
    """
    from afformer_core.runtime.shipped_model import SHIPPED, model_folder

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
    import torch

    from afformer_core.runtime.coarse_to_fine import ZoomStage

    if arguments.threads > 0:
        torch.set_num_threads(arguments.threads)
    grounder = open_grounder(folder, arguments)
    if arguments.zooms is not None:
        grounder.zoom_stages = tuple(ZoomStage(*zooms) for zooms in arguments.zooms)
    return grounder

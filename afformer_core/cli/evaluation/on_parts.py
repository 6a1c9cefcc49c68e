# SPDX-License-Identifier: Apache-2.0
"""`afformer evaluate --pairs` and `--contacts`: models on real clips, beside baselines."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from afformer_core.cli.evaluation.on_pairs import MakeExamples, describe, name_models, open_model
from afformer_core.cli.options.engine_options import engine_of
from afformer_core.errors import AfformerError
from afformer_core.models.pretrained import imagenet
from afformer_core.offline.data.readers.contact_clips import ContactClip, read_contact_clips
from afformer_core.offline.data.readers.part_pairs import PartPair, read_pooled_pairs
from afformer_core.offline.data.verification import find_problems, usable_samples
from afformer_core.offline.evaluation.parts.contact_scores import measure_contacts
from afformer_core.offline.evaluation.parts.matching import (
    FoundContact,
    NearestFeaturePredictor,
    marked_contact,
)
from afformer_core.offline.evaluation.parts.part_measures import measure_all
from afformer_core.offline.evaluation.parts.part_scores import OpenPredictors, evaluate_parts
from afformer_core.offline.evaluation.parts.part_tables import contact_tables, parts_report
from afformer_core.offline.evaluation.parts.predictors import (
    CentrePredictor,
    ContactPredictor,
    KeptByImage,
    MarkedContactPredictor,
    ModelPredictor,
    PointPredictor,
    RelativePositionPredictor,
    SiftPredictor,
)
from afformer_core.offline.evaluation.report.examples import examples_of_parts
from afformer_core.offline.evaluation.report.report import (
    SCHEMA_OF_PARTS,
    EvaluationReport,
    Fact,
    facts_of_models,
)
from afformer_core.offline.parallel.engine import ParallelEngine
from afformer_core.offline.parallel.local_engine import ONE_PROCESS

# Options that do not apply to pairs, with their defaults.
_OF_OTHER_DATA = {
    'prior_annotations': None,
    'limit': 0,
    'pairs_per_group': 0,
    'frames': None,
    'together': 1,
    'folder_rate': None,
    'heatmap_of': 'predicted',
    'protocol': 'rows256',
}
# Distances of a given contact from the mark, in percent of the diagonal.
_PERCENTS_OFF = (1.0, 2.5)


@dataclass(frozen=True)
class PairsAndClips:
    """The data to measure on.

    Attributes:
        pairs: pairs with readable media.
        left_out: reasons of the pairs that are not measured.
        clips: clips with marked contacts.
        clips_left_out: number of clips that belong to pairs.
    """

    pairs: Sequence[PartPair]
    left_out: Mapping[str, str]
    clips: Sequence[ContactClip]
    clips_left_out: int = 0


@dataclass(frozen=True)
class Predictors:
    """Models and baselines to measure.

    Attributes:
        models: names of the models, at least one, or of a system outside this project.
        labelled: labels and predictors by name, the models first.
        notes: notes on rows that are missing.
    """

    models: tuple[str, ...]
    labelled: Mapping[str, tuple[str, PointPredictor]]
    notes: tuple[str, ...] = ()

    @property
    def labels(self) -> dict[str, str]:
        """Labels by name."""
        return {name: label for name, (label, _) in self.labelled.items()}

    @property
    def all(self) -> dict[str, PointPredictor]:
        """Predictors by name."""
        return {name: predictor for name, (_, predictor) in self.labelled.items()}


def evaluate_on_parts(arguments: argparse.Namespace) -> tuple[EvaluationReport, MakeExamples]:
    """Measure models and baselines; return the report, and a function that draws examples.

    Raises:
        DatasetError: the pairs or the clips are malformed, or media are missing or broken.
        ModelFolderError: there is no valid model.
        ValueError: an option does not apply to pairs.
    """
    for name, default in _OF_OTHER_DATA.items():
        if getattr(arguments, name) != default:
            raise ValueError(
                '--pairs and --contacts measure models on real clips; leave out '
                f'--{name.replace("_", "-")}, which belongs to --annotations'
            )
    pairs, left_out = usable_pairs(
        arguments.pairs or [], arguments.root, skip_broken=arguments.skip_broken
    )
    read = [] if arguments.contacts is None else read_contact_clips(arguments.contacts)
    clips = [clip for clip in read if arguments.pairs is None or not clip.is_in_pairs]
    models = open_models(arguments)
    frame_count = max(model.grounder.configuration.maximum_frames for model in models.values())
    facts = {
        'model': ', '.join(str(path) for path in arguments.models) or 'shipped',
        **facts_of_models({name: describe(model.grounder) for name, model in models.items()}),
        'frames of a video': frame_count,
    }
    if arguments.contacts is not None:
        facts['contacts from'] = str(arguments.contacts)
    data = PairsAndClips(pairs, left_out, clips, len(read) - len(clips))
    engine = engine_of(arguments, arguments.processes)
    if arguments.pairs is None:
        return _measure_contacts_alone(arguments, data, models, frame_count, facts), dict
    facts['pairs from'] = ', '.join(map(str, arguments.pairs))
    predictors = open_predictors(arguments, models)
    opened = partial(_open_all, arguments)
    return measure_predictors(data, predictors, frame_count, facts, arguments.seed, engine, opened)


def _open_all(arguments: argparse.Namespace) -> dict[str, PointPredictor]:
    return open_predictors(arguments, open_models(arguments)).all


def measure_predictors(
    data: PairsAndClips,
    predictors: Predictors,
    frame_count: int,
    facts: Mapping[str, Fact],
    seed: int,
    engine: ParallelEngine | None = None,
    open_again: OpenPredictors | None = None,
) -> tuple[EvaluationReport, MakeExamples]:
    """Measure models and baselines on pairs and clips, and report the numbers.

    Args:
        data, predictors: the data, and what is measured on it.
        frame_count: maximum number of frames of a clip.
        facts, seed: facts for display, and the seed of the bootstrap.
        engine: engine that grounds the pairs and reads the clips; None: this process alone.
        open_again: opens models and baselines again, for other processes of the engine.
    """
    engine = engine or ONE_PROCESS
    models = predictors.models
    opened = (lambda: predictors.all) if engine == ONE_PROCESS else open_again
    assert opened is not None
    scores = evaluate_parts(data.pairs, opened, frame_count, engine)
    contacts = None
    if data.clips:
        left_out = data.clips_left_out
        contacts = measure_contacts(data.clips, opened, frame_count, left_out, seed, engine)
    measured = measure_all(data.pairs, scores, models, data.left_out, seed, contacts)
    report = parts_report(measured, predictors.labels, models, facts, predictors.notes)
    shown = [predictors.all[name] for name in models]
    first = scores[models[0]]
    return report, partial(examples_of_parts, data.pairs, first, shown, frame_count)


def _measure_contacts_alone(
    arguments: argparse.Namespace,
    data: PairsAndClips,
    models: Mapping[str, ModelPredictor],
    frame_count: int,
    facts: Mapping[str, Fact],
) -> EvaluationReport:

    opened = partial(open_models, arguments)
    engine = engine_of(arguments, arguments.processes)
    contacts = measure_contacts(data.clips, opened, frame_count, 0, arguments.seed, engine)
    return EvaluationReport(
        {**facts, 'clips': len(data.clips)},
        {'contacts': contacts},
        tuple(contact_tables(contacts, {name: name for name in models})),
        schema=SCHEMA_OF_PARTS,
    )


def usable_pairs(
    folders: Sequence[Path], root: Path | None, *, skip_broken: bool
) -> tuple[list[PartPair], dict[str, str]]:
    """Return the pairs whose media can be decoded, and the reasons for the other pairs."""
    if not folders:
        return [], {}
    read = read_pooled_pairs(folders, root)
    samples = [pair.sample for pair in read]
    usable = {sample.sample_id for sample in usable_samples(samples, skip_broken, decode=True)}
    pairs = [pair for pair in read if pair.sample.sample_id in usable]
    broken = [sample for sample in samples if sample.sample_id not in usable]
    reasons = find_problems(broken, decode=True, progress=False)
    return pairs, {name: problem.reason for problem in reasons for name in problem.samples}


def open_models(arguments: argparse.Namespace) -> dict[str, ModelPredictor]:
    """Open the models of the arguments by name; a single one is named `model`."""
    models = {
        name: ModelPredictor(open_model(arguments, folder))
        for name, folder in name_models(arguments.models).items()
    }
    return models if len(models) > 1 else {'model': next(iter(models.values()))}


def open_predictors(
    arguments: argparse.Namespace,
    models: Mapping[str, ModelPredictor],
    *,
    with_baselines: bool = True,
) -> Predictors:
    """Add to the models of the arguments the given contact, and baselines if they are wanted."""
    name, first = next(iter(models.items()))
    labelled: dict[str, tuple[str, PointPredictor]] = {n: (n, m) for n, m in models.items()}
    if first.grounder.matching is not None:
        labelled['model_marked'] = f'{name}, contact marked', MarkedContactPredictor(first)
        for percent in _PERCENTS_OFF:
            labelled[f'model_marked_{percent:g}_off'.replace('.', '_')] = (
                f'{name}, contact marked {percent:g} % off',
                MarkedContactPredictor(first, percent),
            )
    baselines, notes = open_baselines(first) if with_baselines else ({}, ())
    return Predictors(tuple(models), {**labelled, **baselines}, notes)


def open_baselines(
    reader: ContactPredictor | None,
) -> tuple[dict[str, tuple[str, PointPredictor]], tuple[str, ...]]:
    """Open the baselines.

    Args:
        reader: model or system that reads contacts, for matching with the found contact; None: no
            such baseline.

    Returns:
        labels and baselines by name, and notes on missing ones.
    """
    baselines: dict[str, tuple[str, PointPredictor]] = {
        'centre': ('centre of the image', CentrePredictor()),
        'relative_position': (
            'relative position of the contact, marked',
            RelativePositionPredictor(),
        ),
        'sift': ('SIFT and a homography, contact marked', SiftPredictor()),
    }
    notes: tuple[str, ...] = ()
    try:
        features = KeptByImage(imagenet.ImagenetFeatures())
        baselines['matching_marked'] = (
            'matching, contact marked',
            NearestFeaturePredictor(features, marked_contact),
        )
        if reader is not None:
            baselines['matching_found'] = (
                "matching, contact found by the model's heatmap",
                NearestFeaturePredictor(features, FoundContact(reader)),
            )
    except AfformerError as error:
        notes = (f'The row of matching is missing: {error}',)
    return baselines, notes

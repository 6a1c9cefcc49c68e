# SPDX-License-Identifier: Apache-2.0
"""`afformer evaluate --pairs`: models and baselines on pairs with outlined parts."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from afformer_core.cli.evaluation.evaluate_models import name_models, open_model

if TYPE_CHECKING:
    from afformer_core.data.readers.part_pairs import PartPair, PartPairsDataset
    from afformer_core.evaluation.parts.predictors import ModelPredictor, Predictor
    from afformer_core.evaluation.report.qualitative_examples import QualitativeExample
    from afformer_core.evaluation.report.report import Fact, Report
    from afformer_core.runtime import Grounder

# Options that do not apply to pairs, with their defaults.
_OF_OTHER_DATA = {
    'calibrate': None,
    'prior_annotations': None,
    'limit': 0,
    'pairs_per_group': 0,
    'frames': None,
    'together': 1,
    'folder_rate': None,
    'heatmap_of': 'predicted',
    'protocol': 'rows256',
    'predictor': 'model',
    'processes': 1,
    'engine': 'local',
}
_MATCHING = {
    'matching_marked': 'matching, contact marked',
    'matching_found': "matching, contact found by the model's heatmap",
}


@dataclass(frozen=True)
class _Predictors:
    """Models and baselines that are measured.

    Attributes:
        models: models by name, at least one.
        baselines: baselines by name.
        labels: labels of all, by name.
        notes: notes on rows that are missing.
    """

    models: Mapping[str, ModelPredictor]
    baselines: Mapping[str, Predictor]
    labels: Mapping[str, str]
    notes: tuple[str, ...]


def evaluate_on_parts(
    arguments: argparse.Namespace,
) -> tuple[Report, Callable[[], dict[str, list[QualitativeExample]]]]:
    """Measure models and baselines; returns the report, and a function that draws examples.

    Raises:
        DatasetError: the pairs are malformed, or media are missing or broken.
        ModelFolderError: there is no sound model.
        ValueError: an option does not apply to pairs.
    """
    from afformer_core.data.readers.part_pairs import PartPairsDataset
    from afformer_core.evaluation.parts.part_examples import pair_examples
    from afformer_core.evaluation.parts.part_report import measure_all, parts_report
    from afformer_core.evaluation.parts.part_run import evaluate_parts
    from afformer_core.evaluation.report.compared_report import facts_of_models

    _require_fitting_options(arguments)
    dataset = PartPairsDataset(arguments.pairs, arguments.root)
    pairs, left_out = _usable_pairs(dataset, arguments.skip_broken)
    predictors = _open_predictors(arguments)
    models = predictors.models
    frame_count = max(each.grounder.configuration.maximum_frames for each in models.values())
    scores = evaluate_parts(pairs, {**models, **predictors.baselines}, frame_count)
    measured = measure_all(pairs, scores, tuple(models), left_out, arguments.seed)
    facts: dict[str, Fact] = {
        'model': ', '.join(str(each) for each in arguments.models) or 'shipped',
        **facts_of_models({name: _facts(each.grounder) for name, each in models.items()}),
        'frames of a video': frame_count,
        'pairs from': str(arguments.pairs),
    }
    report = parts_report(measured, predictors.labels, tuple(models), facts, predictors.notes)
    ranked = next(iter(models))
    shown: dict[str, Predictor] = {
        predictors.labels[name]: each
        for name, each in {**models, **predictors.baselines}.items()
        if name in models or name in _MATCHING
    }
    return report, lambda: pair_examples(pairs, scores[ranked], shown, frame_count)


def _facts(grounder: Grounder) -> dict[str, Fact]:
    return {
        'backend': grounder.backend,
        'input size': 'x'.join(str(side) for side in grounder.input_size),
        'zoom stages': '; '.join(map(str, grounder.zoom_stages)) or 'none',
    }


def _require_fitting_options(arguments: argparse.Namespace) -> None:
    given = [
        f'--{name.replace("_", "-")}'
        for name, default in _OF_OTHER_DATA.items()
        if getattr(arguments, name) != default
    ]
    if given:
        raise ValueError(
            f'--pairs measures models and baselines on outlined parts; leave out {given[0]}, '
            'which is of --annotations'
        )


def _usable_pairs(
    dataset: PartPairsDataset, skip_broken: bool
) -> tuple[list[PartPair], dict[str, str]]:
    """Return the pairs whose media can be decoded, and the reasons of the others."""
    from afformer_core.data.verification import find_problems, usable_samples

    usable = {each.sample_id for each in usable_samples(dataset, skip_broken, decode=True)}
    pairs = [pair for pair in dataset.pairs if pair.sample.sample_id in usable]
    broken = [each for each in dataset if each.sample_id not in usable]
    reasons = find_problems(broken, decode=True, progress=False)
    return pairs, {name: problem.reason for problem in reasons for name in problem.samples}


def _open_predictors(arguments: argparse.Namespace) -> _Predictors:
    from afformer_core.errors import AfformerError
    from afformer_core.evaluation.parts.matching import (
        FoundContact,
        MatchingPredictor,
        marked_contact,
    )
    from afformer_core.evaluation.parts.predictors import (
        CentrePredictor,
        MarkedContactPredictor,
        ModelPredictor,
        RelativePositionPredictor,
        SiftPredictor,
    )
    from afformer_core.models.pretrained.imagenet_features import ImagenetFeatures
    from afformer_core.runtime.model_folder import read_description
    from afformer_core.runtime.shipped_model import SHIPPED, model_folder

    folders = name_models(arguments.models or [Path(SHIPPED)])
    models = {name: ModelPredictor(open_model(arguments, each)) for name, each in folders.items()}
    if len(models) == 1:
        models = {'model': next(iter(models.values()))}
    baselines: dict[str, Predictor] = {
        'centre': CentrePredictor(),
        'relative_position': RelativePositionPredictor(),
        'sift': SiftPredictor(),
    }
    labels = {
        **{name: name for name in models},
        'centre': 'centre of the image',
        'relative_position': 'relative position of the contact, marked',
        'sift': 'SIFT and a homography, contact marked',
    }
    first = next(iter(models.values()))
    if read_description(model_folder(next(iter(folders.values())))).matching is not None:
        baselines['model_marked'] = MarkedContactPredictor(first)
        labels['model_marked'] = f'{next(iter(models))}, contact marked'
    try:
        features = ImagenetFeatures()
    except AfformerError as error:
        return _Predictors(models, baselines, labels, (f'There is no row of matching: {error}',))
    found = FoundContact(first)
    baselines['matching_marked'] = MatchingPredictor(features, marked_contact)
    baselines['matching_found'] = MatchingPredictor(features, found)
    return _Predictors(models, baselines, {**labels, **_MATCHING}, ())

# SPDX-License-Identifier: Apache-2.0
"""The trainings that a study of pre-training compares, and their table (Tables 3 and 5).

Every training and evaluation is a separate `afformer` command, which can also be run by hand.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from afformer_core.errors import AfformerError
from afformer_core.evaluation.model_measures import MEAN_MAP
from afformer_core.evaluation.pairs.comparison import MODEL
from afformer_core.evaluation.report.report import SCHEMA
from afformer_core.evaluation.tables.accuracy import RANDOM_ELEMENT
from afformer_core.reports.bootstrap import Estimate, interval_note
from afformer_core.reports.tables import Cell, Table

# Configurations in the configuration folder, each of which continues from the previous one.
_PRETRAINING, _TUNING = 'maskahand/simulated', 'maskahand/simulated_tuned'
_FINETUNING = 'simulated/finetune'
# Variants of the pre-training, by further files: the recipe with masked hands alone; the paper,
# whose backbone is trained from the start; and the paper without each of its parts, in files with
# the names of their runs.
_PARTS = 'ablations/beyond_the_paper'
_MASKS_ALONE = 'maskahand_masks_alone'
_AS_PUBLISHED = ('as_published/maskahand_backbone', 'as_published/maskahand')
_LEFT_OUT = {
    'without any mask': 'maskahand_no_mask',
    'masks as large as hands': 'maskahand_exact_mask',
    'without a random mask': 'maskahand_no_random_mask',
    'exact masks alone': 'maskahand_exact_mask_alone',
    'without perspective': 'maskahand_no_perspective',
}
_FROZEN, _TUNED = 'pre-trained', 'pre-trained_tuned'


@dataclass(frozen=True)
class Run:
    """One model: its training, and its evaluation.

    Attributes:
        name: name of its files.
        label: display name.
        after: names of the runs whose models it begins with, or whose cached features it shares or
            replaces.
        training: arguments of `afformer train`.
        evaluation: arguments of `afformer evaluate`.
        result: file of the evaluation.
    """

    name: str
    label: str
    after: tuple[str, ...]
    training: tuple[str, ...]
    evaluation: tuple[str, ...]
    result: Path


@dataclass(frozen=True)
class Study:
    """Mining, pre-training, zero-shot evaluation, fine-tuning, and their baselines.

    Attributes:
        videos: folder of long videos without annotations.
        annotated: folder of annotated pairs: `train.json` to train on, `validation.json` to
            validate on, and `test-seen.json` to measure.
        output: folder of all results.
        configurations: folder of the YAML files, `config/train` of this project.
        detector: detector of hands (see `afformer mine`).
        rate: examined frames for each second of the videos.
        clip_frames, stride: examined frames of a clip, and from one clip's beginning to the next.
        minimum_score: minimum score for a hand in contact to count as an interaction.
        processes: number of processes that mine, and of trainings at once; at least 1.
        shares: shares of the annotated pairs to fine-tune on, each above 0 and at most 1.
        ablations: whether to also train without each part of the pre-training.
        steps: steps of each training; None for those of the YAML files.
        pairs: number of measured pairs of each scene; 0 for all.
        options: further options of every training, such as `--trainer.precision=32-true`.
    """

    videos: Path
    annotated: Path
    output: Path
    configurations: Path = Path('config/train')
    detector: str = 'simulated'
    rate: float = 4.0
    clip_frames: int = 16
    stride: int = 8
    minimum_score: float = 0.5
    processes: int = 1
    shares: tuple[float, ...] = (0.1, 1.0)
    ablations: bool = False
    steps: int | None = None
    pairs: int = 1
    options: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.processes < 1:
            raise ValueError(f'processes is {self.processes}; expected at least 1')
        if not all(0 < share <= 1 for share in self.shares):
            raise ValueError(f'shares are {self.shares}; expected each above 0 and at most 1')
        if self.steps is not None and self.steps < 1:
            raise ValueError(f'steps is {self.steps}; expected at least 1')

    @property
    def index(self) -> Path:
        """Index that mining writes."""
        return self.output / 'mined' / 'index.json'

    @property
    def mining(self) -> tuple[str, ...]:
        """Arguments of `afformer mine`."""
        return (
            str(self.videos),
            f'--output={self.index.parent}',
            f'--detector={self.detector}',
            f'--rate={self.rate}',
            f'--clip-frames={self.clip_frames}',
            f'--stride={self.stride}',
            f'--minimum-score={self.minimum_score}',
            f'--processes={self.processes}',
            f'--preview={self.index.parent / "preview.jpg"}',
        )

    def runs(self) -> list[Run]:
        """List all models, each after its initial models."""
        label = 'pre-trained, no labels, backbone frozen'
        files = self._files(_PRETRAINING)
        runs = [self._pretraining(_FROZEN, label, (), files, self._validation)]
        if self.ablations:
            label = 'masked hands alone'
            files = self._files(_PRETRAINING, f'{_PARTS}/{_MASKS_ALONE}')
            after = (_FROZEN,)
            runs.append(self._pretraining(_MASKS_ALONE, label, after, files, self._validation))
        runs.append(self._tuning(tuple(run.name for run in runs)))
        if self.ablations:
            runs += self._published()
        for share in self.shares:
            runs += self._finetunings(share)
        return runs

    def _tuning(self, after: tuple[str, ...]) -> Run:
        """Return the run that also trains the backbone; its features replace those of others."""
        label, files = 'pre-trained, no labels', self._files(_TUNING)
        begin = f'--model.initial={self.output / _FROZEN}'
        return self._pretraining(_TUNED, label, after, files, begin, self._validation)

    def _published(self) -> list[Run]:
        """Return the runs with the paper's choices, complete and each without one part."""
        name, label = 'maskahand_as_published', 'as in the paper'
        files = self._files(_TUNING, *_AS_PUBLISHED)
        runs = [self._pretraining(name, label, (_TUNED,), files)]
        for left_out, part in _LEFT_OUT.items():
            files = self._files(_TUNING, *_AS_PUBLISHED, f'{_PARTS}/{part}')
            runs.append(self._pretraining(part, f'{label}, {left_out}', (name,), files))
        return runs

    def _pretraining(
        self, name: str, label: str, after: tuple[str, ...], files: Sequence[str], *options: str
    ) -> Run:
        clips = (
            f'--data.init_args.index={self.index}',
            f'--data.init_args.cache_folder={self.output / "features_of_clips"}',
        )
        return self._run(name, label, after, (*files, *clips, *options))

    def _finetunings(self, share: float) -> list[Run]:
        percent = f'{100 * share:g} %'
        stem = f'{100 * share:g}_percent'
        common = (
            *self._files(_FINETUNING),
            f'--data.init_args.train.annotations={self.annotated / "train.json"}',
            f'--data.init_args.train.share={share}',
            self._validation,
        )
        alone, tuned = f'{stem}_alone', f'{stem}_pre-trained'
        # Each backbone has its own features.
        features = '--data.init_args.cache_folder={}'.format
        scratch = (
            features(self.output / f'features_of_{stem}'),
            '--model.initial=null',
            '--model.backbone_weights=imagenet',
        )
        pretrained = (
            features(self.output / f'features_of_{tuned}'),
            f'--model.initial={self.output / _TUNED}',
        )
        return [
            self._run(alone, f'{percent} of the labels', (), (*common, *scratch)),
            self._run(
                tuned,
                f'pre-trained, then {percent} of the labels',
                (_TUNED,),
                (*common, *pretrained),
            ),
        ]

    @property
    def _validation(self) -> str:
        return f'--data.init_args.validation.annotations={self.annotated / "validation.json"}'

    def _files(self, *names: str) -> list[str]:
        return [f'-c={self.configurations / name}.yaml' for name in names]

    def _run(self, name: str, label: str, after: tuple[str, ...], options: Sequence[str]) -> Run:
        steps = () if self.steps is None else (f'--trainer.max_steps={self.steps}',)
        training = (
            *options,
            *steps,
            *self.options,
            f'--output={self.output / name}',
        )
        result = self.output / f'{name}.json'
        evaluation = (
            str(self.output / name),
            f'--annotations={self.annotated / "test-seen.json"}',
            f'--prior-annotations={self.annotated / "train.json"}',
            f'--pairs-per-group={self.pairs}',
            '--backend=torch',
            f'--json={result}',
        )
        return Run(name, label, after, training, evaluation, result)


MEASURES = {'kld': 'KLD', 'nearest': 'nearest element', 'peak_inside': 'peak inside'}


def study_table(runs: Sequence[Run]) -> Table:
    """Build the table of the measures of each model, and of a baseline that ignores the image.

    Args:
        runs: runs whose evaluations exist, at least one.

    Raises:
        AfformerError: an evaluation was written by another version.
    """
    measures = {run.label: _measures(run.result) for run in runs}
    first = next(iter(measures.values()))
    # The mean map has no peak.
    chance = first['predictors'].get(RANDOM_ELEMENT) or {}
    rows: dict[str, dict[str, Cell]] = {
        "same action's mean map": {
            'kld': _cell(first['predictors'][MEAN_MAP]['kld']),
            'nearest': _cell(chance.get('nearest')),
            'peak_inside': _cell(chance.get('peak_inside')),
        }
    }
    for label, each in measures.items():
        model = each['predictors'][MODEL]
        rows[label] = {name: _cell(model[name]) for name in MEASURES}
    return Table.of(
        'MaskAHand on simulated objects',
        MEASURES,
        rows,
        (
            f'{first["pairs"]} pairs of {first["groups"]} objects that training does not see. '
            f'{interval_note("things")}',
        ),
    )


def _measures(path: Path) -> Mapping[str, Any]:
    content = json.loads(path.read_text(encoding='utf-8'))
    schema = content.get('schema')
    if schema != SCHEMA:
        raise AfformerError(
            f'{path} has the schema {schema}; expected {SCHEMA}. Delete it, and run the '
            'study again to evaluate that model once more'
        )
    measures: Mapping[str, Any] = content['measures']
    return measures


def _cell(measure: Mapping[str, Any] | float | None) -> Cell:
    if not isinstance(measure, Mapping):
        return measure
    # Infinity is a text in JSON.
    bounds = {name: float(measure[name]) for name in ('value', 'low', 'high', 'confidence')}
    return Estimate(**bounds, count=measure['count'])

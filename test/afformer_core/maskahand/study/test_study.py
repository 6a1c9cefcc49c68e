# SPDX-License-Identifier: Apache-2.0
"""Which models a study compares, and how it goes on."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from afformer_core.cli.main import main
from afformer_core.errors import AfformerError, DatasetError
from afformer_core.maskahand.study.study import Study, study_table
from afformer_core.maskahand.study.study_run import Command, carry_out, run_in_subprocess
from afformer_sim.datasets.dataset_writer import DatasetSettings, write_dataset
from afformer_sim.datasets.long_video_writer import LongVideoSettings, write_long_videos

_NEEDED = ('train.json', 'validation.json', 'test-seen.json')


@pytest.fixture
def empty(tmp_path: Path) -> Study:
    """Has all that is needed by name, and was mined before."""
    for name in _NEEDED:
        (tmp_path / name).touch()
    study = Study(tmp_path / 'videos', tmp_path, tmp_path / 'results')
    study.index.parent.mkdir(parents=True)
    study.index.touch()
    return study


def measured(kld: float) -> str:
    return json.dumps(
        {
            'schema': 1,
            'measures': {
                'pairs': 150,
                'groups': 140,
                'predictors': {
                    'model': {
                        'peak_inside': 0.25,
                        'nearest': estimate(0.4),
                        'kld': estimate(kld),
                    },
                    'action_mean_map': {'kld': estimate(2.6)},
                    'random_element': {'nearest': 0.1, 'peak_inside': None},
                },
            },
        }
    )


def estimate(value: float) -> dict[str, float | int]:
    interval = {'low': value - 0.1, 'high': value + 0.1}
    return {'value': value, **interval, 'count': 150, 'confidence': 0.95}


def test_every_model_comes_after_those_it_begins_with(empty: Study) -> None:
    runs = replace(empty, ablations=True).runs()

    names = [run.name for run in runs]
    assert names == [
        'pre-trained',
        'maskahand_masks_alone',
        'pre-trained_tuned',
        'maskahand_as_published',
        'maskahand_no_mask',
        'maskahand_exact_mask',
        'maskahand_no_random_mask',
        'maskahand_exact_mask_alone',
        'maskahand_no_perspective',
        '10_percent_alone',
        '10_percent_pre-trained',
        '100_percent_alone',
        '100_percent_pre-trained',
    ]
    for position, run in enumerate(runs):
        assert set(run.after) <= set(names[:position])


def test_features_are_not_replaced_while_others_need_them(empty: Study) -> None:
    runs = {run.name: run for run in replace(empty, ablations=True).runs()}
    frozen = {'pre-trained', 'maskahand_masks_alone'}
    published = {'maskahand_as_published'}
    tuned = runs['pre-trained_tuned']
    (features,) = [word for word in tuned.training if 'cache_folder' in word]
    shared = {run.name for run in runs.values() if features in run.training}
    parts = shared - frozen - published - {tuned.name}

    assert set(tuned.after) == frozen
    assert runs['maskahand_as_published'].after == (tuned.name,)
    assert len(parts) == 5
    assert all(set(runs[name].after) == published for name in parts)
    assert f'--model.initial={empty.output / "pre-trained"}' in tuned.training


def test_no_label_says_which_step_of_the_papers_ablations_is_best(empty: Study) -> None:
    runs = replace(empty, ablations=True, shares=()).runs()
    chosen = [run.name for run in runs if any('validation' in word for word in run.training)]

    assert chosen == ['pre-trained', 'maskahand_masks_alone', 'pre-trained_tuned']


def test_what_is_left_out_is_left_out_of_the_papers_choices(empty: Study, root: Path) -> None:
    configurations = root / 'config' / 'train'
    runs = replace(empty, ablations=True, configurations=configurations).runs()
    given = {
        run.name: [Path(word[3:]) for word in run.training if word.startswith('-c=')]
        for run in runs
    }

    assert [path.relative_to(configurations) for path in given['maskahand_no_mask']] == [
        Path('maskahand/simulated_tuned.yaml'),
        Path('as_published/maskahand_backbone.yaml'),
        Path('as_published/maskahand.yaml'),
        Path('ablations/beyond_the_paper/maskahand_no_mask.yaml'),
    ]
    assert all(path.is_file() for paths in given.values() for path in paths)


def test_the_same_labels_with_and_without_pre_training(empty: Study) -> None:
    runs = {run.name: run for run in empty.runs()}
    alone, tuned = runs['10_percent_alone'], runs['10_percent_pre-trained']

    assert set(tuned.training) ^ set(alone.training) == {
        '--model.initial=null',
        '--model.backbone_weights=imagenet',
        f'--model.initial={empty.output / "pre-trained_tuned"}',
        f'--data.init_args.cache_folder={empty.output / "features_of_10_percent"}',
        f'--data.init_args.cache_folder={empty.output / "features_of_10_percent_pre-trained"}',
        f'--output={empty.output / "10_percent_alone"}',
        f'--output={empty.output / "10_percent_pre-trained"}',
    }


@pytest.mark.parametrize('share', [0.0, 1.5])
def test_a_share_that_is_none(empty: Study, share: float) -> None:
    with pytest.raises(ValueError, match='above 0 and at most 1'):
        replace(empty, shares=(share,))


def test_nobody_would_do_it(empty: Study) -> None:
    with pytest.raises(ValueError, match='processes is 0; expected at least 1'):
        replace(empty, processes=0)


@pytest.mark.parametrize('name', _NEEDED)
def test_what_is_missing_is_named(empty: Study, name: str) -> None:
    (empty.annotated / name).unlink()

    with pytest.raises(DatasetError, match=f'has no {name}'):
        carry_out(empty)


def test_what_is_done_is_not_done_again(empty: Study) -> None:
    runs = empty.runs()
    for run in runs[:4]:
        run.result.write_text(measured(1.0))
    given: list[Sequence[str]] = []

    def command(words: Sequence[str], log: Path, threads: int) -> None:
        given.append(words)

    carry_out(empty, command)

    assert [words[0] for words in given] == ['train', 'evaluate'] * 2
    assert [words[-1] for words in given[::2]] == [run.training[-1] for run in runs[4:]]


@pytest.mark.parametrize(('shares', 'threads'), [((0.1,), [2, 2]), ((), [4, 4])])
def test_models_that_are_made_at_once_share_the_cores(
    empty: Study,
    monkeypatch: pytest.MonkeyPatch,
    shares: tuple[float, ...],
    threads: list[int],
) -> None:
    monkeypatch.setattr('os.cpu_count', lambda: 4)
    study = replace(empty, processes=2, shares=shares)
    whole = _writes_results(study)
    given: list[int] = []

    def command(words: Sequence[str], log: Path, threads: int) -> None:
        whole(words, log, threads)
        if words[0] == 'train':
            given.append(threads)

    carry_out(study, command)

    # With labels, the first two have nothing to wait for; without, the second waits for the first.
    assert given[:2] == threads


def _writes_results(study: Study) -> Command:
    """A command that leaves what the steps of a study leave."""

    def command(words: Sequence[str], log: Path, threads: int) -> None:
        if words[0] == 'mine':
            study.index.parent.mkdir(parents=True, exist_ok=True)
            study.index.touch()
        if words[0] == 'evaluate':
            Path(words[-1].removeprefix('--json=')).write_text(measured(1.0))

    return command


def _must_not_run(words: Sequence[str], log: Path, threads: int) -> None:
    raise AssertionError(f'{words[0]} ran')


@pytest.mark.parametrize(
    ('options', 'text'),
    [
        (
            {'steps': 600},
            r'pre-trained\.json was made with --trainer\.max_steps=2; expected '
            r'--trainer\.max_steps=600\. Give another output folder, or remove '
            r'\S+/pre-trained\.json and \S+/pre-trained to make it again',
        ),
        ({'steps': None}, r'made with --trainer\.max_steps=2; expected none'),
        ({'pairs': 0}, r'--pairs-per-group=1; expected --pairs-per-group=0'),
        ({'options': ('--a=1',)}, r'made with no such option; expected --a=1'),
        ({'rate': 5.0}, r'index\.json was made with --rate=4\.0; expected --rate=5\.0'),
    ],
    ids=['more steps', 'the usual steps', 'all pairs', 'another option', 'another rate'],
)
def test_results_of_other_options_are_refused(
    empty: Study, options: dict[str, Any], text: str
) -> None:
    trial = replace(empty, steps=2)
    empty.index.unlink()
    carry_out(trial, _writes_results(trial))

    with pytest.raises(AfformerError, match=text):
        carry_out(replace(trial, **options), _must_not_run)


def test_results_of_the_same_options_stay(empty: Study) -> None:
    empty.index.unlink()
    carry_out(empty, _writes_results(empty))

    carry_out(replace(empty, processes=2), _must_not_run)


def test_a_result_that_was_removed_is_made_with_the_options_of_now(empty: Study) -> None:
    trial = replace(empty, steps=2, shares=())
    carry_out(trial, _writes_results(trial))
    for run in trial.runs():
        run.result.unlink()

    full = replace(trial, steps=600)
    carry_out(full, _writes_results(full))

    carry_out(full, _must_not_run)


def test_mining_that_found_damage_is_told_and_used(
    empty: Study, capsys: pytest.CaptureFixture[str]
) -> None:
    empty.index.unlink()
    whole = _writes_results(empty)

    def command(words: Sequence[str], log: Path, threads: int) -> None:
        whole(words, log, threads)
        if words[0] == 'mine':
            raise AfformerError('`afformer mine` ended with status 1: b.mp4 is empty')

    carry_out(empty, command)

    assert all(run.result.is_file() for run in empty.runs())
    assert 'b.mp4 is empty; its index was written and is used' in capsys.readouterr().err


def test_mining_without_an_index_has_failed(empty: Study) -> None:
    empty.index.unlink()

    def command(words: Sequence[str], log: Path, threads: int) -> None:
        raise AfformerError('there is no video')

    with pytest.raises(AfformerError, match='there is no video'):
        carry_out(empty, command)


def test_the_first_failure_ends_it(empty: Study) -> None:
    given: list[str] = []

    def command(words: Sequence[str], log: Path, threads: int) -> None:
        given.append(words[0])
        raise AfformerError('no')

    with pytest.raises(AfformerError, match='no'):
        carry_out(empty, command)
    assert given == ['train']


def test_a_step_that_fails_says_why_and_where(tmp_path: Path) -> None:
    log = tmp_path / 'step.log'

    with pytest.raises(AfformerError, match=r'verify.* status 1: .*nowhere.*step\.log'):
        run_in_subprocess(['verify', 'nowhere.json'], log, 1)
    assert log.read_text().startswith('$ afformer verify nowhere.json\n')


@pytest.mark.slow
def test_threads_of_a_step_are_as_many_as_asked_for_and_do_not_spin(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # OpenMP then says what it was given.
    monkeypatch.setenv('OMP_DISPLAY_ENV', 'TRUE')
    monkeypatch.delenv('OMP_WAIT_POLICY', raising=False)
    log = tmp_path / 'step.log'

    with pytest.raises(AfformerError, match='nowhere'):
        run_in_subprocess(['average', 'nowhere', 'nowhere', '--output', 'mean'], log, 1)

    assert "OMP_NUM_THREADS = '1'" in log.read_text()
    assert "OMP_WAIT_POLICY = 'PASSIVE'" in log.read_text()


def test_the_table_has_the_baseline_row_beside_the_models(empty: Study) -> None:
    runs = replace(empty, shares=(0.1,)).runs()
    for run, kld in zip(runs, (2.1, 1.9, 1.5, 1.25), strict=True):
        run.result.write_text(measured(kld))

    lines = study_table(runs).to_markdown().splitlines()

    rows = [[cell.strip() for cell in line.split('|')[1:-1]] for line in lines[4:9]]
    assert rows == [
        ["same action's mean map", '2.600 [2.500, 2.700]', '0.100', '-'],
        [
            'pre-trained, no labels, backbone frozen',
            '2.100 [2.000, 2.200]',
            '0.400 [0.300, 0.500]',
            '0.250',
        ],
        ['pre-trained, no labels', '1.900 [1.800, 2.000]', '0.400 [0.300, 0.500]', '0.250'],
        ['10 % of the labels', '1.500 [1.400, 1.600]', '0.400 [0.300, 0.500]', '0.250'],
        [
            'pre-trained, then 10 % of the labels',
            '1.250 [1.150, 1.350]',
            '0.400 [0.300, 0.500]',
            '0.250',
        ],
    ]


def test_results_of_another_version_are_refused(empty: Study) -> None:
    run = empty.runs()[0]
    run.result.write_text(json.dumps({'metrics': {'kld': 1.0}}))
    with pytest.raises(AfformerError, match=r'has the schema None; expected 1\. Delete it'):
        study_table([run])


@pytest.mark.slow
def test_from_long_videos_to_a_table(tmp_path: Path, root: Path) -> None:
    unlabelled, annotated = tmp_path / 'unlabelled', tmp_path / 'annotated'
    videos = LongVideoSettings(
        seed=1, scenes=1, families=('control_panel',), videos=2, seconds=14, longest_side=96
    )
    assert [*write_long_videos(unlabelled, 'train', videos)][-1] == 2
    for number, split in enumerate(('train', 'validation', 'test-seen')):
        pairs = DatasetSettings(
            seed=number,
            scenes=2,
            families=('control_panel', 'drawers'),
            demonstrations=1,
            targets=2,
            longest_side=96,
        )
        assert [*write_dataset(annotated, split, pairs)][-1] == 2
    study = Study(
        unlabelled,
        annotated,
        tmp_path / 'results',
        root / 'config' / 'train',
        shares=(0.5,),
        steps=2,
        options=(
            '--model.architecture.input_size=[64,64]',
            '--data.init_args.batch_size=2',
            '--trainer.val_check_interval=2',
            '--trainer.enable_progress_bar=false',
        ),
    )

    def command(words: Sequence[str], log: Path, threads: int) -> None:
        assert main(words) == 0

    carry_out(study, command)

    table = study_table(study.runs())
    assert list(table.rows) == [
        "same action's mean map",
        'pre-trained, no labels, backbone frozen',
        'pre-trained, no labels',
        '50 % of the labels',
        'pre-trained, then 50 % of the labels',
    ]
    assert all(cell is not None for cell in table.rows['pre-trained, no labels'])

# SPDX-License-Identifier: Apache-2.0
"""A whole evaluation of a real model, by the command and in several processes."""

from __future__ import annotations

import argparse
import json
import shutil
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from afformer_core.cli.evaluate import add_parser
from afformer_core.cli.main import main
from afformer_core.errors import DatasetError
from afformer_core.media.images import read_image
from afformer_core.offline.data.annotations import open_annotations
from afformer_core.offline.evaluation.pairs.pair_evaluator import (
    RunSettings,
    evaluate_pairs,
    open_run,
)
from afformer_core.offline.evaluation.pairs.pairs import Pair, choose_pairs
from afformer_core.offline.evaluation.protocols import RowsProtocol
from afformer_core.offline.parallel.local_engine import LocalEngine
from afformer_core.offline.reports import bootstrap
from afformer_core.runtime import ArrayGrounder

from ..conftest import run_of


def evaluate(*words):
    parser = argparse.ArgumentParser()
    add_parser(parser.add_subparsers())
    arguments = parser.parse_args(['evaluate', *map(str, words)])
    return arguments.run(arguments)


class CountingGrounder(ArrayGrounder):
    """Counts the frames that are encoded."""

    encoded = 0

    def encode(self, frame):
        self.encoded += 1
        return super().encode(frame)


@pytest.fixture
def grounder(model_folder):
    loaded = ArrayGrounder.load(model_folder, 'torch')
    return CountingGrounder(loaded.configuration, loaded._networks)


def test_each_clip_is_memorized_once_for_the_pairs_that_share_it(scenes, grounder):
    pairs = choose_pairs(list(open_annotations(scenes)))
    run_of(grounder, RowsProtocol((32, 32))).evaluate(pairs)
    # Six clips of five frames; negative ones are the scene's own, and those of another scene are
    # not kept.
    assert grounder.encoded == 2 * 6 * 5
    assert len(grounder.demonstrations) == 2


def test_the_clip_that_was_used_longest_ago_gives_way(scenes, grounder):
    sample = replace(open_annotations(scenes)[0], scene=None)
    # One frame each at ten frames a second, and one of two: nine clips of which eight are kept.
    ends = [(first, first + width) for width in (1, 2) for first in range(5)][:9]
    pairs = [Pair(replace(sample, clip=(first / 10, last / 10)), None) for first, last in ends]
    run = run_of(grounder, RowsProtocol((32, 32)))
    for pair in [*pairs[:8], pairs[0], pairs[8]]:
        run.ground(pair)
    before = grounder.encoded

    run.ground(pairs[0])
    assert grounder.encoded == before
    run.ground(pairs[1])
    assert grounder.encoded > before


def test_of_demonstrations_together_the_mean_of_the_logits_counts(scenes, grounder):
    (pair, *_) = choose_pairs(list(open_annotations(scenes)))
    both = replace(pair, companions=(pair.hard_negative,))
    run = run_of(grounder, RowsProtocol((32, 32)), together=2)

    (found,) = run.evaluate([both])

    names = [f'{sample.demonstration}, window 0' for sample in (pair.sample, pair.hard_negative)]
    prediction = grounder.predict(read_image(pair.sample.image_path), *names)
    assert found.presence_features.confidence == prediction.peaks((64, 64), 1)[0].score
    with pytest.raises(DatasetError, match='1 demonstrations of its element'):
        run.evaluate([pair])


def test_command_prints_tables(scenes, model_folder, capsys):
    assert evaluate(model_folder, '--annotations', scenes, '--threads', 1) == 0
    output = capsys.readouterr().out
    for text in (
        '- backend: torch',
        '- frames: uniform 8',
        '- pairs: 6',
        '### Accuracy',
        '### Best peak',
        '### By action',
        "same action's mean map (5 folds)",
        '### Does the demonstration determine the answer?',
        '### Are absent elements detected?',
    ):
        assert text in output


@pytest.mark.slow
def test_command_runs_the_benchmark(scenes, model_folder, tmp_path, capfd, monkeypatch):
    monkeypatch.setattr(bootstrap, '_REPETITIONS', 20)
    shutil.copytree(scenes.parent, tmp_path / 'benchmark')
    splits = ['test-seen', 'test-unseen', 'test-buttons', 'test-absent']
    for split in splits:
        shutil.copy(scenes, tmp_path / 'benchmark' / f'{split}.json')

    words = ('--benchmark', tmp_path / 'benchmark', '--limit', 2, '--pairs-per-group', 1)
    evaluate(model_folder, *words, '--backend', 'torch', '--json', '-')

    # Nothing else went to stdout, from whatever library.
    report = json.loads(capfd.readouterr().out)
    assert list(report) == ['schema', 'splits', 'provenance']
    assert list(report['splits']) == splits
    for split, content in report['splits'].items():
        assert content['facts']['annotations'].endswith(f'/{split}.json')
        measures = content['measures']
        assert (measures['pairs'], measures['groups']) == (2, 2)
        kld = measures['predictors']['model']['kld']
        assert list(kld) == ['value', 'low', 'high', 'count', 'confidence']
        assert (kld['count'], kld['confidence']) == (2, 0.95)


@pytest.mark.parametrize(
    ('words', 'message'),
    [
        (
            ('--annotations', 'SCENES', '--frames', '2 fps x 32 every 16'),
            "'2 fps x 32 every 16' shows the model 32 frames at once; expected at most 8",
        ),
        (('--annotations', 'SCENES', '--frames', '32'), "the sampling is '32'"),
        (('--annotations', 'SCENES', '--folder-rate', '0'), 'folder_rate is 0.0'),
        (('MODEL', '--annotations', 'SCENES'), 'is given twice'),
        (('MODEL', '--benchmark', 'PAIRS'), '--benchmark measures one model; got 2'),
        (('NOTHING', '--annotations', 'SCENES'), 'model.json'),
        (('--benchmark', 'PAIRS', '--report', 'a.html'), '--benchmark writes no page'),
        ((), 'no data is given. Give one of --annotations, --benchmark, --pairs, --contacts'),
        (
            ('--contacts', 'PAIRS', '--benchmark', 'PAIRS'),
            '--contacts cannot be combined with --benchmark. Give it with --pairs',
        ),
        (('--pairs', 'PAIRS', '--protocol', 'buttons'), 'leave out --protocol, which belongs to'),
        (('--pairs', 'PAIRS', '--limit', '3'), 'leave out --limit, which belongs to --anno'),
    ],
)
def test_what_cannot_be_measured_is_told_before_anything_is(
    words, message, model_folder, scenes, part_pairs, tmp_path, capsys
):
    paths = {'MODEL': model_folder, 'SCENES': scenes, 'PAIRS': part_pairs, 'NOTHING': tmp_path}
    assert main(['evaluate', str(model_folder), *(str(paths.get(one, one)) for one in words)]) == 1
    error = capsys.readouterr().err
    assert message in error
    assert 'grounding' not in error


def test_command_writes_json(scenes, model_folder, capsys):
    words = ('--limit', 2, '--pairs-per-group', 1, '--prior-annotations', scenes)
    evaluate(model_folder, '--annotations', scenes, *words, '--json', '-')
    report = json.loads(capsys.readouterr().out)
    measures = report['measures']
    assert (measures['pairs'], measures['groups']) == (2, 2)
    baseline = measures['predictors']['action_mean_map']['kld']['value']
    share = measures['predictors']['model']['kld']['value'] / baseline
    assert measures['kld_share_of_baseline']['value'] == pytest.approx(share)


def test_one_image_has_no_mean_map_of_others_beside_it(opra, model_folder, tmp_path, capsys):
    entries = json.loads(opra.read_text())[:3]
    (tmp_path / 'test.json').write_text(json.dumps(entries))
    options = ('--annotations', tmp_path / 'test.json', '--root', opra.parent)
    output = ('--backend', 'torch', '--json', tmp_path / 'found.json')
    assert evaluate(model_folder, *options, *output) == 0

    measures = json.loads((tmp_path / 'found.json').read_text())['measures']
    assert list(measures['predictors']) == [
        'model', 'uniform', 'centred_gaussian', 'constant_action',
    ]  # fmt: skip
    assert measures['kld_share_of_baseline'] is None
    assert '--prior-annotations' in capsys.readouterr().out


@pytest.fixture
def settings(model_folder: Path) -> RunSettings:
    return RunSettings(
        partial(ArrayGrounder.load, model_folder, 'torch', 1), RowsProtocol((32, 32)), 7
    )


@pytest.mark.slow
def test_two_processes_find_the_same_as_one(scenes: Path, settings: RunSettings) -> None:
    pairs = choose_pairs(list(open_annotations(scenes)))
    one = evaluate_pairs(settings, pairs, LocalEngine(1))
    two = evaluate_pairs(settings, pairs, LocalEngine(2))

    assert len({pair.sample.group for pair in pairs}) == 3
    for pair, first, second in zip(pairs, one, two, strict=True):
        assert first.pair is pair
        assert second.pair.sample.sample_id == pair.sample.sample_id
        assert second.action_scores == first.action_scores
        assert second.peak == first.peak
        assert np.array_equal(second.scores['auc_j'], first.scores['auc_j'])


def test_a_run_is_opened_once_in_a_process(settings: RunSettings) -> None:
    assert open_run(settings) is open_run(settings)

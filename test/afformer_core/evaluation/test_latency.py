# SPDX-License-Identifier: Apache-2.0
import argparse
import json

import pytest

from afformer_core.cli.bench import add_parser
from afformer_core.errors import AfformerError
from afformer_core.evaluation.latency import measure_in_process
from afformer_core.evaluation.latency_tables import random_model
from afformer_core.evaluation.methods import Method
from afformer_core.models import afformer_small
from afformer_core.runtime.weights import load_model


@pytest.fixture(scope='module')
def random_folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp('random')
    random_model(afformer_small(('press', 'hold'), (64, 64)), folder)
    return folder


def bench(*words):
    parser = argparse.ArgumentParser()
    add_parser(parser.add_subparsers())
    arguments = parser.parse_args(['bench', *map(str, words)])
    return arguments.run(arguments)


LABELS = (
    'recomputing everything, CPU fp32',
    'afformer, PyTorch, CPU fp32',
    'afformer, ONNX Runtime, CPU fp32',
    'recomputing everything, GPU fp16',
    'afformer, PyTorch, GPU fp32',
    'afformer, PyTorch, GPU fp16',
    'afformer, TensorRT, GPU fp16',
)


@pytest.mark.slow
def test_command_measures_ways_that_give_the_same_heatmap(small_folder, capsys, monkeypatch):
    monkeypatch.setenv('XDG_CACHE_HOME', '/changed/by/the/command')
    before = {path: path.stat().st_mtime_ns for path in small_folder.iterdir()}
    assert bench(small_folder, '--frames', 3, 33, '--threads', 1, '--json', '-') == 0
    report = json.loads(capsys.readouterr().out)
    (table,) = report['tables']
    assert list(table['rows']) == [f'{label}, T = 3' for label in LABELS]
    recompute, *cached = list(table['rows'].values())[:3]
    assert recompute['ms / demonstration frame'] is None
    for row in cached:
        assert float(row['difference']) < 1e-4
        assert row['ms / demonstration frame'] > 0
        assert row['ms to memorize'] > 0
        assert row['times faster'] == pytest.approx(recompute['ms / image'] / row['ms / image'])
        assert 50 < row['peak MB'] < 8000
    if report['GPU'] == 'none':
        assert all(row['ms / image'] == 'no GPU' for row in list(table['rows'].values())[3:])
    assert 'left out: T = 33.' in table['notes'][-1]
    assert {path: path.stat().st_mtime_ns for path in small_folder.iterdir()} == before


@pytest.mark.parametrize('words', [('--threads', 0), ('--frames', 0)])
def test_command_refuses_no_threads_and_no_frames(random_folder, words):
    with pytest.raises(ValueError, match='each must be at least 1'):
        bench(random_folder, *words)


def test_a_measurement_that_fails_says_why(tmp_path):
    with pytest.raises(AfformerError, match=r'torch:fp32 of .* ended with status 1: .*model'):
        measure_in_process(
            tmp_path / 'nowhere', Method.parse('torch:fp32'), 1, 1, tmp_path / 'heatmap.npy'
        )


def test_the_random_model_has_relative_positions_that_matter(random_folder):
    vectors = [v for name, v in load_model(random_folder).named_parameters() if 'rel_pos' in name]
    assert len(vectors) == 5
    assert all(float(vector.std()) > 0.05 for vector in vectors)

# SPDX-License-Identifier: Apache-2.0
import argparse
import json
import sys

import numpy as np
import pytest

from afformer_core.cli.bench import add_parser
from afformer_core.models import afformer_small
from afformer_core.offline.benchmarks import latency as latency_module
from afformer_core.offline.benchmarks.inference_variants import InferenceVariant
from afformer_core.offline.benchmarks.latency import Latency, measure_here, measure_in_process
from afformer_core.offline.benchmarks.latency_tables import latency_table, random_model
from afformer_core.offline.parallel.measured_subprocess import MeasurementError, run_measurement
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
    assert recompute['frame_milliseconds'] is None
    for row in cached:
        assert float(row['difference']) < 1e-4
        assert row['frame_milliseconds'] > 0
        assert row['memorize_milliseconds'] > 0
        faster = recompute['image_milliseconds'] / row['image_milliseconds']
        assert row['times_faster'] == pytest.approx(faster)
        assert 50 < row['peak_megabytes'] < 8000
    if report['GPU'] == 'none':
        gpu_rows = list(table['rows'].values())[3:]
        assert {row['image_milliseconds'] for row in gpu_rows} == {'cannot: no GPU'}
    assert 'left out: T = 33.' in table['notes'][-1]
    assert {path: path.stat().st_mtime_ns for path in small_folder.iterdir()} == before


@pytest.mark.parametrize('words', [('--threads', 0), ('--frames', 0)])
def test_command_refuses_no_threads_and_no_frames(random_folder, words):
    with pytest.raises(ValueError, match='expected at least 1 each'):
        bench(random_folder, *words)


def test_a_measurement_that_fails_says_why(tmp_path):
    with pytest.raises(MeasurementError, match=r'torch:fp32 of .* cannot be measured') as failure:
        measure_in_process(
            tmp_path / 'nowhere',
            InferenceVariant.parse('torch:fp32'),
            1,
            1,
            tmp_path / 'heatmap.npy',
        )
    assert failure.value.reason.startswith(f'{tmp_path}/nowhere/model.json does not exist')


def test_a_process_that_is_killed_says_by_what(tmp_path, monkeypatch):
    python = tmp_path / 'python'
    python.write_text('#!/bin/sh\necho loading >&2\nkill -KILL $$\n')
    python.chmod(0o755)
    monkeypatch.setattr(sys, 'executable', str(python))

    with pytest.raises(MeasurementError) as failure:
        run_measurement('anything', (), 1, 'something')

    assert failure.value.reason == (
        'its process was killed by SIGKILL, probably for lack of memory'
    )


@pytest.fixture
def measured_here(random_folder, monkeypatch):
    """Both ways in this process, as few times as there must be."""
    monkeypatch.setattr(latency_module, '_LEAST_SECONDS', 0.0)
    variants = ('recompute:fp32', 'torch:fp32')
    return [measure_here(random_folder, InferenceVariant.parse(text), 3, 1) for text in variants]


def test_both_ways_give_the_same_heatmap(measured_here):
    (_, recomputed), (_, cached) = measured_here
    assert recomputed.shape == cached.shape == (64, 64)
    assert recomputed.sum() == pytest.approx(1, abs=1e-4)
    np.testing.assert_allclose(cached, recomputed, atol=1e-5)


def test_what_is_measured(measured_here):
    (recompute, _), (cached, _) = measured_here
    assert (recompute.variant, cached.variant) == ('recompute:fp32', 'torch:fp32')
    assert recompute.frames == cached.frames == 3
    assert recompute.runs == cached.runs == 3
    assert recompute.frame_milliseconds is None
    assert recompute.memorize_milliseconds is None
    assert cached.frame_milliseconds > 0
    for each in (recompute, cached):
        # It opens the model and encodes a demonstration before the first image.
        assert each.image_milliseconds <= each.image_p95_milliseconds
        assert each.first_milliseconds > 0


def fake_measure(folder, variant, frames, threads, heatmap):
    if variant.backend == 'torch':
        raise MeasurementError(variant.text, 'it has no room')
    np.save(heatmap, np.full((2, 2), 0.25, np.float32))
    milliseconds = {'recompute': 80.0, 'onnxruntime': 20.0}[variant.backend]
    return Latency(variant.text, frames, milliseconds, 90.0, 500.0, 7.0, 3.0, 450.0, 10)


@pytest.fixture
def measured(random_folder, monkeypatch):
    """Row by label, where PyTorch has no room and TensorRT is not installed."""
    monkeypatch.setattr(
        'afformer_core.offline.benchmarks.latency_tables.measure_in_process', fake_measure
    )
    texts = ('torch:fp32', 'recompute:fp32', 'tensorrt:fp16', 'onnxruntime:fp32')
    variants = [InferenceVariant.parse(text) for text in texts]
    impossible = {variants[2]: 'TensorRT is not installed'}
    table = latency_table('title', random_folder, [2], 1, variants, impossible, progress=False)
    return table.to_json()['rows']


def test_a_method_that_fails_is_a_row(measured):
    failed = measured['afformer, PyTorch, CPU fp32, T = 2']

    assert failed['frames'] == 2
    assert failed['image_milliseconds'] == 'cannot: it has no room'
    assert set(failed.values()) == {2, 'cannot: it has no room', None}


def test_a_method_that_is_not_tried_is_a_row(measured):
    failed = measured['afformer, TensorRT, GPU fp16, T = 2']

    assert failed['image_milliseconds'] == 'cannot: TensorRT is not installed'


def test_the_others_are_measured_and_compared(measured):
    row = measured['afformer, ONNX Runtime, CPU fp32, T = 2']

    assert row['image_milliseconds'] == 20.0
    assert row['times_faster'] == 4.0
    assert row['difference'] == '0.0e+00'


def test_the_random_model_has_relative_positions_that_matter(random_folder):
    vectors = [v for name, v in load_model(random_folder).named_parameters() if 'rel_pos' in name]
    assert len(vectors) == 5
    assert all(float(vector.std()) > 0.05 for vector in vectors)

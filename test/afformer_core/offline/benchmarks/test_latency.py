# SPDX-License-Identifier: Apache-2.0
"""Time and memory of variants, and tables of them."""

import json
import shutil
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from afformer_core.errors import ModelFolderError
from afformer_core.models import afformer_r50, afformer_small, small_matching
from afformer_core.models.afformer import Afformer
from afformer_core.offline.benchmarks import inference_variants
from afformer_core.offline.benchmarks import latency as latency_module
from afformer_core.offline.benchmarks.inference_variants import InferenceVariant, default_variants
from afformer_core.offline.benchmarks.latency import (
    measure_here,
    measure_in_process,
    peak_gpu_megabytes,
    stored_bias,
)
from afformer_core.offline.benchmarks.latency_tables import copy_with_graphs, latency_table
from afformer_core.offline.parallel.measured_subprocess import MeasurementError, run_measurement
from afformer_core.runtime.calibrations import MatchingSettings
from afformer_core.runtime.graphs import read_graphs
from afformer_core.runtime.model_folder import (
    read_description,
    read_matching_description,
    write_description,
)
from afformer_core.runtime.weights import save_matching_network

from ...conftest import random_matching_network
from .conftest import bench

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
    assert failure.value.reason.startswith('its process was killed by SIGKILL')


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


def fake_measure(folder, variant, frames, threads, heatmap):
    if variant.backend == 'torch':
        raise MeasurementError(variant.text, 'it has no room')
    np.save(heatmap, np.full((2, 2), 0.25, np.float32))
    milliseconds = {'recompute': 80.0, 'onnxruntime': 20.0}[variant.backend]
    return {
        'image_milliseconds': milliseconds,
        'first_milliseconds': 500.0,
        'peak_megabytes': 450.0,
    }


@pytest.fixture
def measured(random_folder, monkeypatch):
    """Row by label, where PyTorch has no room and TensorRT is not installed."""
    monkeypatch.setattr(
        'afformer_core.offline.benchmarks.latency_tables.measure_in_process', fake_measure
    )
    texts = ('torch:fp32', 'recompute:fp32', 'tensorrt:fp16', 'onnxruntime:fp32')
    variants = [InferenceVariant.parse(text) for text in texts]
    impossible = {variants[2]: 'TensorRT is not installed'}
    table = latency_table('title', random_folder, [2], 1, variants, impossible)
    return table.to_json()['rows']


def test_a_method_that_fails_is_a_row(measured):
    failed = measured['afformer, PyTorch, CPU fp32, T = 2']

    assert failed['frames'] == 2
    assert failed['image_milliseconds'] == 'cannot: it has no room'
    assert set(failed.values()) == {2, 'cannot: it has no room', None}


def test_the_others_are_measured_and_compared(measured):
    row = measured['afformer, ONNX Runtime, CPU fp32, T = 2']

    assert row['image_milliseconds'] == 20.0
    assert row['times_faster'] == 4.0
    assert row['difference'] == '0.0e+00'


MB = 2**20


@pytest.fixture
def gpu(monkeypatch: pytest.MonkeyPatch) -> dict[str, int]:
    """A GPU of 8000 MB; what is free and what PyTorch reserved, in megabytes."""
    state = {'free': 7000, 'reserved': 100, 'most': 100}
    monkeypatch.setattr(torch.cuda, 'synchronize', lambda: None)
    monkeypatch.setattr(torch.cuda, 'reset_peak_memory_stats', lambda: None)
    monkeypatch.setattr(torch.cuda, 'mem_get_info', lambda: (state['free'] * MB, 8000 * MB))
    monkeypatch.setattr(torch.cuda, 'memory_reserved', lambda: state['reserved'] * MB)
    monkeypatch.setattr(torch.cuda, 'max_memory_reserved', lambda: state['most'] * MB)
    return state


@pytest.mark.parametrize(
    ('later', 'expected'),
    [
        pytest.param({'free': 6900, 'reserved': 200, 'most': 1500}, 1500, id='given back'),
        # 300 MB less are free, 100 of them PyTorch's.
        pytest.param({'free': 6700, 'reserved': 200, 'most': 250}, 250 + 200, id='by TensorRT'),
        pytest.param({'free': 7800}, 100, id='given back by others'),
    ],
)
def test_the_peak_is_that_of_pytorch_and_what_others_took_since(
    gpu: dict[str, int], later: dict[str, int], expected: int
) -> None:
    peak = peak_gpu_megabytes()
    gpu.update(later)
    assert peak() == expected


R50 = afformer_r50(('press', 'hold', 'push'), (64, 64))
SMALL = afformer_small(('press', 'pull'), (64, 96))
SQUARES = replace(SMALL, spatial_strides=(1, 2))


@pytest.mark.parametrize(
    ('configuration', 'frames'),
    [(R50, 5), (SMALL, 1), (SMALL, 8), (SQUARES, 3)],
    ids=['r50', 'one', 'small', 'squares'],
)
def test_a_stored_bias_gives_the_same_heatmaps(configuration, frames):
    rng = torch.manual_seed(0)
    model = Afformer(configuration).eval().requires_grad_(False)
    for name, parameter in model.named_parameters():
        if 'rel_pos' in name or 'level_embeds' in name:
            parameter.normal_(std=0.5, generator=rng)
    height, width = configuration.input_size
    image = torch.randint(0, 256, (height, width, 3), dtype=torch.uint8)
    video = torch.randint(0, 256, (frames, height, width, 3), dtype=torch.uint8)

    expected_heatmaps, expected_actions = model(image[None], video[None])
    with stored_bias():
        heatmaps, actions = model(image[None], video[None])

    found, expected = (x[0].flatten(1).softmax(1) for x in (heatmaps, expected_heatmaps))
    assert ((found - expected).abs().amax(1) / expected.amax(1)).max() < 1e-4
    torch.testing.assert_close(actions, expected_actions, atol=1e-4, rtol=0)


ONNX, ONNX_FP16, TORCH, TENSORRT = (
    InferenceVariant.parse(text)
    for text in ('onnxruntime:fp32', 'onnxruntime:fp16', 'torch:fp32', 'tensorrt:fp16')
)


@pytest.fixture
def exported(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Path, str]]:
    """What is exported, which fails."""
    calls: list[tuple[Path, str]] = []

    def export(folder: Path, precision: str) -> None:
        calls.append((folder, precision))
        raise ModelFolderError('there is no exporter')

    monkeypatch.setattr('afformer_core.runtime.export.export.export_graphs', export)
    return calls


def test_graphs_that_stand_there_are_copied(small_folder: Path, tmp_path: Path) -> None:
    copy = tmp_path / 'copy'

    assert copy_with_graphs(small_folder, copy, [ONNX, TORCH]) == {}

    assert read_graphs(copy).sha256 == read_graphs(small_folder).sha256


def test_others_are_exported_and_a_failure_is_told(
    small_folder: Path, tmp_path: Path, exported: list[tuple[Path, str]]
) -> None:
    impossible = copy_with_graphs(small_folder, tmp_path / 'copy', [ONNX, ONNX_FP16])

    assert exported == [(tmp_path / 'copy', 'fp16')]
    assert impossible == {ONNX_FP16: 'there is no exporter'}


def test_a_matching_network_is_copied_and_its_graphs_are_exported(
    small_folder: Path, tmp_path: Path, exported: list[tuple[Path, str]]
) -> None:
    folder, copy = tmp_path / 'model', tmp_path / 'copy'
    shutil.copytree(small_folder, folder)
    network = random_matching_network(replace(small_matching((128, 192)), maximum_frames=32))
    save_matching_network(folder / 'matching', network, {})
    weights = read_matching_description(folder / 'matching').weights_sha256
    matched = replace(read_description(folder), matching=MatchingSettings(0.3, weights))
    write_description(folder, matched)

    copy_with_graphs(folder, copy, [ONNX])

    assert exported == [(copy / 'matching', 'fp32')]
    assert read_matching_description(copy / 'matching').weights_sha256 == weights
    assert read_graphs(copy).sha256 == read_graphs(small_folder).sha256


def test_without_a_gpu_nothing_is_exported_for_it(
    small_folder: Path,
    tmp_path: Path,
    exported: list[tuple[Path, str]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: False)

    assert copy_with_graphs(small_folder, tmp_path / 'copy', [TENSORRT]) == {TENSORRT: 'no GPU'}
    assert exported == []


@pytest.mark.parametrize(
    'text', ['onnxruntime', 'onnxruntime:', 'auto:fp32', 'torch:auto', '', 'recompute:bf16']
)
def test_what_names_none(text):
    expected = r'variant is .*; expected one of recompute, |is bf16; expected fp32 or fp16'
    with pytest.raises(ValueError, match=expected):
        InferenceVariant.parse(text)


def test_each_device_has_its_reference_before_what_is_compared_with_it():
    for on_gpu in (False, True):
        first = next(variant for variant in default_variants() if variant.on_gpu == on_gpu)
        assert first.recomputes


@pytest.mark.parametrize(
    ('text', 'recomputes', 'on_gpu', 'needs_graphs'),
    [
        ('recompute:fp32', True, False, False),
        ('recompute-cuda:fp16', True, True, False),
        ('torch:fp32', False, False, False),
        ('onnxruntime:fp16', False, False, True),
        ('torch-cuda:fp16', False, True, False),
        ('tensorrt:fp16', False, True, True),
        ('openvino:bf16', False, False, True),
        ('onnxruntime-cuda:fp16', False, True, True),
    ],
)
def test_what_a_method_needs(text, recomputes, on_gpu, needs_graphs):
    variant = InferenceVariant.parse(text)

    assert variant.text == text
    assert variant.recomputes == recomputes
    assert variant.on_gpu == on_gpu
    assert variant.needs_graphs == needs_graphs


def test_what_is_installed_is_compared(monkeypatch):
    monkeypatch.setattr(inference_variants, 'is_installed', lambda name: name == 'openvino')

    texts = [variant.text for variant in default_variants()]

    assert texts[2:5] == ['onnxruntime:fp32', 'openvino:fp32', 'openvino:bf16']
    assert 'onnxruntime-cuda:fp32' not in texts


def test_openvino_computes_in_bf16_from_graphs_in_fp32():
    variant = InferenceVariant.parse('openvino:bf16')

    assert variant.precision_of_graphs == 'fp32'
    assert variant.label == 'afformer, OpenVINO, CPU bf16'
    assert InferenceVariant.parse('tensorrt:bf16').precision_of_graphs == 'bf16'

# SPDX-License-Identifier: Apache-2.0
"""Graphs copied or exported before variants are measured."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from afformer_core.errors import ModelFolderError
from afformer_core.models import small_matching
from afformer_core.offline.benchmarks.inference_variants import InferenceVariant
from afformer_core.offline.benchmarks.latency_tables import copy_with_graphs
from afformer_core.runtime.calibrations import MatchingSettings
from afformer_core.runtime.graphs import read_graphs
from afformer_core.runtime.model_folder import (
    read_description,
    read_matching_description,
    write_description,
)
from afformer_core.runtime.weights import save_matching_network

from ...conftest import random_matching_network

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

# SPDX-License-Identifier: Apache-2.0
"""`afformer build-engine`: what it exports before it compiles."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

pytest.importorskip('tensorrt_rtx_bindings', reason='TensorRT for RTX is not installed')

from afformer_core.cli.main import main
from afformer_core.errors import ModelFolderError
from afformer_core.models import afformer_small
from afformer_core.runtime.graphs import Graphs
from afformer_core.runtime.tensorrt.compiled_model import CompiledModel
from afformer_core.runtime.tensorrt.engine_cache import StoredEngine
from afformer_core.runtime.weights import save_model

from ..conftest import ACTIONS, random_model

NO_GRAPHS = Graphs(Path(), '', 18, {}, ())


@pytest.mark.parametrize(('known', 'opset'), [(True, None), (False, 18)])
def test_graphs_are_exported_in_an_opset_that_is_taken(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    known: bool,
    opset: int | None,
) -> None:
    def told(folder: Path, precision: str, opset: int | None = None) -> float:
        raise ModelFolderError(f'exported {precision} in opset {opset}')

    monkeypatch.setattr('afformer_core.runtime.tensorrt.library.KNOWS_ATTENTION', known)
    monkeypatch.setattr('afformer_core.runtime.export.export.export_graphs', told)
    save_model(tmp_path, random_model(afformer_small(ACTIONS, (64, 64))), {})

    assert main(['build-engine', str(tmp_path)]) == 1
    assert f'exported fp16 in opset {opset}' in capsys.readouterr().err


@pytest.mark.parametrize('precision', ['auto', 'fp16'])
def test_both_networks_of_a_model_are_compiled(
    matched_folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    precision: str,
) -> None:
    asked: list[tuple[Path, str]] = []

    def compiled(folder: Path, precision: str, *rest: object) -> CompiledModel:
        asked.append((folder, precision))
        graphs = replace(NO_GRAPHS, precision=f'{precision} of {folder.name}')
        return CompiledModel(folder, graphs, {'decode': StoredEngine(tmp_path, bytes(3 << 20))})

    monkeypatch.setattr('afformer_core.runtime.tensorrt.compiled_model.compile_model', compiled)

    assert main(['build-engine', '--precision', precision, str(matched_folder)]) == 0

    networks = [matched_folder, matched_folder / 'matching']
    assert asked == [(network, precision) for network in networks]
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(', ')[0] for line in lines] == [
        f'the engines of {folder} in {precision} of {folder.name}' for folder in networks
    ]
    assert all(', 3.0 MiB, ' in line for line in lines)


@pytest.mark.slow
@pytest.mark.parametrize('capability', ['8.6', '12.0'])
def test_nothing_of_the_shipped_model_is_left_to_compile(
    shipped_model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], capability: str
) -> None:
    options = ['--precision', 'fp32', '--compute-capability', capability]
    command = ['build-engine', *options, '--cache', str(tmp_path), str(shipped_model)]

    assert main(command) == 0
    said = capsys.readouterr().err
    assert said.count('done with ') == 5
    engines = sorted(path.name.split('-')[0] for path in tmp_path.rglob('*.engine'))
    assert engines == ['decode', 'encode', 'encode_frames', 'encode_image', 'memorize']

    assert main(command) == 0
    assert 'compiling' not in capsys.readouterr().err


@pytest.mark.parametrize('capability', ['7.5', '8.7', '9.0'])
def test_gpus_that_models_are_not_compiled_for(
    small_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], capability: str
) -> None:
    options = ['--precision', 'fp32', '--compute-capability', capability]

    assert main(['build-engine', *options, '--cache', str(tmp_path), str(small_folder)]) == 1

    assert (
        f'compute capability is {capability}; expected one that TensorRT-RTX compiles models for: '
        '8.0, 8.6, 8.9, 12.0, 12.1. Use backend torch-cuda there, or TensorRT'
    ) in capsys.readouterr().err
    assert not list(tmp_path.rglob('*.engine'))


def test_a_cache_that_others_may_write_is_refused(
    small_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tmp_path.chmod(0o777)
    options = ['--precision', 'fp32', '--compute-capability', '8.6', '--cache', str(tmp_path)]

    assert main(['build-engine', *options, str(small_folder)]) == 1

    assert (
        f'the mode of {tmp_path} is 0777; expected no write access for other'
        in capsys.readouterr().err
    )
    assert list(tmp_path.iterdir()) == []

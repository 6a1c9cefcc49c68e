# SPDX-License-Identifier: Apache-2.0
"""`afformer build-engine`: engines of both networks in a private cache."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip('tensorrt_rtx_bindings', reason='TensorRT for RTX is not installed')

from afformer_core.cli.main import main
from afformer_core.runtime.graphs import Graphs
from afformer_core.runtime.tensorrt.compiled_model import CompiledModel


@pytest.mark.parametrize('precision', ['auto', 'fp16'])
def test_both_networks_of_a_model_are_compiled(
    matched_folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    precision: str,
) -> None:
    asked: list[tuple[Path, str]] = []

    def compiled(folder: Path, precision: str, *rest: object) -> CompiledModel:
        asked.append((folder, precision))
        graphs = Graphs(Path(), f'{precision} of {folder.name}', 18, {}, ())
        return CompiledModel(graphs, {'decode': bytes(3 << 20)})

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
def test_nothing_of_the_shipped_model_is_left_to_compile(
    shipped_model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ['build-engine', '--precision', 'fp32', '--cache', str(tmp_path), str(shipped_model)]

    assert main(command) == 0
    said = capsys.readouterr().err
    assert said.count('done with ') == 5
    engines = sorted(path.name.split('-')[0] for path in tmp_path.rglob('*.engine'))
    assert engines == ['decode', 'encode', 'encode_frames', 'encode_image', 'memorize']

    assert main(command) == 0
    assert 'compiling' not in capsys.readouterr().err


def test_a_cache_that_others_may_write_is_refused(
    small_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tmp_path.chmod(0o777)
    options = ['--precision', 'fp32', '--cache', str(tmp_path)]

    assert main(['build-engine', *options, str(small_folder)]) == 1

    assert (
        f'the mode of {tmp_path} is 0777; expected no write access for other'
        in capsys.readouterr().err
    )
    assert list(tmp_path.iterdir()) == []

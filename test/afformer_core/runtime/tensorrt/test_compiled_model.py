# SPDX-License-Identifier: Apache-2.0
"""Which graphs are compiled: those that stand there, or are exported for it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

pytest.importorskip('tensorrt_rtx_bindings', reason='TensorRT for RTX is not installed')

from afformer_core.errors import ModelFolderError
from afformer_core.runtime.graphs import GRAPHS_FILE, Graphs, graphs_folder, read_graphs
from afformer_core.runtime.tensorrt.builder import BuildSettings, GraphRefusedError
from afformer_core.runtime.tensorrt.compiled_model import CompiledModel, compile_model

Obtain = Callable[..., dict[str, bytes]]


def write_graphs(folder: Path, precision: str, opset: int | None) -> None:
    """Lay the fp32 graphs of a folder where those of a precision belong, with another listing."""
    position = graphs_folder(folder, precision)
    position.mkdir(exist_ok=True)
    graphs = read_graphs(folder)
    for file in graphs.files:
        (position / file).write_bytes((folder / file).read_bytes())
    fields = json.loads((folder / GRAPHS_FILE).read_text())
    fields |= {'precision': precision, 'opset': opset or 23}
    (position / GRAPHS_FILE).write_text(json.dumps(fields))


def obtain(folder: Path, graphs: Graphs, *rest: object) -> dict[str, bytes]:
    return {'ground': f'{graphs.precision} {graphs.opset}'.encode()}


def obtain_unfused(folder: Path, graphs: Graphs, *rest: object) -> dict[str, bytes]:
    """As where no kernel exists for fused attention."""
    if graphs.opset == 23:
        raise GraphRefusedError('no kernel for Attention')
    return obtain(folder, graphs)


class Compiler:
    """Compiles the graphs of a folder by a double, with an exporter that may fail."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        self.lines: list[str] = []
        self.exports: list[tuple[str, int | None]] = []
        self.cannot_export = ''
        module = 'afformer_core.runtime.tensorrt.compiled_model'
        self._patch = lambda name, value: monkeypatch.setattr(f'{module}.{name}', value)
        self._patch('opset_for_tensorrt', lambda: None)
        self._patch('export_anew', self._export)
        monkeypatch.setattr(
            'afformer_core.runtime.tensorrt.exported_graphs.export_anew', self._export
        )

    def __call__(self, precision: str, obtain: Obtain = obtain) -> CompiledModel:
        self._patch('obtain_engines', obtain)
        return compile_model(
            self.folder, precision, BuildSettings(), self.folder / 'cache', self.lines.append
        )

    def _export(self, folder: Path, precision: str, opset: int | None) -> None:
        self.exports.append((precision, opset))
        if self.cannot_export:
            raise ModelFolderError(self.cannot_export)
        write_graphs(folder, precision, opset)


@pytest.fixture
def compiler(copied_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Compiler:
    return Compiler(copied_folder, monkeypatch)


def test_auto_is_fp16_which_is_exported_and_told(compiler: Compiler) -> None:
    compiled = compiler('auto')

    assert compiled.graphs.precision == 'fp16'
    assert compiled.engines == {'ground': b'fp16 23'}
    assert compiler.exports == [('fp16', None)]
    assert 'exporting in fp16' in compiler.lines[0]
    assert compiler.lines[-1].endswith('computes in fp16')


def test_what_was_exported_before_is_not_exported_again(compiler: Compiler) -> None:
    write_graphs(compiler.folder, 'fp16', 23)

    assert compiler('auto').graphs.precision == 'fp16'
    assert compiler.exports == []


def test_auto_is_fp32_where_fp16_cannot_be_exported_and_says_what_to_do(
    compiler: Compiler,
) -> None:
    compiler.cannot_export = 'nothing can be written there; copy the folder'

    assert compiler('auto').graphs.precision == 'fp32'
    assert compiler.lines[-1].startswith('nothing can be written there; copy the folder. ')
    assert 'computes in fp32, which is slower' in compiler.lines[-1]


def test_fp16_that_is_asked_for_is_not_replaced(compiler: Compiler) -> None:
    compiler.cannot_export = 'nothing can be written there'

    with pytest.raises(ModelFolderError, match='nothing can be written there'):
        compiler('fp16')


def test_without_any_graphs_the_advice_is_about_fp16(compiler: Compiler) -> None:
    (compiler.folder / GRAPHS_FILE).unlink()
    compiler.cannot_export = 'nothing can be written there'

    with pytest.raises(ModelFolderError, match='nothing can be written there'):
        compiler('auto')


def test_attention_is_written_out_where_it_has_no_kernel(compiler: Compiler) -> None:
    compiled = compiler('auto', obtain_unfused)

    assert compiled.engines == {'ground': b'fp16 18'}
    assert compiled.graphs.opset == 18
    assert compiler.exports == [('fp16', None), ('fp16', 18)]
    assert any(
        line.startswith('no kernel for Attention; exporting again in opset 18')
        for line in compiler.lines
    )


def test_a_graph_without_fused_attention_that_is_refused_is_not_exported_again(
    compiler: Compiler,
) -> None:
    def refuse(*anything: object) -> dict[str, bytes]:
        raise GraphRefusedError('out of memory')

    with pytest.raises(GraphRefusedError, match='out of memory'):
        compiler('fp32', refuse)

    assert compiler.exports == []

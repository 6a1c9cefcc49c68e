# SPDX-License-Identifier: Apache-2.0
"""Graphs are exported where they are missing, or it is said what to do."""

import importlib.util
import shutil
from pathlib import Path

import pytest

from afformer_core.errors import ModelFolderError
from afformer_core.runtime.graphs import GRAPHS_FILE, read_graphs
from afformer_core.runtime.tensorrt.exported_graphs import obtain_graphs


def test_graphs_that_stand_there_are_taken(small_folder: Path) -> None:
    lines: list[str] = []

    assert obtain_graphs(small_folder, 'fp32', None, lines.append) == read_graphs(small_folder)
    assert lines == []


def test_missing_ones_are_exported_with_the_reason(
    copied_folder: Path, small_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (copied_folder / GRAPHS_FILE).unlink()

    def export(folder: Path, precision: str, opset: int | None) -> None:
        assert (folder, precision, opset) == (copied_folder, 'fp32', 18)
        shutil.copy(small_folder / GRAPHS_FILE, folder)

    monkeypatch.setattr('afformer_core.runtime.export.export.export_graphs', export)
    lines: list[str] = []

    graphs = obtain_graphs(copied_folder, 'fp32', 18, lines.append)

    assert graphs.sha256 == read_graphs(small_folder).sha256
    (line,) = lines
    assert line.startswith(f'{copied_folder} contains no exported graphs; exporting in fp32')


@pytest.mark.slow
def test_a_folder_that_takes_no_files(copied_folder: Path, small_disk: None) -> None:
    with pytest.raises(ModelFolderError, match=r'that folder is not writable \(File too large\)'):
        obtain_graphs(copied_folder, 'fp16', None, print)


def test_without_the_exporter(copied_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, 'find_spec', lambda name: None if name == 'onnxscript' else found(name)
    )

    with pytest.raises(
        ModelFolderError, match=r'without onnxscript\. Run: pip install onnxscript'
    ):
        obtain_graphs(copied_folder, 'fp16', None, print)

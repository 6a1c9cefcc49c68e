# SPDX-License-Identifier: Apache-2.0
"""`afformer export --if-needed`: which graphs are those that are asked for."""

from __future__ import annotations

from pathlib import Path

import pytest

from afformer_core.cli.main import main
from afformer_core.errors import AfformerError
from afformer_core.models import afformer_small
from afformer_core.runtime.graphs import write_graph_listing
from afformer_core.runtime.model_folder import DECODER_GRAPHS, read_description
from afformer_core.runtime.self_test import Differences
from afformer_core.runtime.weights import save_model

from ..conftest import ACTIONS, random_model

FILES = (*(f'{name}.onnx' for name in DECODER_GRAPHS), 'golden_outputs.safetensors')


class ExportedError(AfformerError):
    """Told in place of an export."""


@pytest.fixture
def export(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tells what would be exported, and does not do it."""

    def told(folder: Path, precision: str, opset: int | None) -> float:
        raise ExportedError(f'exported {precision} in opset {opset}')

    monkeypatch.setattr('afformer_core.runtime.export.export.export_graphs', told)


@pytest.mark.usefixtures('export')
@pytest.mark.parametrize(
    ('recorded', 'options', 'exported'),
    [
        (18, [], False),
        (18, ['--opset', '18'], False),
        (18, ['--opset', '23'], True),
        (23, ['--opset', '18'], True),
    ],
)
def test_graphs_of_another_opset_are_exported_again(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    recorded: int,
    options: list[str],
    exported: bool,
) -> None:
    save_model(tmp_path, random_model(afformer_small(ACTIONS, (64, 64))), {})
    for file in FILES:
        (tmp_path / file).touch()
    write_graph_listing(tmp_path, read_description(tmp_path), 'fp32', recorded)

    status = main(['export', str(tmp_path), '--if-needed', *options])

    said = capsys.readouterr()
    assert (status, 'exported fp32' in said.err) == (int(exported), exported)
    assert ('are up to date' in said.out) != exported


def test_the_graphs_of_each_network_are_told(
    matched_folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def exported(folder: Path, precision: str, opset: int | None) -> Differences:
        return Differences(0, 0, 0, 0)

    monkeypatch.setattr('afformer_core.runtime.export.export.export_graphs', exported)

    assert main(['export', str(matched_folder), '--precision', 'bf16']) == 0

    assert (
        'wrote encode_frames.onnx, memorize.onnx, encode_image.onnx, decode.onnx to '
        f'{matched_folder}/bf16 and encode.onnx, find_contact.onnx to '
        f'{matched_folder}/matching/bf16; compared with PyTorch'
    ) in capsys.readouterr().out

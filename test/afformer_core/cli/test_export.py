# SPDX-License-Identifier: Apache-2.0
"""`afformer export`: the graphs of all networks of a model."""

from __future__ import annotations

from pathlib import Path

import pytest

from afformer_core.cli.main import main
from afformer_core.runtime.self_test import Differences


def test_the_graphs_of_each_network_are_told(
    matched_folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked: list[tuple[Path, str, int | None]] = []

    def exported(folder: Path, precision: str, opset: int | None) -> Differences:
        asked.append((folder, precision, opset))
        return Differences(0, 0, 0, 0)

    monkeypatch.setattr('afformer_core.runtime.export.export.export_graphs', exported)

    options = ['--precision', 'bf16', '--opset', '20']
    assert main(['export', str(matched_folder), *options]) == 0

    networks = [matched_folder, matched_folder / 'matching']
    assert asked == [(network, 'bf16', 20) for network in networks]
    assert (
        'wrote encode_frames.onnx, memorize.onnx, encode_image.onnx, decode.onnx to '
        f'{matched_folder}/bf16 and encode.onnx, find_contact.onnx to '
        f'{matched_folder}/matching/bf16; compared with PyTorch'
    ) in capsys.readouterr().out

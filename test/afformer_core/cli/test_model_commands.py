# SPDX-License-Identifier: Apache-2.0
"""`afformer evaluate`, `export` and `zoom`, on folders of models."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from afformer_core.cli.evaluate import _PROTOCOLS
from afformer_core.cli.main import main
from afformer_core.models import afformer_small
from afformer_core.offline.data.annotations import open_annotations
from afformer_core.offline.evaluation.protocols import PROTOCOLS
from afformer_core.runtime.self_test import Differences
from afformer_core.runtime.weights import save_model

from ..conftest import random_model
from ..offline.training.conftest import write_pairs


def test_the_options_are_what_there_is() -> None:
    assert tuple(PROTOCOLS) == _PROTOCOLS


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        (('--processes', '0'), '--processes is 0'),
        (('--protocol', 'buttons'), 'needs boxes of buttons, and train/0'),
        (('--zooms', '1.5', '1.8', '--maximum-stages', '2'), 'leave out --maximum-stages'),
        (('--maximum-stages', '0'), 'maximum_stages is 0; expected at least 1'),
    ],
)
def test_bad_options(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], options: tuple[str, ...], message: str
) -> None:
    annotations = write_pairs(tmp_path)
    assert main(['evaluate', '--annotations', str(annotations), *options]) == 1
    assert message in capsys.readouterr().err


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


def test_it_writes_a_dataset(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    small = replace(afformer_small(('press', 'hold'), (64, 64)), maximum_frames=4)
    save_model(tmp_path / 'model', random_model(small), {})
    annotations = write_pairs(tmp_path)
    # As large as they are, everything is inside.
    words = ['--annotations', annotations, '--output', tmp_path / 'zoomed', '--share', '0.25']
    words += ['--zooms', '1', '1']
    assert main(['zoom', str(tmp_path / 'model'), *map(str, words)]) == 0

    assert capsys.readouterr().out == f'wrote {tmp_path / "zoomed" / "train.json"}\n'
    assert len(open_annotations(tmp_path / 'zoomed' / 'train.json')) == 8

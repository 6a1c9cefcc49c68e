# SPDX-License-Identifier: Apache-2.0
"""Files of others: what is read of them, and that no code in them runs."""

from __future__ import annotations

import argparse
from pathlib import Path

import pytest
import torch

from afformer_core.models.pretrained.checkpoint_file import CheckpointError, read_checkpoint

STATE = {'network.a': torch.ones(2), 'network.b': torch.zeros(1)}


def test_a_file_of_lightning(tmp_path: Path) -> None:
    path = tmp_path / 'last.ckpt'
    torch.save({'epoch': 6, 'state_dict': STATE, 'hyper_parameters': {'rate': 1e-4}}, path)
    content = read_checkpoint(path)
    assert content['epoch'] == 6
    assert content['state_dict'].keys() == STATE.keys()


def test_a_file_of_torchvisions_training(tmp_path: Path) -> None:
    path = tmp_path / 'model_11.pth'
    arguments = argparse.Namespace(model='fasterrcnn_resnet50_fpn_v2', epochs=12)
    torch.save({'model': STATE, 'optimizer': {}, 'args': arguments, 'epoch': 11}, path)
    content = read_checkpoint(path)
    assert content['epoch'] == 11
    assert content['state_dict'].keys() == STATE.keys()


def test_tensors_alone(tmp_path: Path) -> None:
    path = tmp_path / 'weights.pth'
    torch.save({'network.a': torch.ones(2)}, path)
    assert list(read_checkpoint(path)['state_dict']) == ['network.a']


class Code:
    """Unpickling it would call something."""

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return print, ('unpickled',)


def test_code_is_not_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / 'code.ckpt'
    torch.save({'state_dict': {}, 'hyper_parameters': Code()}, path)
    with pytest.raises(CheckpointError, match='holds more than tensors and plain values'):
        read_checkpoint(path)
    assert 'unpickled' not in capsys.readouterr().out


def test_no_checkpoint(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match='does not exist'):
        read_checkpoint(tmp_path / 'absent.ckpt')
    noise = tmp_path / 'noise.ckpt'
    noise.write_bytes(b'PK\x03\x04 cut off')
    with pytest.raises(CheckpointError, match='damaged or not a checkpoint'):
        read_checkpoint(noise)
    for content in ([1, 2], {'state_dict': {}}, {'state_dict': {'a': 1}}):
        path = tmp_path / 'other.ckpt'
        torch.save(content, path)
        with pytest.raises(CheckpointError, match='state_dict'):
            read_checkpoint(path)

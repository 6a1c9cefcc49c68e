# SPDX-License-Identifier: Apache-2.0
"""Files of others: what is read of them, and that no code in them runs."""

from __future__ import annotations

import argparse
import random
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


def test_code_is_not_run(tmp_path: Path) -> None:
    path = tmp_path / 'code.ckpt'
    torch.save({'state_dict': {}, 'hyper_parameters': path}, path)
    with pytest.raises(CheckpointError, match=r'holds pathlib\S+, and loading it could run code'):
        read_checkpoint(path)


@pytest.mark.parametrize('legacy', [False, True])
def test_a_damaged_checkpoint(tmp_path: Path, *, legacy: bool) -> None:
    path = tmp_path / 'damaged.ckpt'
    torch.save({'state_dict': STATE}, path, _use_new_zipfile_serialization=not legacy)
    whole, rng = path.read_bytes(), random.Random(0)
    for _ in range(50):
        path.write_bytes(whole[: rng.randrange(len(whole) // 2)] + rng.randbytes(16))
        with pytest.raises(CheckpointError, match=r'damaged or not a checkpoint|could run code'):
            read_checkpoint(path)


def test_no_checkpoint(tmp_path: Path) -> None:
    for content in ([1, 2], {'state_dict': {}}, {'state_dict': {'a': 1}}):
        path = tmp_path / 'other.ckpt'
        torch.save(content, path)
        with pytest.raises(CheckpointError, match='state_dict'):
            read_checkpoint(path)

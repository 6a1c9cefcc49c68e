# SPDX-License-Identifier: Apache-2.0
"""Checkpoints for which the disk has no room are told, and leave what was there."""

from __future__ import annotations

import resource
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from afformer_core.errors import AfformerError
from afformer_core.offline.training.callbacks.last_checkpoint import WholeCheckpoints

# Numbers of 4 bytes: more than the file may hold.
LARGE = {'weights': torch.ones(300_000)}


@pytest.fixture
def full_disk() -> Iterator[None]:
    """Files that end at half a megabyte, as on a disk without more room."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 19, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)
    signal.signal(signal.SIGXFSZ, handler)


@pytest.mark.usefixtures('full_disk')
def test_a_full_disk_leaves_the_checkpoint_of_before(tmp_path: Path) -> None:
    path = tmp_path / 'checkpoints' / 'last.ckpt'
    with pytest.raises(AfformerError, match=r'File too large\. Free some space and start again'):
        WholeCheckpoints().save_checkpoint(LARGE, path)
    assert list(path.parent.iterdir()) == []
    WholeCheckpoints().save_checkpoint({'weights': torch.arange(7)}, path)

    with pytest.raises(
        AfformerError, match=r'File too large\. Free some space and resume; the prev'
    ):
        WholeCheckpoints().save_checkpoint(LARGE, path)

    assert torch.load(path, weights_only=True)['weights'].tolist() == [0, 1, 2, 3, 4, 5, 6]
    assert list(path.parent.iterdir()) == [path]

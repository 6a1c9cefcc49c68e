# SPDX-License-Identifier: Apache-2.0
"""Quick models and folders of large files."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from torch import Tensor


@pytest.fixture
def zeroed_initializers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Weights that are replaced, or never used, need not be random."""

    def zeroed(tensor: Tensor, *_arguments: object, **_options: object) -> Tensor:
        return tensor.data.zero_()

    for name in ('trunc_normal_', 'kaiming_uniform_', 'uniform_'):
        monkeypatch.setattr(torch.nn.init, name, zeroed)


@pytest.fixture
def scratch(tmp_path: Path) -> Iterator[Path]:
    """A folder of large files, which are not kept."""
    yield tmp_path
    shutil.rmtree(tmp_path)

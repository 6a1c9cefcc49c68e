# SPDX-License-Identifier: Apache-2.0
"""A session on a GPU is loaded only if it gives what the model gives; on the doubles."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from cuda_double import Device

from afformer_core.runtime.backends import open_networks
from afformer_core.runtime.self_test import GOLDEN_OUTPUTS_FILE, SelfTestError


@pytest.fixture
def folder(copied_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An exported model, with a cache of its own for its engines."""
    monkeypatch.setenv('XDG_CACHE_HOME', str(tmp_path / 'cache'))
    return copied_folder


@pytest.fixture
def compiler(device: Device, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Compiles and runs engines by the double of TensorRT for RTX."""
    pytest.importorskip('tensorrt_rtx_bindings', reason='TensorRT for RTX is not installed')
    from cuda_double.tensorrt import TensorRT, serialized_engine, tensorrt_double

    monkeypatch.setattr(
        'afformer_core.runtime.tensorrt.compiled_model.build_engine',
        lambda graph, shapes, *rest: serialized_engine(graph, shapes),
    )
    with tensorrt_double(TensorRT(device, is_rtx=True)):
        yield


@pytest.mark.usefixtures('compiler')
@pytest.mark.parametrize('backend', ['torch-cuda', 'tensorrt'])
def test_a_sound_one(folder: Path, backend: str) -> None:
    lines: list[str] = []

    networks = open_networks(folder, backend, 0, 'fp32', lines.append)

    assert networks.backend == backend
    assert len(networks.encode_frames(np.zeros((1, 64, 96, 3), np.uint8))) == 1


@pytest.mark.slow
@pytest.mark.usefixtures('device')
def test_a_gpu_that_computes_something_else_for_a_model_that_was_not_exported(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / 'graphs.json').unlink()
    (folder / GOLDEN_OUTPUTS_FILE).unlink()
    attend = torch.nn.functional.scaled_dot_product_attention
    # Only the GPU is given fused attention in fp32.
    monkeypatch.setattr(
        torch.nn.functional,
        'scaled_dot_product_attention',
        lambda *args, **kwargs: 1.1 * attend(*args, **kwargs),
    )

    with pytest.raises(SelfTestError, match='torch-cuda does not reproduce the golden outputs'):
        open_networks(folder, 'torch-cuda', 0, 'fp32')

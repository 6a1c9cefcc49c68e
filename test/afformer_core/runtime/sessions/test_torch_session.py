# SPDX-License-Identifier: Apache-2.0
"""A session on a GPU gives what the CPU gives and is loaded only then; without one it says so."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from cuda_double import Device
from opened_sessions import ground, opened
from torch import Tensor
from torch.nn import functional

from afformer_core.errors import ModelFolderError
from afformer_core.models.decoders.memory import VideoMemory
from afformer_core.runtime.backends import open_networks
from afformer_core.runtime.model_folder import read_description
from afformer_core.runtime.self_test import (
    GOLDEN_OUTPUTS_FILE,
    GPU_TOLERANCES,
    GoldenOutputs,
    SelfTestError,
    self_test,
)
from afformer_core.runtime.sessions.torch_session import prepared_model

HAS_GPU = torch.cuda.is_available()
gpu = pytest.mark.skipif(not HAS_GPU, reason='no NVIDIA GPU is here')


@pytest.mark.skipif(HAS_GPU, reason='a GPU is here')
def test_without_a_gpu(small_folder: Path) -> None:
    with pytest.raises(ModelFolderError, match="backend 'torch-cuda' needs an NVIDIA GPU"):
        open_networks(small_folder, 'torch-cuda', 0)


@pytest.mark.parametrize('precision', ['fp32', 'fp16', 'bf16'])
def test_nothing_of_the_network_stays_on_the_cpu(model_folder: Path, precision: str) -> None:
    # Of the devices without values, operators refuse what lies on another.
    model = prepared_model(model_folder, precision).to('meta')
    configuration = model.configuration
    height, width = configuration.input_size
    frames = torch.empty(2, height, width, 3, dtype=torch.uint8, device='meta')
    with torch.inference_mode():
        memory = model.memorize(model.encode_frames(frames)[None])
        unmasked = VideoMemory(
            memory.keys, memory.values, (None,) * len(memory.keys), memory.sizes
        )
        levels, features = model.encode_images(frames[:1])
        outputs = *model.ground_levels(levels, unmasked), features

    assert {output.device.type for output in outputs} == {'meta'}
    assert outputs[0].shape[-2:] == (height, width)


def test_attention_in_fp32_is_what_pytorch_fuses(
    small_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    strides: list[tuple[int, ...]] = []
    attend = functional.scaled_dot_product_attention

    def spy(*vectors: Tensor, scale: float) -> Tensor:
        strides.append(tuple(each.stride(-1) for each in vectors))
        return attend(*vectors, scale=scale)

    monkeypatch.setattr(functional, 'scaled_dot_product_attention', spy)
    with opened('torch-cuda double', small_folder) as one:
        memory = one.session.memorize(np.zeros((3, 96, 8, 12), np.float32))
        ground(one.session, np.zeros((64, 96, 3), np.uint8), memory)

    # To the image and to the video at two levels, for one image.
    assert len(strides) >= 4
    assert set(strides) == {(1, 1, 1)}


@pytest.mark.gpu
@gpu
@pytest.mark.parametrize('precision', ['fp32', 'fp16'])
def test_it_gives_what_the_model_gives(model_folder: Path, precision: str) -> None:
    session = open_networks(model_folder, 'torch-cuda', 0, precision)

    golden, description = GoldenOutputs.read(model_folder), read_description(model_folder)
    assert self_test(session, golden, GPU_TOLERANCES[precision], description).heatmap > 0


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


def test_a_gpu_that_computes_something_else_for_a_model_that_was_not_exported(
    folder: Path, device: Device, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / 'graphs.json').unlink()
    (folder / GOLDEN_OUTPUTS_FILE).unlink()
    attend = functional.scaled_dot_product_attention

    def scaled_on_the_gpu(*vectors: Tensor, scale: float) -> Tensor:
        factor = 1.1 if device.gpu.owns(vectors[0]) else 1.0
        return factor * attend(*vectors, scale=scale)

    monkeypatch.setattr(functional, 'scaled_dot_product_attention', scaled_on_the_gpu)

    with pytest.raises(SelfTestError, match='torch-cuda does not reproduce the golden outputs'):
        open_networks(folder, 'torch-cuda', 0, 'fp32')

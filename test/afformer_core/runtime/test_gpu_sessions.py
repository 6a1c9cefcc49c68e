# SPDX-License-Identifier: Apache-2.0
"""Memory, graphs and a lost device: risks of sessions on a GPU beyond the contract of all.

They run on the double of CUDA; `pytest -m gpu` runs them on a GPU.
"""

import gc
import itertools
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pytest
import torch
from cuda_double import cuda_double
from opened_sessions import DOUBLES, ON_GPU, OpenedSession, ground, opened, tensorrt_session
from torch import nn
from torch.nn.modules.module import register_module_forward_pre_hook

from afformer_core.runtime.networks import Output
from afformer_core.runtime.session import Decoded, Memory, Session
from afformer_core.runtime.sessions.gpu import is_device_lost
from afformer_core.runtime.sessions.torch_session import TorchSession, prepared_model

SIZE = 64, 96
# Memories of noise are farther apart.
TOLERANCE = 1e-3


def noise(seed: int, *shape: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, shape, np.uint8)


def memories_of(session: Session, *lengths: int) -> list[Memory]:
    frames = [noise(number, length, *SIZE, 3) for number, length in enumerate(lengths)]
    return [session.memorize(session.encode_frames(one)) for one in frames]


def difference(found: Decoded | Output, expected: Decoded | Output) -> float:
    return float(np.abs(found.heatmap_logits - expected.heatmap_logits).max())


@pytest.fixture(scope='module')
def exact(small_folder: Path) -> Session:
    return TorchSession.load(small_folder)


@pytest.fixture(scope='module', params=[*DOUBLES, *ON_GPU])
def opened_session(request: pytest.FixtureRequest, small_folder: Path) -> Iterator[OpenedSession]:
    with opened(request.param, small_folder) as one:
        yield one


@pytest.fixture
def session(opened_session: OpenedSession) -> Session:
    return opened_session.session


@pytest.fixture(params=DOUBLES)
def on_double(request: pytest.FixtureRequest, small_folder: Path) -> Iterator[OpenedSession]:
    """Opened for one test."""
    with opened(request.param, small_folder) as one:
        yield one


@pytest.mark.parametrize('lengths', [(3, 3, 3), (2, 5, 32)], ids=['one length', 'three lengths'])
def test_each_memory_is_read_whatever_was_grounded_before(
    session: Session, exact: Session, lengths: tuple[int, ...]
) -> None:
    memories = memories_of(session, *lengths)

    for seed in range(2):
        image = noise(100 + seed, *SIZE, 3)
        expected = [ground(exact, image, memory) for memory in memories]
        assert min(difference(*pair) for pair in itertools.combinations(expected, 2)) > 0.01
        for memory, output in zip(memories, expected, strict=True):
            session.encode_frames(image[None])
            assert difference(ground(session, image, memory), output) < TOLERANCE


def test_a_lost_gpu_is_told(on_double: OpenedSession) -> None:
    session = on_double.session
    features = session.encode_frames(noise(1, 2, *SIZE, 3))
    memory = session.memorize(features)
    image = noise(100, *SIZE, 3)
    ground(session, image, memory)
    on_double.device.lose()

    for call in (
        lambda: ground(session, image, memory),
        lambda: session.encode_frames(image[None]),
        lambda: session.memorize(features),
    ):
        with pytest.raises(Exception, match=r'CUDA error|cannot run') as raised:
            call()
        assert is_device_lost(raised.value)


@pytest.fixture
def tf32_is_allowed() -> Iterator[None]:
    matmul = torch.backends.cuda.matmul
    before, matmul.allow_tf32 = matmul.allow_tf32, True
    yield
    matmul.allow_tf32 = before


@pytest.mark.usefixtures('tf32_is_allowed')
def test_it_computes_in_fp32_whatever_the_process_allows(small_folder: Path) -> None:
    allowed: list[bool] = []

    def asked(module: nn.Module, inputs: object) -> None:
        allowed.extend((torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32))

    with opened('torch-cuda double', small_folder) as one, ExitStack() as stack:
        stack.callback(register_module_forward_pre_hook(asked).remove)
        (memory,) = memories_of(one.session, 2)
        asked_before = len(allowed)
        ground(one.session, noise(1, *SIZE, 3), memory)

    assert 0 < asked_before < len(allowed)
    assert not any(allowed)
    assert torch.backends.cuda.matmul.allow_tf32
    assert torch.backends.cudnn.allow_tf32


@pytest.mark.parametrize('backend', ['torch-cuda', 'tensorrt'])
def test_a_session_leaves_the_gpu_with_its_last_owner(small_folder: Path, backend: str) -> None:
    with ExitStack() as stack:
        device = stack.enter_context(cuda_double())
        if backend == 'torch-cuda':
            session: Session = TorchSession(prepared_model(small_folder, 'fp32'), device='cuda')
        else:
            tensorrt = pytest.importorskip('cuda_double.tensorrt', exc_type=ImportError)
            double = tensorrt.TensorRT(device, is_rtx=False)
            stack.enter_context(tensorrt.tensorrt_double(double))
            session = tensorrt_session(small_folder)
        ground(session, noise(100, *SIZE, 3), memories_of(session, 2)[0])
        assert device.gpu.allocated > 0
        # Without the collector, which may come late.
        gc.disable()
        stack.callback(gc.enable)

        del session

        assert device.gpu.allocated == 0

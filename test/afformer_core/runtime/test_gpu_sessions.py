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

from afformer_core.runtime import ArrayGrounder
from afformer_core.runtime.backends import open_networks, open_on_cpu
from afformer_core.runtime.coarse_to_fine import ZoomStage
from afformer_core.runtime.model_folder import read_description
from afformer_core.runtime.networks import Networks, Output
from afformer_core.runtime.self_test import SelfTestError
from afformer_core.runtime.session import Decoded, EncodedLevels, Memory, Session
from afformer_core.runtime.sessions.device_loss import is_device_lost
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


def test_each_encoded_image_is_its_own(session: Session, exact: Session) -> None:
    (memory,) = memories_of(session, 2)
    images = [noise(seed, *SIZE, 3) for seed in (100, 101)]
    encoded = [session.encode_image(image) for image in images]

    for image, levels in zip(images, encoded, strict=True):
        found = session.decode(levels, memory)
        assert difference(found, ground(exact, image, memory)) < TOLERANCE


def test_three_zoom_stages_of_demonstrations_that_are_added_replaced_and_deleted(
    session: Session, exact: Session, small_folder: Path
) -> None:
    configuration = read_description(small_folder).configuration
    stages = (ZoomStage(2.0, 1.5), ZoomStage(4.0, 2.0))
    grounder, on_cpu = (
        ArrayGrounder(configuration, Networks(configuration, each), zoom_stages=stages)
        for each in (session, exact)
    )
    image = noise(200, 120, 160, 3)

    def add(name: str, seed: int, length: int) -> None:
        for one in (grounder, on_cpu):
            one.set_demonstration(noise(seed, length, 120, 160, 3), name)

    def check(*names: str) -> None:
        found, expected = (one.output(image, *names) for one in (grounder, on_cpu))
        assert difference(found, expected) < TOLERANCE

    add('first', 1, 3)
    check('first')
    add('second', 2, 6)
    check('second')
    check('first', 'second')
    add('first', 3, 3)
    check('first')
    for one in (grounder, on_cpu):
        one.delete_demonstration('second')
    gc.collect()
    add('third', 4, 6)
    check('third')
    check('first')


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


def test_a_lost_gpu_is_left(on_double: OpenedSession, exact: Session, small_folder: Path) -> None:
    reasons: list[str] = []
    configuration = read_description(small_folder).configuration
    left, on_cpu = (
        ArrayGrounder(configuration, Networks(configuration, one))
        for one in (on_double.session, exact)
    )
    left.fall_back(lambda: open_on_cpu(small_folder, 1), reasons.append)
    images = noise(100, 2, *SIZE, 3)
    for one in (left, on_cpu):
        one.set_demonstration(images, 'before')
    left.output(images[0], 'before')
    on_double.device.lose()

    for one in (left, on_cpu):
        one.set_demonstration(images[::-1], 'after')
    for name in ('before', 'after'):
        found, expected = (one.output(images[1], name) for one in (left, on_cpu))
        assert difference(found, expected) < TOLERANCE

    assert left.backend == 'onnxruntime'
    assert len(reasons) == 1


@pytest.mark.slow
def test_a_gpu_that_computes_wrongly_is_not_used(
    small_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    right = TorchSession.encode_image

    def upside_down(session: TorchSession, image: np.ndarray) -> EncodedLevels:
        wrong = image[::-1].copy() if session.backend == 'torch-cuda' else image
        return right(session, wrong)

    monkeypatch.setattr(TorchSession, 'encode_image', upside_down)

    with (
        cuda_double(),
        pytest.raises(
            SelfTestError,
            match=r'torch-cuda does not reproduce .*, it differs in heatmap by .* Choose another',
        ),
    ):
        open_networks(small_folder, 'torch-cuda', 0)


@pytest.fixture
def tf32_is_allowed() -> Iterator[None]:
    matmul = torch.backends.cuda.matmul
    before, matmul.allow_tf32 = matmul.allow_tf32, True
    yield
    matmul.allow_tf32 = before


@pytest.mark.usefixtures('tf32_is_allowed')
def test_it_computes_in_fp32_whatever_the_process_allows(
    small_folder: Path,
) -> None:
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

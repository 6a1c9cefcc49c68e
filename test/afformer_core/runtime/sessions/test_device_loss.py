# SPDX-License-Identifier: Apache-2.0
"""A GPU that is lost is left, and nobody but who is told sees it."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from onnxruntime.capi.onnxruntime_pybind11_state import Fail

from afformer_core.errors import EngineError, ImageError
from afformer_core.runtime import ArrayGrounder
from afformer_core.runtime.backends import open_networks, open_on_cpu
from afformer_core.runtime.matching.matching import Matching
from afformer_core.runtime.model_folder import MATCHING_FOLDER, read_description, read_matching
from afformer_core.runtime.networks import Networks
from afformer_core.runtime.session import Decoded, EncodedLevels, Memory, Stages
from afformer_core.runtime.sessions.gpu import gpu_at_hand, is_device_lost, why_no_gpu
from afformer_core.runtime.sessions.torch_session import TorchMatchingSession, TorchSession


def test_what_tells_two_gpus_of_one_name_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    properties = SimpleNamespace(
        name='Orin', major=8, minor=7, multi_processor_count=8, total_memory=7_620 * 2**20
    )
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: True)
    monkeypatch.setattr(torch.cuda, 'current_device', lambda: 0)
    monkeypatch.setattr(torch.cuda, 'get_device_properties', lambda device: properties)

    assert gpu_at_hand() == 'Orin, compute capability 8.7, 8 multiprocessors, 7 GiB'


@pytest.mark.parametrize(
    ('cuda', 'reason'),
    [
        (None, 'was built only for the CPU.*install a PyTorch for CUDA'),
        ('12.6', 'for CUDA 12.6 finds none. Check that nvidia-smi'),
    ],
)
def test_a_pytorch_that_finds_none_says_why(
    monkeypatch: pytest.MonkeyPatch, cuda: str | None, reason: str
) -> None:
    monkeypatch.setattr(torch.version, 'cuda', cuda)

    assert re.search(reason, why_no_gpu(), re.DOTALL)


LOSS = 'CUDA error: an illegal memory access was encountered\nFor debugging consider ...'
HAS_GPU = torch.cuda.is_available()


class Gpu:
    """Computes until it is lost."""

    def __init__(self) -> None:
        self.error: Exception | None = None
        self.calls_after_the_loss = 0

    def checked(self, array: np.ndarray) -> np.ndarray:
        if self.error is not None:
            self.calls_after_the_loss += 1
            raise self.error
        return array


class LosingSession(TorchSession):
    """On the CPU by the name of a GPU."""

    backend = 'torch-cuda'
    gpu: Gpu

    def memorize(self, features: np.ndarray) -> Memory:
        return super().memorize(self.gpu.checked(features))

    def encode_frames(self, frames: np.ndarray) -> np.ndarray:
        return super().encode_frames(self.gpu.checked(frames))

    def encode_image(self, image: np.ndarray) -> EncodedLevels:
        return super().encode_image(self.gpu.checked(image))

    def decode(self, image: EncodedLevels, memory: Memory) -> Decoded:
        self.gpu.checked(image.image)
        return super().decode(image, memory)


class LosingMatchingSession(TorchMatchingSession):
    """Like `LosingSession`, of a matching network."""

    gpu: Gpu

    def encode(self, images: np.ndarray) -> Stages:
        return super().encode(self.gpu.checked(images))


@pytest.fixture
def gpu() -> Gpu:
    return Gpu()


@pytest.fixture
def reasons() -> list[str]:
    return []


@pytest.fixture
def frames(images: Callable[..., np.ndarray]) -> np.ndarray:
    return images(2, 64, 96, 3)


def opened(folder: Path, gpu: Gpu) -> ArrayGrounder:
    """A model whose networks are on the GPU, and that has a demonstration to be recorded."""
    description = read_description(folder)
    session = LosingSession.load(folder)
    session.gpu = gpu
    networks = Networks(description.configuration, session)
    beside = read_matching(folder, description)
    if beside is not None and description.matching is not None:
        matching = LosingMatchingSession.load(folder / MATCHING_FOLDER)
        matching.gpu = gpu
        whole = Matching(matching, beside.configuration, description.matching)
        networks = Networks(description.configuration, session, whole)
    return ArrayGrounder(description.configuration, networks)


@pytest.fixture(params=['small_folder', 'matched_folder'])
def folder(request: pytest.FixtureRequest) -> Path:
    return request.getfixturevalue(request.param)


@pytest.fixture
def grounder(folder: Path, gpu: Gpu, reasons: list[str]) -> ArrayGrounder:
    found = opened(folder, gpu)
    found.fall_back(lambda: open_on_cpu(folder, 1), reasons.append)
    return found


@pytest.mark.parametrize(
    'loss', [torch.AcceleratorError(LOSS), RuntimeError(LOSS)], ids=['AcceleratorError', 'before']
)
def test_the_image_of_the_loss_and_the_next_are_grounded_on_the_cpu(
    grounder: ArrayGrounder,
    folder: Path,
    gpu: Gpu,
    reasons: list[str],
    frames: np.ndarray,
    loss: Exception,
) -> None:
    exact = ArrayGrounder(grounder.configuration, open_networks(folder, 'torch', 1))
    for one in (grounder, exact):
        one.set_demonstration(frames, 'press')
    assert grounder.backend == 'torch-cuda'
    before = grounder.encode_image(frames[1])
    gpu.error = loss

    outputs = [grounder.predict(frames[0], 'press'), grounder.predict_encoded(before, 'press')]

    for output, image in zip(outputs, frames, strict=True):
        expected = exact.predict(image, 'press').probabilities
        np.testing.assert_allclose(output.probabilities, expected, atol=1e-3 * expected.max())
    assert grounder.backend == open_on_cpu(folder, 1).backend
    assert reasons == ['CUDA error: an illegal memory access was encountered']
    assert gpu.calls_after_the_loss == 1
    assert (grounder.matching is None) == (exact.matching is None)


def test_a_loss_while_a_demonstration_is_recorded(
    grounder: ArrayGrounder, gpu: Gpu, reasons: list[str], frames: np.ndarray
) -> None:
    gpu.error = RuntimeError(LOSS)

    grounder.set_demonstration(frames, 'press')

    assert grounder.ground(frames[0], 'press').heatmap.sum() == pytest.approx(1, abs=1e-4)
    assert len(reasons) == 1


@pytest.mark.parametrize('error', [ImageError('no image'), RuntimeError('a bug'), MemoryError()])
def test_another_error_is_no_loss(
    grounder: ArrayGrounder, gpu: Gpu, reasons: list[str], frames: np.ndarray, error: Exception
) -> None:
    gpu.error = error

    with pytest.raises(type(error)):
        grounder.encode(frames[0])

    assert (grounder.backend, reasons) == ('torch-cuda', [])


def test_where_the_cpu_cannot_take_over_the_next_image_tries_again(
    small_folder: Path, gpu: Gpu, reasons: list[str], frames: np.ndarray
) -> None:
    def fail() -> Networks:
        raise MemoryError('no room')

    grounder = opened(small_folder, gpu)
    grounder.fall_back(fail, reasons.append)
    gpu.error = RuntimeError(LOSS)

    for _ in range(2):
        with pytest.raises(MemoryError, match='no room'):
            grounder.encode(frames[0])

    assert reasons == []


@pytest.mark.parametrize('falls_back', [True, False])
def test_an_error_on_the_cpu_or_without_a_fallback_is_raised(
    small_folder: Path, gpu: Gpu, reasons: list[str], frames: np.ndarray, falls_back: bool
) -> None:
    grounder = opened(small_folder, gpu)
    if falls_back:
        second = opened(small_folder, gpu)._networks
        second.decoder.backend = 'torch'
        grounder.fall_back(lambda: second, reasons.append)
    gpu.error = RuntimeError(LOSS)

    with pytest.raises(RuntimeError, match='illegal memory access'):
        grounder.encode(frames[0])

    assert len(reasons) == falls_back
    with pytest.raises(RuntimeError, match='illegal memory access'):
        grounder.encode(frames[0])


def caused(error: Exception) -> Exception:
    outer = ValueError('no grounding')
    outer.__cause__ = error
    return outer


@pytest.mark.parametrize(
    ('error', 'of_gpu'),
    [
        (RuntimeError(LOSS), True),
        (torch.AcceleratorError(LOSS), True),
        (RuntimeError('cuDNN error: CUDNN_STATUS_INTERNAL_ERROR'), True),
        (EngineError('TensorRT cannot run the engine of ground'), True),
        (Fail('CUDA failure 700: an illegal memory access was encountered ; GPU=0'), True),
        (caused(RuntimeError(LOSS)), True),
        (ImageError('no image'), False),
        (RuntimeError('a shape'), False),
        (ValueError(), False),
    ],
)
@pytest.mark.parametrize('answers', [True, False])
def test_a_gpu_is_lost_if_an_error_came_from_it_and_it_does_not_answer(
    monkeypatch: pytest.MonkeyPatch, error: Exception, of_gpu: bool, answers: bool
) -> None:
    def synchronize() -> None:
        if not answers:
            raise RuntimeError(LOSS)

    monkeypatch.setattr(torch.cuda, 'synchronize', synchronize)

    assert is_device_lost(error) == (of_gpu and not answers)


# A device-side assertion leaves the process without a GPU, hence one of its own.
_LOSE_A_GPU = """
import sys
import numpy as np, torch
from afformer_core.runtime import ArrayGrounder
grounder = ArrayGrounder.load(sys.argv[1], 'torch-cuda', gpu_lost=print)
frames = np.random.default_rng(7).integers(0, 256, (2, 64, 96, 3), np.uint8)
grounder.set_demonstration(frames, 'press')
on_gpu = grounder.predict(frames[0], 'press').probabilities
torch.zeros(1, device='cuda')[torch.tensor([1], device='cuda')]
on_cpu = grounder.predict(frames[0], 'press').probabilities
assert grounder.backend == 'onnxruntime', grounder.backend
assert np.abs(on_gpu - on_cpu).max() < 1e-2
"""


@pytest.mark.gpu
@pytest.mark.skipif(not HAS_GPU, reason='no NVIDIA GPU is here')
def test_a_real_gpu_that_is_lost(small_folder: Path) -> None:
    done = subprocess.run(
        [sys.executable, '-c', _LOSE_A_GPU, str(small_folder)],
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    assert 'CUDA error' in done.stdout

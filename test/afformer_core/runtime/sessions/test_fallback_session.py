# SPDX-License-Identifier: Apache-2.0
"""A GPU that is lost is left, and nobody but who is told sees it."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from opened_sessions import ground

from afformer_core.errors import ImageError
from afformer_core.models import small_matching
from afformer_core.runtime import ArrayGrounder
from afformer_core.runtime.backends import open_networks
from afformer_core.runtime.demonstration import EncodedFrames
from afformer_core.runtime.features import Stages
from afformer_core.runtime.matching.exemplars import Exemplars
from afformer_core.runtime.matching.matching import Matching
from afformer_core.runtime.matching.weighing import MatchingSettings
from afformer_core.runtime.model_folder import MATCHING_FOLDER, read_description
from afformer_core.runtime.networks import Networks
from afformer_core.runtime.session import Decoded, EncodedLevels, Memory, Session
from afformer_core.runtime.sessions.fallback_session import FallbackSession, with_fallback
from afformer_core.runtime.sessions.torch_session import TorchMatchingSession, TorchSession
from afformer_core.runtime.weights import save_matching_network

from ...conftest import random_matching_network

LOSS = 'CUDA error: an illegal memory access was encountered\nFor debugging consider ...'
HAS_GPU = torch.cuda.is_available()


class LosingSession(TorchSession):
    """On the CPU by the name of a GPU, whose memories are in half precision; lost when told to."""

    backend = 'torch-cuda'
    error: Exception | None = None
    calls_after_the_loss = 0

    def memorize(self, features: np.ndarray) -> Memory:
        memory = super().memorize(self._checked(features))
        return Memory(
            tuple(keys.astype(np.float16) for keys in memory.keys),
            tuple(values.astype(np.float16) for values in memory.values),
        )

    def encode_frames(self, frames: np.ndarray) -> np.ndarray:
        return super().encode_frames(self._checked(frames))

    def encode_image(self, image: np.ndarray) -> EncodedLevels:
        return super().encode_image(self._checked(image))

    def decode(self, image: EncodedLevels, memory: Memory) -> Decoded:
        self._checked(image.image)
        return super().decode(image, memory)

    def _checked(self, array: np.ndarray) -> np.ndarray:
        if self.error is not None:
            self.calls_after_the_loss += 1
            raise self.error
        return array


class LosingMatchingSession(TorchMatchingSession):
    """Like `LosingSession`, of a matching network."""

    backend = 'torch-cuda'
    error: Exception | None = None
    calls_after_the_loss = 0

    def encode(self, images: np.ndarray) -> Stages:
        if self.error is not None:
            self.calls_after_the_loss += 1
            raise self.error
        return super().encode(images)


def alone(session: Session, folder: Path) -> Networks:
    """The networks of a model without a matching network."""
    return Networks(read_description(folder).configuration, session)


@pytest.fixture
def losing(small_folder: Path) -> LosingSession:
    return LosingSession.load(small_folder)


@pytest.fixture
def reasons() -> list[str]:
    return []


@pytest.fixture
def session(losing: LosingSession, small_folder: Path, reasons: list[str]) -> Session:
    return with_fallback(alone(losing, small_folder), small_folder, 1, reasons.append).decoder


@pytest.fixture
def frames(images: Callable[..., np.ndarray]) -> np.ndarray:
    return images(2, 64, 96, 3)


@pytest.mark.parametrize(
    'loss', [torch.AcceleratorError(LOSS), RuntimeError(LOSS)], ids=['AcceleratorError', 'before']
)
def test_the_image_of_the_loss_and_the_next_are_grounded_on_the_cpu(
    session: Session,
    losing: LosingSession,
    small_folder: Path,
    reasons: list[str],
    frames: np.ndarray,
    loss: Exception,
) -> None:
    memory = session.memorize(session.encode_frames(frames))
    exact = open_networks(small_folder, 'torch', 1).decoder
    expected = ground(exact, frames[0], memory)
    losing.error = loss

    outputs = [ground(session, frames[0], memory) for _ in range(2)]

    for output in outputs:
        assert np.allclose(output.heatmap_logits, expected.heatmap_logits, atol=1e-3)
        assert np.allclose(output.action_logits, expected.action_logits, atol=1e-3)
    assert session.backend == 'onnxruntime'
    assert reasons == ['CUDA error: an illegal memory access was encountered']
    assert losing.calls_after_the_loss == 1


def test_an_image_that_the_gpu_encoded_is_encoded_again_on_the_cpu(
    session: Session, losing: LosingSession, small_folder: Path, frames: np.ndarray
) -> None:
    memory = session.memorize(session.encode_frames(frames))
    encoded = session.encode_image(frames[1])
    losing.error = RuntimeError(LOSS)

    found = session.decode(encoded, memory)

    exact = open_networks(small_folder, 'onnxruntime', 1).decoder
    expected = ground(exact, frames[1], memory)
    np.testing.assert_array_equal(found.heatmap_logits, expected.heatmap_logits)


def matched(losing: LosingSession, folder: Path, exemplars: Exemplars | None = None) -> Networks:
    """Networks whose matching network is in a subfolder, both by the name of a GPU."""
    configuration = replace(small_matching((128, 192)), maximum_frames=32)
    save_matching_network(folder / MATCHING_FOLDER, random_matching_network(configuration), {})
    session = LosingMatchingSession.load(folder / MATCHING_FOLDER)
    matching = Matching(session, configuration, MatchingSettings(0.3, ''), exemplars)
    return replace(alone(losing, folder), matching=matching)


def test_both_networks_fall_back(
    losing: LosingSession,
    small_folder: Path,
    tmp_path: Path,
    reasons: list[str],
    frames: np.ndarray,
) -> None:
    folder = tmp_path / 'model'
    shutil.copytree(small_folder, folder)
    on_gpu = matched(losing, folder)
    assert on_gpu.matching is not None
    beside = on_gpu.matching.session
    assert isinstance(beside, LosingMatchingSession)
    networks = with_fallback(on_gpu, folder, 1, reasons.append)
    encoded = EncodedFrames(frames, networks.encode_frames(frames))
    first_frame = networks.encode_image(frames[0])
    memory = replace(networks.memorize(encoded, first_frame), decoder_weight=1.0)
    losing.error = beside.error = RuntimeError(LOSS)

    output = networks.ground(networks.encode_image(frames[0]), memory)

    assert output.heatmap_logits.shape == (1, 64, 96)
    assert networks.backend == 'onnxruntime'
    assert networks.matching is not None
    assert networks.matching.session.backend == 'torch'
    assert len(reasons) == 2
    assert losing.calls_after_the_loss == beside.calls_after_the_loss == 1


def test_exemplars_outlive_the_gpu(
    losing: LosingSession, small_folder: Path, tmp_path: Path
) -> None:
    rows = np.ones((1, 432), np.float32)
    exemplars = Exemplars(rows, rows, rows, np.zeros(1, np.int32))
    folder = tmp_path / 'model'
    shutil.copytree(small_folder, folder)

    networks = with_fallback(matched(losing, folder, exemplars), folder, 1, print)

    assert isinstance(networks.decoder, FallbackSession)
    assert networks.matching is not None
    assert networks.matching.exemplars is exemplars


def test_a_loss_while_a_demonstration_is_recorded(
    small_folder: Path, frames: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    losing = LosingSession.load(small_folder)
    networks = alone(losing, small_folder)
    monkeypatch.setattr('afformer_core.runtime.array_grounder.open_networks', lambda *_: networks)
    reasons: list[str] = []
    grounder = ArrayGrounder.load(small_folder, 'torch-cuda', gpu_lost=reasons.append)
    assert grounder.backend == 'torch-cuda'

    def shown() -> Iterator[np.ndarray]:
        yield frames[0]
        losing.error = RuntimeError(LOSS)
        yield frames[1]

    grounder.set_demonstration(shown(), 'press')

    assert grounder.backend == 'onnxruntime'
    assert len(reasons) == 1
    assert grounder.ground(frames[0], 'press').heatmap.sum() == pytest.approx(1, abs=1e-4)


@pytest.mark.parametrize('error', [ImageError('no image'), RuntimeError('a bug'), MemoryError()])
def test_another_error_is_no_loss(
    session: Session,
    losing: LosingSession,
    reasons: list[str],
    frames: np.ndarray,
    error: Exception,
) -> None:
    losing.error = error

    with pytest.raises(type(error)):
        session.encode_frames(frames)

    assert (session.backend, reasons) == ('torch-cuda', [])


def test_where_the_cpu_cannot_take_over_the_next_image_tries_again(
    losing: LosingSession, reasons: list[str], frames: np.ndarray
) -> None:
    def fail() -> Session:
        raise MemoryError('no room')

    session = FallbackSession(losing, fail, reasons.append)
    losing.error = RuntimeError(LOSS)

    for _ in range(2):
        with pytest.raises(MemoryError, match='no room'):
            session.encode_frames(frames)

    assert reasons == []


def test_an_error_on_the_cpu_after_the_loss_is_raised(
    losing: LosingSession, small_folder: Path, reasons: list[str], frames: np.ndarray
) -> None:
    second = LosingSession.load(small_folder)
    second.error = RuntimeError(LOSS)
    session = FallbackSession(losing, lambda: second, reasons.append)
    losing.error = RuntimeError(LOSS)

    with pytest.raises(RuntimeError, match='illegal memory access'):
        session.encode_frames(frames)

    assert len(reasons) == 1


def test_a_session_on_the_cpu_stays_as_it_is(small_folder: Path) -> None:
    session = open_networks(small_folder, 'torch', 1)

    assert with_fallback(session, small_folder, 1, print) is session


# A device-side assertion leaves the process without a GPU, hence one of its own.
_LOSE_A_GPU = """
import sys
import numpy as np, torch
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from afformer_core.runtime.backends import open_networks
from afformer_core.runtime.sessions.fallback_session import with_fallback
folder = Path(sys.argv[1])
session = with_fallback(open_networks(folder, 'torch-cuda', 0), folder, 1, print).decoder
frames = np.random.default_rng(7).integers(0, 256, (2, 64, 96, 3), np.uint8)
memory = session.memorize(session.encode_frames(frames))
on_gpu = session.decode(session.encode_image(frames[0]), memory)
torch.zeros(1, device='cuda')[torch.tensor([1], device='cuda')]
on_cpu = session.decode(session.encode_image(frames[0]), memory)
assert session.backend == 'onnxruntime', session.backend
assert np.abs(on_gpu.action_logits - on_cpu.action_logits).max() < 1e-2
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

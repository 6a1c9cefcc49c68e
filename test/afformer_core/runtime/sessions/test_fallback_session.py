# SPDX-License-Identifier: Apache-2.0
"""A GPU that is lost is left, and nobody but who is told sees it."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from afformer_core.errors import ImageError
from afformer_core.models import afformer_matching, afformer_small
from afformer_core.runtime import ArrayGrounder
from afformer_core.runtime.backends import open_session
from afformer_core.runtime.matching.exemplars import Exemplars
from afformer_core.runtime.matching.joined_features import JoinedFeatures
from afformer_core.runtime.matching.matched_session import MatchedSession
from afformer_core.runtime.matching.weighing import Matching
from afformer_core.runtime.model_folder import MATCHING_FOLDER
from afformer_core.runtime.session import Memory, Output, Session
from afformer_core.runtime.sessions.fallback_session import FallbackSession, with_fallback
from afformer_core.runtime.sessions.torch_session import TorchSession
from afformer_core.runtime.weights import save_model

from ...conftest import ACTIONS, random_model

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

    def ground(self, image: np.ndarray, memory: Memory) -> Output:
        return super().ground(self._checked(image), memory)

    def _checked(self, array: np.ndarray) -> np.ndarray:
        if self.error is not None:
            self.calls_after_the_loss += 1
            raise self.error
        return array


@pytest.fixture
def losing(small_folder: Path) -> LosingSession:
    return LosingSession.load(small_folder)


@pytest.fixture
def reasons() -> list[str]:
    return []


@pytest.fixture
def session(losing: LosingSession, small_folder: Path, reasons: list[str]) -> Session:
    return with_fallback(losing, small_folder, 1, reasons.append)


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
    expected = open_session(small_folder, 'torch', 1).ground(frames[0], memory)
    losing.error = loss

    outputs = [session.ground(frames[0], memory) for _ in range(2)]

    for output in outputs:
        assert np.allclose(output.heatmap_logits, expected.heatmap_logits, atol=1e-3)
        assert np.allclose(output.action_logits, expected.action_logits, atol=1e-3)
    assert session.backend == 'onnxruntime'
    assert reasons == ['CUDA error: an illegal memory access was encountered']
    assert losing.calls_after_the_loss == 1


def test_both_networks_of_a_matched_session_fall_back(
    losing: LosingSession,
    small_folder: Path,
    tmp_path: Path,
    reasons: list[str],
    frames: np.ndarray,
) -> None:
    decoder = replace(afformer_small(ACTIONS, (64, 96)), maximum_frames=32)
    matching = replace(afformer_matching((), (128, 192)), maximum_frames=32)
    folder = tmp_path / 'model'
    shutil.copytree(small_folder, folder)
    save_model(folder / MATCHING_FOLDER, random_model(matching), {})
    beside = LosingSession.load(folder / MATCHING_FOLDER)
    layout = JoinedFeatures(decoder, matching)
    session = with_fallback(
        MatchedSession(losing, beside, layout, Matching(0.3, '')), folder, 1, reasons.append
    )
    large = frames.repeat(2, axis=1).repeat(2, axis=2)
    memory = session.memorize(session.encode_frames(large))
    losing.error = beside.error = RuntimeError(LOSS)

    output = session.ground(large[0], memory)

    assert output.heatmap_logits.shape == (1, 64, 96)
    assert session.backend == 'onnxruntime'
    assert len(reasons) == 2
    assert losing.calls_after_the_loss == beside.calls_after_the_loss == 1


def test_exemplars_outlive_the_gpu(tmp_path: Path) -> None:
    rows = np.ones((1, 432), np.float32)
    exemplars = Exemplars(rows, rows, rows, np.zeros(1, np.int32))
    layout = JoinedFeatures(afformer_small(ACTIONS, (64, 96)), afformer_matching((), (128, 192)))
    on_gpu: Any = SimpleNamespace(backend='torch-cuda')
    matched = MatchedSession(on_gpu, on_gpu, layout, Matching(0.3, ''), exemplars)

    session = with_fallback(matched, tmp_path, 1, print)

    assert isinstance(session, MatchedSession)
    assert isinstance(session.decoder, FallbackSession)
    assert session.exemplars is exemplars


def test_a_loss_while_a_demonstration_is_recorded(
    small_folder: Path, frames: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    losing = LosingSession.load(small_folder)
    monkeypatch.setattr('afformer_core.runtime.array_grounder.open_session', lambda *_: losing)
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
    session = open_session(small_folder, 'torch', 1)

    assert with_fallback(session, small_folder, 1, print) is session


# A device-side assertion leaves the process without a GPU, hence one of its own.
_LOSE_A_GPU = """
import sys
import numpy as np, torch
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from afformer_core.runtime.backends import open_session
from afformer_core.runtime.sessions.fallback_session import with_fallback
folder = Path(sys.argv[1])
session = with_fallback(open_session(folder, 'torch-cuda', 0), folder, 1, print)
frames = np.random.default_rng(7).integers(0, 256, (2, 64, 96, 3), np.uint8)
memory = session.memorize(session.encode_frames(frames))
on_gpu = session.ground(frames[0], memory)
torch.zeros(1, device='cuda')[torch.tensor([1], device='cuda')]
on_cpu = session.ground(frames[0], memory)
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

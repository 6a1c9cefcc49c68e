# SPDX-License-Identifier: Apache-2.0
"""Contexts of engines and their memory, on a double."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip('tensorrt_rtx_bindings', reason='TensorRT for RTX is not installed')

from cuda_double import Device
from cuda_double import tensorrt as doubles
from cuda_double.tensorrt import TensorRT, tensorrt_double
from opened_sessions import ground, tensorrt_session

from afformer_core.errors import EngineError
from afformer_core.runtime.session import Memory, Session
from afformer_core.runtime.tensorrt.engine import TensorRTEngine

SIZE = 64, 96


@pytest.fixture
def plain(device: Device) -> Iterator[TensorRT]:
    with tensorrt_double(TensorRT(device, is_rtx=False)) as double:
        yield double


def noise(seed: int, *shape: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, shape, np.uint8)


def memory_of(session: Session, length: int) -> Memory:
    return session.memorize(session.encode_frames(noise(length, length, *SIZE, 3)))


@pytest.mark.parametrize('is_rtx', [False, True])
def test_each_captured_graph_has_a_context_of_its_own(
    small_folder: Path, device: Device, is_rtx: bool
) -> None:
    with tensorrt_double(TensorRT(device, is_rtx)) as double:
        session = tensorrt_session(small_folder)
        assert double.contexts == 3

        for length in (2, 3, 2, 3):
            ground(session, noise(0, *SIZE, 3), memory_of(session, length))

    # A context that was changed after its capture fails in the double.
    # One graph encodes images, and one decodes for each length.
    assert (device.captures, double.contexts) == (3, 5)
    # All of them work in the same memory, and what they run was compiled for its shapes.
    assert len(double.work) == 1
    assert double.fallbacks == 0


@pytest.mark.usefixtures('plain')
def test_a_memory_of_a_shape_that_was_not_compiled(small_folder: Path) -> None:
    session = tensorrt_session(small_folder)
    memory = memory_of(session, 2)
    half = Memory(
        tuple(one[:, : one.shape[1] // 4] for one in memory.keys),
        tuple(one[:, : one.shape[1] // 4] for one in memory.values),
    )

    with pytest.raises(
        EngineError, match=r'the shape of keys_0 is .* engine of decode was not compiled'
    ):
        ground(session, noise(0, *SIZE, 3), half)


@pytest.mark.usefixtures('plain')
def test_no_room_for_a_context(small_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doubles.Engine, 'create_execution_context', lambda self, how: None)

    with pytest.raises(
        EngineError, match='too little free memory for the engine of encode_frames'
    ):
        tensorrt_session(small_folder)


@pytest.mark.usefixtures('plain')
def test_an_engine_for_another_gpu() -> None:
    with pytest.raises(EngineError, match='cannot load the engine of decode'):
        TensorRTEngine('decode', b'for another')

# SPDX-License-Identifier: Apache-2.0
"""Contexts of engines, their memory and the kernels they keep, on a double."""

import resource
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip('tensorrt_rtx_bindings', reason='TensorRT for RTX is not installed')

from cuda_double import Device
from cuda_double import tensorrt as doubles
from cuda_double.tensorrt import TensorRT, serialized_engine, tensorrt_double
from opened_sessions import ground, tensorrt_session

from afformer_core.errors import EngineError
from afformer_core.runtime.graphs import read_graphs
from afformer_core.runtime.model_folder import DECODER_GRAPHS, read_description
from afformer_core.runtime.session import Memory, Session
from afformer_core.runtime.sessions.graph_shapes import shape_ranges
from afformer_core.runtime.sessions.torch_session import TorchSession
from afformer_core.runtime.tensorrt import runtime_cache
from afformer_core.runtime.tensorrt.engine import TensorRTEngine
from afformer_core.runtime.tensorrt.runtime_cache import RuntimeCacheFile
from afformer_core.runtime.tensorrt.session import TensorRTSession

SIZE = 64, 96


@pytest.fixture
def plain(device: Device) -> Iterator[TensorRT]:
    with tensorrt_double(TensorRT(device, is_rtx=False)) as double:
        yield double


@pytest.fixture
def rtx(device: Device) -> Iterator[TensorRT]:
    with tensorrt_double(TensorRT(device, is_rtx=True)) as double:
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


@pytest.mark.parametrize('is_rtx', [False, True])
def test_all_contexts_work_in_the_same_memory(
    small_folder: Path, device: Device, is_rtx: bool
) -> None:
    with tensorrt_double(TensorRT(device, is_rtx)) as double:
        session = tensorrt_session(small_folder)
        ground(session, noise(0, *SIZE, 3), memory_of(session, 2))

    assert double.contexts == 4
    assert len(double.work) == 1


def test_what_cannot_be_captured_is_enqueued(
    small_folder: Path, device: Device, rtx: TensorRT
) -> None:
    rtx.is_capturable = False
    session, exact = tensorrt_session(small_folder), TorchSession.load(small_folder)
    memories = [memory_of(session, length) for length in (2, 3)]

    for seed in range(2):
        for memory in memories:
            image = noise(seed, *SIZE, 3)
            found, expected = ground(session, image, memory), ground(exact, image, memory)
            np.testing.assert_allclose(found.heatmap_logits, expected.heatmap_logits, atol=1e-3)

    assert (device.captures, rtx.contexts) == (0, 5)


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
def test_an_address_that_is_not_taken(small_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    session = tensorrt_session(small_folder)
    monkeypatch.setattr(
        doubles.Context, 'set_tensor_address', lambda self, name, memory: name != 'features'
    )

    with pytest.raises(
        EngineError, match=r'the address of features is .* encode_frames does not accept'
    ):
        session.encode_frames(noise(0, 1, *SIZE, 3))


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


class Kept:
    """Sessions that keep their kernels in a folder."""

    def __init__(self, model: Path, folder: Path, trt: TensorRT) -> None:
        self._model = model
        self._folder = folder
        self._trt = trt
        self.lines: list[str] = []

    def session(self) -> Session:
        """A new one."""
        graphs = read_graphs(self._model)
        description = read_description(self._model)
        ranges = shape_ranges(description)
        engines = {}
        for name in DECODER_GRAPHS:
            serialized = serialized_engine(graphs.path(name), ranges[name])
            position = self._folder / f'{name}.engine'
            kernels = RuntimeCacheFile.beside(position, serialized, self.lines.append)
            engines[name] = TensorRTEngine(name, serialized, kernels)
        return TensorRTSession(engines, description.configuration)

    def compilations(self) -> int:
        """How many kernels a new session compiles to encode, memorize and ground."""
        session = self.session()
        before = self._trt.compilations
        ground(session, noise(0, *SIZE, 3), memory_of(session, 2))
        return self._trt.compilations - before


@pytest.fixture
def kept(small_folder: Path, tmp_path: Path, rtx: TensorRT) -> Kept:
    return Kept(small_folder, tmp_path, rtx)


def test_kernels_are_compiled_for_the_shapes_before_anything_runs(
    kept: Kept, rtx: TensorRT
) -> None:
    assert kept.compilations() == 3
    assert rtx.fallbacks == 0


def test_kernels_outlive_the_process(kept: Kept) -> None:
    assert [kept.compilations(), kept.compilations()] == [3, 0]
    assert kept.lines == []


def test_kernels_are_written_once_for_each_shape(
    kept: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[str] = []
    monkeypatch.setattr(
        RuntimeCacheFile, 'write', lambda self, kernels: written.append(self.path.stem)
    )
    session = kept.session()

    for length in (2, 2, 3):
        ground(session, noise(0, *SIZE, 3), memory_of(session, length))

    # Images have one shape, which is announced when the session is created.
    assert written == [*DECODER_GRAPHS, 'encode_frames', 'memorize', 'decode']


def test_damaged_kernels_are_compiled_again(kept: Kept, tmp_path: Path) -> None:
    kept.compilations()
    path = tmp_path / 'decode.kernels'
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)

    assert kept.compilations() == 1
    assert kept.lines == [
        f'{path} is not used, because it is damaged, or from another engine, library or driver; '
        'its kernels are compiled again'
    ]
    assert kept.compilations() == 0


def test_kernels_that_another_user_may_have_written_are_not_run(
    kept: Kept, tmp_path: Path
) -> None:
    kept.compilations()
    (tmp_path / 'decode.kernels').chmod(0o666)

    assert kept.compilations() == 1
    assert 'is 0666; expected no write access' in kept.lines[0]


def test_kernels_that_the_library_refuses(kept: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    kept.compilations()
    monkeypatch.setattr(doubles.RuntimeCache, 'deserialize', lambda self, blob: False)

    assert kept.compilations() == 3
    assert 'TensorRT-RTX does not accept it here' in kept.lines[0]


def test_kernels_of_another_driver(
    kept: Kept, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    driver = tmp_path / 'version'
    driver.write_text('580.65.06')
    monkeypatch.setattr(runtime_cache, '_DRIVER', driver)
    kept.compilations()
    driver.write_text('590.10')

    assert kept.compilations() == 3
    assert len(kept.lines) == len(DECODER_GRAPHS)


def test_kernels_that_cannot_be_kept(kept: Kept) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10, hard))
    try:
        assert kept.compilations() == 3
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))

    assert 'cannot be written: File too large; kernels are not saved' in kept.lines[0]

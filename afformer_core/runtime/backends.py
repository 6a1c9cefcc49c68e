# SPDX-License-Identifier: Apache-2.0
"""Inference backends by name, and their sessions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from afformer_core.errors import ModelFolderError
from afformer_core.runtime.demonstration import EncodedFrames
from afformer_core.runtime.graphs import GRAPHS_FILE
from afformer_core.runtime.matching.exemplar_file import read_exemplars
from afformer_core.runtime.matching.matching import Matching
from afformer_core.runtime.model_folder import MATCHING_FOLDER, read_description, read_matching
from afformer_core.runtime.networks import Networks
from afformer_core.runtime.session import MatchingSession, Session
from afformer_core.runtime.sessions.backend_choice import (
    Candidate,
    candidates,
    choice_key,
    fastest_backend,
)

BACKENDS = (
    'auto',
    'torch',
    'onnxruntime',
    'openvino',
    'torch-cuda',
    'onnxruntime-cuda',
    'onnxruntime-tensorrt',
    'tensorrt',
)
GPU_BACKENDS = ('torch-cuda', 'onnxruntime-cuda', 'onnxruntime-tensorrt', 'tensorrt')
GRAPH_BACKENDS = ('onnxruntime', 'openvino', *GPU_BACKENDS[1:])
"""Backends that run exported graphs."""
PRECISIONS = ('auto', 'fp32', 'fp16', 'bf16')
"""Precisions, after 'auto' the finest first."""
# The graphs were tested in ONNX Runtime at their export, and come from PyTorch.
_TESTED = (*GPU_BACKENDS, 'openvino')


def open_networks(
    folder: Path,
    backend: str,
    threads: int,
    precision: str = 'auto',
    report: Callable[[str], None] = lambda line: None,
) -> Networks:
    """Open a model folder for inference.

    Args:
        folder: model folder with a valid description.
        backend: one of `BACKENDS`; 'auto' is the fastest of the installed libraries that run the
            model's graphs on this machine (see `backend_choice`), or 'torch' if none were
            exported.
        threads: number of threads; 0: chosen by the backend.
        precision: one of `PRECISIONS`; 'auto' is fp16 for backend 'tensorrt' (see
            `compile_model`), fp32 or bf16 for backend 'auto', whichever is faster (see
            `candidates`), and fp32 for others.
        report: called with a line of text before each long step. With TensorRT, missing graphs are
            exported, and graphs without an engine in the cache are compiled.

    Raises:
        ModelFolderError: the folder does not contain a valid model for this backend and precision.
        EngineError: TensorRT cannot compile or run the model here.
        SelfTestError: the GPU does not reproduce the golden outputs.
        ValueError: the backend or precision is unknown, or the number of threads negative.
    """
    chosen, to_test = _choose(folder, backend, threads, precision, report)
    networks, precisions = _open_all(folder, chosen, threads, report)
    if to_test:
        _test(networks, folder, precisions, report)
    return networks


def open_decoder(
    folder: Path,
    backend: str,
    threads: int,
    precision: str = 'auto',
    report: Callable[[str], None] = lambda line: None,
) -> Networks:
    """Open the decoder's network of a model folder, without its matching network.

    See `open_networks` for arguments and errors.
    """
    chosen, to_test = _choose(folder, backend, threads, precision, report)
    session, own = _open_network(folder, chosen, threads, report)
    networks = Networks(read_description(folder).configuration, session)
    if to_test:
        _test(networks, folder, [own], report)
    return networks


def open_matching(
    folder: Path,
    backend: str,
    threads: int,
    precision: str = 'auto',
    report: Callable[[str], None] = lambda line: None,
) -> MatchingSession:
    """Open the folder of a matching network alone; see `open_networks`."""
    _check(backend, threads, precision)
    return _open_matching_network(folder, Candidate(backend, precision), threads, report)[0]


def cpu_backend(folder: Path) -> str:
    """Return the backend that runs a model on any CPU."""
    return 'onnxruntime' if (folder / GRAPHS_FILE).is_file() else 'torch'


def _choose(
    folder: Path, backend: str, threads: int, precision: str, report: Callable[[str], None]
) -> tuple[Candidate, bool]:
    """Return the backend itself, or what 'auto' is here, and whether to test its networks."""
    _check(backend, threads, precision)
    if backend != 'auto':
        return Candidate(backend, precision), backend in _TESTED
    among = candidates(folder, precision)
    if len(among) == 1:
        return among[0], among[0].backend in _TESTED
    key = choice_key(folder, precision, threads)
    chosen = fastest_backend(among, key, partial(_prepare, folder, threads, report), report)
    # Its measurement tested it, and a CPU computes the same every time.
    return chosen, chosen.backend in GPU_BACKENDS


def _prepare(
    folder: Path, threads: int, report: Callable[[str], None], candidate: Candidate
) -> Callable[[], object]:
    """Test a backend, and return a function that grounds an image in a demonstration with it."""
    from afformer_core.runtime.golden.golden_outputs import golden_outputs

    networks, precisions = _open_all(folder, candidate, threads, report)
    if candidate.backend in _TESTED:
        _test(networks, folder, precisions, lambda line: None)
    golden = golden_outputs(folder, precisions[0], networks.matching is not None)
    encoded = EncodedFrames(golden.frames, networks.encode_frames(golden.frames))
    memory = networks.memorize(encoded, networks.encode_image(golden.frames[0]))
    return lambda: networks.ground(networks.encode_image(golden.image), memory)


def _open_all(
    folder: Path, chosen: Candidate, threads: int, report: Callable[[str], None]
) -> tuple[Networks, list[str]]:
    """Open all networks of a model, and return their precisions, the folder's own first."""
    decoder, own = _open_network(folder, chosen, threads, report)
    description = read_description(folder)
    networks = Networks(description.configuration, decoder)
    matching = read_matching(folder, description)
    if matching is None or description.matching is None:
        return networks, [own]
    session, its_own = _open_matching_network(folder / MATCHING_FOLDER, chosen, threads, report)
    exemplars = read_exemplars(folder, description)
    whole = Matching(session, matching.configuration, description.matching, exemplars)
    return replace(networks, matching=whole), [own, its_own]


def _test(
    networks: Networks, folder: Path, precisions: Sequence[str], report: Callable[[str], None]
) -> None:
    """Test networks against the golden outputs.

    Args:
        networks: networks of the model.
        folder: the model folder.
        precisions: precisions of its networks, that of the folder's own first.
        report: called with a line of the differences.

    Raises:
        SelfTestError: the outputs differ too much from the golden outputs.
    """
    from afformer_core.runtime.golden.differences import GPU_TOLERANCES, TOLERANCES
    from afformer_core.runtime.golden.golden_outputs import golden_outputs
    from afformer_core.runtime.self_test import self_test

    golden = golden_outputs(folder, precisions[0], networks.matching is not None)
    tolerances = GPU_TOLERANCES if networks.backend in GPU_BACKENDS else TOLERANCES
    allowed = tolerances[max(precisions, key=PRECISIONS.index)]
    differences = self_test(networks, golden, allowed, read_description(folder))
    report(f'{networks.backend} and the golden outputs: {differences}')


def _open_network(
    folder: Path, chosen: Candidate, threads: int, report: Callable[[str], None]
) -> tuple[Session, str]:
    """Open the network of a folder, and return its precision."""
    backend, precision = _resolved(folder, chosen)
    try:
        if backend == 'tensorrt':
            from afformer_core.runtime.tensorrt.session import TensorRTSession

            engines = TensorRTSession.load(folder, precision, report)
            return engines, engines.precision
        if backend in GRAPH_BACKENDS:
            from afformer_core.runtime.sessions.onnx_session import OnnxSession

            return OnnxSession.load(folder, threads, precision, backend), precision
        from afformer_core.runtime.sessions.torch_session import CudaSession, TorchSession

        session_class = CudaSession if backend == 'torch-cuda' else TorchSession
        return session_class.load(folder, threads, precision), precision
    except ImportError as error:
        raise _unusable(backend, error) from error


def _open_matching_network(
    folder: Path, chosen: Candidate, threads: int, report: Callable[[str], None]
) -> tuple[MatchingSession, str]:
    """Open the matching network of a folder, and return the precision that it has."""
    backend, precision = _resolved(folder, chosen)
    try:
        if backend == 'tensorrt':
            from afformer_core.runtime.tensorrt.session import TensorRTMatchingSession

            engines = TensorRTMatchingSession.load(folder, precision, report)
            return engines, engines.precision
        if backend in GRAPH_BACKENDS:
            from afformer_core.runtime.sessions.onnx_session import OnnxMatchingSession

            return OnnxMatchingSession.load(folder, threads, precision, backend), precision
        from afformer_core.runtime.sessions.torch_session import (
            CudaMatchingSession,
            TorchMatchingSession,
        )

        session_class = CudaMatchingSession if backend == 'torch-cuda' else TorchMatchingSession
        return session_class.load(folder, threads, precision), precision
    except ImportError as error:
        raise _unusable(backend, error) from error


def _resolved(folder: Path, chosen: Candidate) -> Candidate:
    """Replace 'auto' in the settings of a network."""
    backend, precision = chosen
    if backend == 'auto':
        backend = cpu_backend(folder)
    if precision == 'auto' and backend != 'tensorrt':
        precision = 'fp32'
    return Candidate(backend, precision)


def _check(backend: str, threads: int, precision: str) -> None:
    if backend not in BACKENDS or precision not in PRECISIONS or threads < 0:
        raise ValueError(
            f'backend is {backend!r}, precision is {precision!r} and threads is {threads}; '
            f'expected a backend of {BACKENDS}, a precision of {PRECISIONS} and at least 0 threads'
        )


def _unusable(backend: str, error: ImportError) -> ModelFolderError:
    return ModelFolderError(
        f'backend {backend!r} cannot be used: {error}. Install it or choose another backend'
    )

# SPDX-License-Identifier: Apache-2.0
"""Inference backends by name, and their sessions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from afformer_core.errors import ModelFolderError
from afformer_core.runtime.graphs import GRAPHS_FILE, network_precisions, read_graphs
from afformer_core.runtime.matching.exemplar_file import read_exemplars
from afformer_core.runtime.matching.matching import Matching
from afformer_core.runtime.model_folder import read_description, read_matching
from afformer_core.runtime.networks import Networks
from afformer_core.runtime.session import MatchingSession, Session

BACKENDS = ('auto', 'torch', 'onnxruntime', 'torch-cuda', 'tensorrt')
GPU_BACKENDS = ('torch-cuda', 'tensorrt')
PRECISIONS = ('auto', 'fp32', 'fp16', 'bf16', 'int8')
_FINEST_FIRST = ('fp32', 'fp16', 'int8', 'bf16')


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
        backend: one of `BACKENDS`: PyTorch or ONNX Runtime on the CPU, PyTorch or TensorRT on an
            NVIDIA GPU; 'auto' takes ONNX Runtime where graphs were exported, else 'torch'.
        threads: number of threads; 0: chosen by the backend.
        precision: one of `PRECISIONS`; 'auto' is fp32, except for TensorRT, where it is fp16 (see
            `compile_model`). 'int8' is never chosen by 'auto', and PyTorch does not run it.
        report: called with a line of text before each long step. With TensorRT, missing graphs are
            exported, and graphs without an engine in the cache are compiled.

    Raises:
        ModelFolderError: the folder does not contain a valid model for this backend and precision.
        EngineError: TensorRT cannot compile or run the model here.
        SelfTestError: the GPU does not reproduce the golden outputs.
        ValueError: the backend or precision is unknown, or the number of threads negative.
    """
    _, *beside = network_precisions(folder, precision)
    decoder, own = _open_network(folder, backend, threads, precision, report)
    description = read_description(folder)
    networks = Networks(description.configuration, decoder)
    precisions = [own]
    matching = read_matching(folder, description)
    if matching is not None and description.matching is not None:
        ((path, exact),) = beside
        session, its_own = _open_matching_network(path, backend, threads, exact, report)
        precisions.append(its_own)
        exemplars = read_exemplars(folder, description)
        whole = Matching(session, matching.configuration, description.matching, exemplars)
        networks = replace(networks, matching=whole)
    if backend in GPU_BACKENDS:
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
    session, own = _open_network(folder, backend, threads, precision, report)
    networks = Networks(read_description(folder).configuration, session)
    if backend in GPU_BACKENDS:
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
    return _open_matching_network(folder, backend, threads, precision, report)[0]


def _test(
    networks: Networks, folder: Path, precisions: Sequence[str], report: Callable[[str], None]
) -> None:
    """Test networks on a GPU against the golden outputs.

    Args:
        networks: networks of the model.
        folder: the model folder.
        precisions: precisions of its networks, that of the folder's own first.
        report: called with a line of the differences.

    Raises:
        SelfTestError: the outputs differ too much from the golden outputs.
    """
    from afformer_core.runtime.golden.differences import GPU_TOLERANCES
    from afformer_core.runtime.golden.golden_outputs import golden_outputs
    from afformer_core.runtime.self_test import self_test

    golden = golden_outputs(folder, precisions[0], networks.matching is not None)
    allowed = GPU_TOLERANCES[max(precisions, key=_FINEST_FIRST.index)]
    differences = self_test(networks, golden, allowed, read_description(folder))
    report(f'{networks.backend} and the golden outputs: {differences}')


def _open_network(
    folder: Path,
    backend: str,
    threads: int,
    precision: str,
    report: Callable[[str], None],
) -> tuple[Session, str]:
    """Open the network of a folder, and return its precision."""
    backend, precision = _resolved(folder, backend, threads, precision, report)
    try:
        if backend == 'tensorrt':
            from afformer_core.runtime.tensorrt.session import TensorRTSession

            engines = TensorRTSession.load(folder, precision, report)
            return engines, engines.precision
        if backend == 'onnxruntime':
            from afformer_core.runtime.sessions.onnx_session import OnnxSession

            return OnnxSession.load(folder, threads, precision), precision
        from afformer_core.runtime.sessions.torch_session import CudaSession, TorchSession

        session_class = CudaSession if backend == 'torch-cuda' else TorchSession
        return session_class.load(folder, threads, precision), precision
    except ImportError as error:
        raise _unusable(backend, error) from error


def _open_matching_network(
    folder: Path,
    backend: str,
    threads: int,
    precision: str,
    report: Callable[[str], None],
) -> tuple[MatchingSession, str]:
    """Open the matching network of a folder, and return the precision that it has."""
    backend, precision = _resolved(folder, backend, threads, precision, report)
    try:
        if backend == 'onnxruntime':
            from afformer_core.runtime.sessions.onnx_session import OnnxMatchingSession

            return OnnxMatchingSession.load(folder, threads, precision), precision
        if backend == 'tensorrt':
            from afformer_core.runtime.tensorrt.session import TensorRTMatchingSession

            engines = TensorRTMatchingSession.load(folder, precision, report)
            return engines, engines.precision
        from afformer_core.runtime.sessions.torch_session import (
            CudaMatchingSession,
            TorchMatchingSession,
        )

        session_class = CudaMatchingSession if backend == 'torch-cuda' else TorchMatchingSession
        return session_class.load(folder, threads, precision), precision
    except ImportError as error:
        raise _unusable(backend, error) from error


def _resolved(
    folder: Path, backend: str, threads: int, precision: str, report: Callable[[str], None]
) -> tuple[str, str]:
    """Check the settings of a network, and replace 'auto' in backend and precision."""
    if backend not in BACKENDS or precision not in PRECISIONS or threads < 0:
        raise ValueError(
            f'backend is {backend!r}, precision is {precision!r} and threads is {threads}; '
            f'expected a backend of {BACKENDS}, a precision of {PRECISIONS} and at least 0 threads'
        )
    if backend == 'auto':
        backend = 'onnxruntime' if (folder / GRAPHS_FILE).is_file() else 'torch'
    if precision == 'auto' and backend != 'tensorrt':
        precision = 'fp32'
    if backend in ('torch', 'torch-cuda') and precision == 'int8':
        raise ValueError(
            f"precision is 'int8' and backend {backend!r} does not run quantized graphs. Choose "
            'onnxruntime or tensorrt'
        )
    if precision == 'int8':
        graphs = read_graphs(folder, precision)
        loss = graphs.loss
        cost = 'its loss of accuracy was not measured'
        if loss:
            cost = (
                f'KLD {loss["kld"]:.3f} instead of {loss["exact_kld"]:.3f} on {loss["pairs"]} '
                'pairs at its export'
            )
        report(f'int8: {cost}')
        if backend == 'onnxruntime' and graphs.speed:
            report(f'int8: {graphs.speed}')
    return backend, precision


def _unusable(backend: str, error: ImportError) -> ModelFolderError:
    return ModelFolderError(
        f'backend {backend!r} cannot be used: {error}. Install it or choose another backend'
    )

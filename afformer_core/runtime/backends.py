# SPDX-License-Identifier: Apache-2.0
"""Inference backends by name, those that 'auto' tries on this machine, and their sessions."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from afformer_core.errors import AfformerError, ModelFolderError
from afformer_core.runtime.graphs import GRAPHS_FILE, precision_of_graphs, read_graphs
from afformer_core.runtime.matching.matching import Matching
from afformer_core.runtime.model_folder import (
    MATCHING_FOLDER,
    MatchingDescription,
    read_description,
    read_exemplars,
    read_matching,
    read_network,
)
from afformer_core.runtime.networks import Networks


class Candidate(NamedTuple):
    """A backend that may be chosen, and the precision in which it computes."""

    backend: str
    precision: str

    def __str__(self) -> str:
        return f'{self.backend} in {self.precision}'


def candidates(folder: Path, precision: str) -> tuple[Candidate, ...]:
    """List the candidates of 'auto', the one to try first at the front.

    These are the installed libraries that run exported graphs without compiling for minutes, or
    PyTorch on the CPU if no graphs were exported. ONNX Runtime does not compute in bf16 on a CPU,
    and OpenVINO is faster than it in bf16 only.

    Args:
        folder: the model folder.
        precision: precision of the model; 'auto' is fp32, or bf16 on a CPU that computes in it.
    """
    exact = 'fp32' if precision == 'auto' else precision
    if not (folder / GRAPHS_FILE).is_file():
        return (Candidate('torch', exact),)
    if precision == 'bf16':
        return (Candidate('openvino' if is_installed('openvino') else 'torch', 'bf16'),)
    found = [Candidate('onnxruntime', exact)]
    if precision == 'auto' and is_installed('openvino') and _computes_in_bf16():
        found.insert(0, Candidate('openvino', 'bf16'))
    if is_installed('onnxruntime-cuda'):
        found.insert(0, Candidate('onnxruntime-cuda', exact))
    return tuple(found)


def _computes_in_bf16() -> bool:
    from afformer_core.runtime.sessions import openvino_graphs

    return 'BF16' in openvino_graphs.capabilities()


def is_installed(backend: str) -> bool:
    """Check whether the package of 'openvino' or of a provider of ONNX Runtime is installed."""
    if backend == 'openvino':
        return importlib.util.find_spec('openvino') is not None
    from afformer_core.runtime.sessions import onnx_session

    return onnx_session.has_provider(backend)


GPU_BACKENDS = ('torch-cuda', 'onnxruntime-cuda', 'tensorrt')
BACKENDS = ('auto', 'torch', 'onnxruntime', 'openvino', *GPU_BACKENDS)
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
    with_matching: bool = True,
) -> Networks:
    """Open a model folder for inference.

    Args:
        folder: model folder with a valid description.
        backend: one of `BACKENDS`; 'auto' is the first of `candidates` that can be used here.
        threads: number of threads; 0: chosen by the backend.
        precision: one of `PRECISIONS`; 'auto' is fp16 for backend 'tensorrt' (see
            `compile_model`), fp32 or bf16 for backend 'auto' (see `candidates`), and fp32 for
            others.
        report: called with a line of text before each long step. With TensorRT, missing graphs are
            exported, and graphs without an engine in the cache are compiled.
        with_matching: whether to open the matching network, if the model has one.

    Raises:
        ModelFolderError: the folder does not contain a valid model for this backend and precision.
        EngineError: TensorRT cannot compile or run the model here.
        SelfTestError: the GPU does not reproduce the golden outputs.
        ValueError: the backend or precision is unknown, or the number of threads negative.
    """
    _check(backend, threads, precision)
    if backend != 'auto':
        return _open_tested(folder, Candidate(backend, precision), threads, report, with_matching)
    *others, last = candidates(folder, precision)
    for candidate in others:
        try:
            networks = _open_tested(folder, candidate, threads, report, with_matching)
        except (AfformerError, OSError, RuntimeError, ValueError) as error:
            # Errors of the libraries go on with lines about their source code.
            reason = next(iter(str(error).splitlines()), type(error).__name__)
            report(f'backend auto is not {candidate}: {reason}')
        else:
            report(f'backend auto is {candidate}')
            return networks
    return _open_tested(folder, last, threads, report, with_matching)


def open_on_cpu(folder: Path, threads: int) -> Networks:
    """Open a model folder in fp32 for any CPU: the graphs of each network, or else PyTorch."""
    return _open_tested(folder, Candidate('auto', 'fp32'), threads, lambda line: None, True)


def _open_tested(
    folder: Path,
    chosen: Candidate,
    threads: int,
    report: Callable[[str], None],
    with_matching: bool,
) -> Networks:
    """Open the networks of a model, and test them if that is necessary."""
    decoder, own = _open_network(folder, chosen, threads, report)
    precisions = [own]
    description = read_description(folder)
    networks = Networks(description.configuration, decoder)
    matching = read_matching(folder, description) if with_matching else None
    if matching is not None and description.matching is not None:
        session, its_own = _open_network(folder / MATCHING_FOLDER, chosen, threads, report)
        exemplars = read_exemplars(folder, description)
        whole = Matching(session, matching.configuration, description.matching, exemplars)
        networks = replace(networks, matching=whole)
        precisions.append(its_own)
    if chosen.backend in _TESTED:
        _test(networks, folder, precisions, report)
    return networks


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
    from afformer_core.runtime.golden_outputs import golden_outputs
    from afformer_core.runtime.self_test import GPU_TOLERANCES, TOLERANCES, self_test

    golden = golden_outputs(folder, precisions[0], networks.matching is not None)
    tolerances = GPU_TOLERANCES if networks.backend in GPU_BACKENDS else TOLERANCES
    allowed = tolerances[max(precisions, key=PRECISIONS.index)]
    differences = self_test(networks, golden, allowed, read_description(folder))
    report(f'{networks.backend} and the golden outputs: {differences}')


def _open_network(
    folder: Path, chosen: Candidate, threads: int, report: Callable[[str], None]
) -> tuple[Any, str]:
    """Open the network of a model or the matching network of a folder, and return its precision.

    'auto' is replaced in the settings.
    """
    backend, precision = chosen
    if backend == 'auto':
        backend = 'onnxruntime' if (folder / GRAPHS_FILE).is_file() else 'torch'
    is_matching = isinstance(read_network(folder), MatchingDescription)
    try:
        if backend == 'tensorrt':
            from afformer_core.runtime.tensorrt.session import open_engines

            return open_engines(folder, precision, report)
        if precision == 'auto':
            precision = 'fp32'
        if backend in GRAPH_BACKENDS:
            from afformer_core.runtime.sessions.onnx_session import (
                OnnxMatchingSession,
                OnnxSession,
            )

            of_graphs = OnnxMatchingSession if is_matching else OnnxSession
            graphs = read_graphs(folder, precision_of_graphs(backend, precision))
            return of_graphs(graphs, threads, backend, precision), precision
        from afformer_core.runtime.sessions.torch_session import TorchMatchingSession, TorchSession

        of_torch = TorchMatchingSession if is_matching else TorchSession
        device = 'cuda' if backend == 'torch-cuda' else 'cpu'
        return of_torch.load(folder, threads, precision, device), precision
    except ImportError as error:
        raise ModelFolderError(
            f'backend {backend!r} cannot be used: {error}. Install it or choose another backend'
        ) from error


def _check(backend: str, threads: int, precision: str) -> None:
    if backend not in BACKENDS or precision not in PRECISIONS or threads < 0:
        raise ValueError(
            f'backend is {backend!r}, precision is {precision!r} and threads is {threads}; '
            f'expected a backend of {BACKENDS}, a precision of {PRECISIONS} and at least 0 threads'
        )

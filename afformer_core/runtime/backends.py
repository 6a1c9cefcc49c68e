# SPDX-License-Identifier: Apache-2.0
"""Backends by name, and the sessions that they open."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from afformer_core.errors import ModelFolderError
from afformer_core.runtime.graphs import GRAPHS_FILE, read_graphs
from afformer_core.runtime.matching.matched_session import MatchedSession
from afformer_core.runtime.model_folder import MATCHING_FOLDER, joined_features, read_description
from afformer_core.runtime.session import Session

BACKENDS = ('auto', 'torch', 'onnxruntime', 'cuda', 'tensorrt')
GPU_BACKENDS = ('cuda', 'tensorrt')
PRECISIONS = ('auto', 'fp32', 'fp16', 'bf16', 'int8')


def open_session(
    folder: Path,
    backend: str,
    threads: int,
    precision: str = 'auto',
    report: Callable[[str], None] = lambda line: None,
) -> Session:
    """Open a model folder for inference.

    Args:
        folder: model folder with a valid description.
        backend: one of `BACKENDS`: PyTorch or ONNX Runtime on the CPU, PyTorch or TensorRT on an
            NVIDIA GPU; 'auto' takes ONNX Runtime where graphs were exported, else 'torch'.
        threads: number of threads to compute with; 0 lets the backend choose.
        precision: one of `PRECISIONS`; 'auto' is fp32, except for TensorRT, where it is fp16 (see
            `compile_model`). 'int8' is never chosen by 'auto', and PyTorch does not run it.
        report: called with a line of text before anything that takes long. With TensorRT, missing
            graphs are exported, and compiled if the cache has no engine of them.

    Raises:
        ModelFolderError: the folder does not hold a valid model for this backend and precision.
        EngineError: TensorRT cannot compile or run the model here.
        ValueError: the backend or precision is unknown, or the number of threads negative.
    """
    decoder = open_decoder(folder, backend, threads, precision, report)
    description = read_description(folder)
    features = joined_features(folder, description)
    if features is None or description.matching is None:
        return decoder
    # Small differences of its features do not bear quantization.
    exact = 'auto' if precision == 'int8' else precision
    matching = open_decoder(folder / MATCHING_FOLDER, backend, threads, exact, report)
    return MatchedSession(decoder, matching, features, description.matching)


def open_decoder(
    folder: Path,
    backend: str,
    threads: int,
    precision: str = 'auto',
    report: Callable[[str], None] = lambda line: None,
) -> Session:
    """Open the network of a model folder alone, without the matching network beside it.

    See `open_session` for arguments and errors.
    """
    if backend not in BACKENDS or precision not in PRECISIONS or threads < 0:
        raise ValueError(
            f'backend is {backend!r}, precision is {precision!r} and threads is {threads}; '
            f'expected a backend of {BACKENDS}, a precision of {PRECISIONS} and at least 0 threads'
        )
    if backend == 'auto':
        backend = 'onnxruntime' if (folder / GRAPHS_FILE).is_file() else 'torch'
    if precision == 'auto' and backend != 'tensorrt':
        precision = 'fp32'
    if backend in ('torch', 'cuda') and precision == 'int8':
        raise ValueError(
            f"precision is 'int8' and backend {backend!r} does not run quantized graphs. Choose "
            'onnxruntime or tensorrt'
        )
    if precision == 'int8':
        loss = read_graphs(folder, precision).loss
        cost = 'its loss of accuracy was not measured'
        if loss:
            cost = (
                f'KLD {loss["kld"]:.3f} instead of {loss["exact_kld"]:.3f} on {loss["pairs"]} '
                'pairs at its export'
            )
        report(f'int8: {cost}')
    try:
        if backend == 'tensorrt':
            from afformer_core.runtime.tensorrt.session import TensorRTSession

            return TensorRTSession.load(folder, precision, report)
        if backend == 'onnxruntime':
            from afformer_core.runtime.sessions.onnx_session import OnnxSession

            return OnnxSession.load(folder, threads, precision)
        if backend == 'cuda':
            from afformer_core.runtime.sessions.cuda_session import CudaSession

            return CudaSession.load(folder, precision)
        from afformer_core.runtime.sessions.torch_session import TorchSession

        return TorchSession.load(folder, threads, precision)
    except ImportError as error:
        raise ModelFolderError(
            f'backend {backend!r} cannot be used: {error}. Install it or choose another backend'
        ) from error

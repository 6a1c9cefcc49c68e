# SPDX-License-Identifier: Apache-2.0
"""Backends by name, and the sessions that they open."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from afformer_core.errors import ModelFolderError
from afformer_core.runtime.graphs import GRAPHS_FILE, read_graphs
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
    """A model folder, ready to run.

    Args:
        folder: with a sound description.
        backend: one of `BACKENDS`: PyTorch or ONNX Runtime on the CPU, PyTorch or TensorRT on an
            NVIDIA GPU; 'auto' takes ONNX Runtime where graphs were exported, else 'torch'.
        threads: threads to compute with; 0 lets the backend choose.
        precision: one of `PRECISIONS`; 'auto' is fp32, but by TensorRT fp16, see `compile_model`.
            'int8' is never chosen by itself, and not of PyTorch.
        report: told in lines what takes long; for TensorRT, graphs are exported that are missing,
            and compiled if they were not before.

    Raises:
        ModelFolderError: the folder does not hold a sound model, or not for this backend and
            precision.
        EngineError: TensorRT cannot compile or run the model here.
        ValueError: no such backend or precision, or negative threads.
    """
    if backend not in BACKENDS or precision not in PRECISIONS or threads < 0:
        raise ValueError(
            f'backend is {backend!r}, precision {precision!r} and threads {threads}; backend must '
            f'be one of {BACKENDS}, precision one of {PRECISIONS}, and threads at least 0'
        )
    if backend == 'auto':
        backend = 'onnxruntime' if (folder / GRAPHS_FILE).is_file() else 'torch'
    if precision == 'auto' and backend != 'tensorrt':
        precision = 'fp32'
    if backend in ('torch', 'cuda') and precision == 'int8':
        raise ValueError(
            f'backend {backend!r} does not run quantized graphs; choose onnxruntime or tensorrt'
        )
    if precision == 'int8':
        loss = read_graphs(folder, precision).loss
        cost = 'what it costs was not measured'
        if loss:
            cost = (
                f'KLD {loss["kld"]:.3f} instead of {loss["exact_kld"]:.3f} on {loss["pairs"]} '
                'pairs when it was exported'
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
            f'backend {backend!r} cannot be used: {error}; install it or choose another'
        ) from error

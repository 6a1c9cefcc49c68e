# SPDX-License-Identifier: Apache-2.0
"""What can compute: the sessions by the names of their backends."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from afformer_core.errors import ModelFolderError
from afformer_core.runtime.graphs import GRAPHS_FILE, graphs_folder
from afformer_core.runtime.session import Session

BACKENDS = ('auto', 'torch', 'onnxruntime', 'tensorrt')
PRECISIONS = ('auto', 'fp32', 'fp16', 'bf16')


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
        backend: one of `BACKENDS`; 'auto' takes ONNX Runtime where graphs were exported.
        threads: threads to compute with; 0 lets the backend choose.
        precision: one of `PRECISIONS`; 'auto' is fp32 on the CPU, and by TensorRT fp16 where such
            graphs were exported.
        report: told in lines what takes long; TensorRT compiles what it did not compile before.

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
    precision = chosen_precision(folder, backend, precision)
    try:
        if backend == 'tensorrt':
            from afformer_core.runtime.tensorrt.session import TensorRTSession

            return TensorRTSession.load(folder, precision, report)
        if backend == 'onnxruntime':
            from afformer_core.runtime.onnx_session import OnnxSession

            return OnnxSession.load(folder, threads, precision)
        from afformer_core.runtime.torch_session import TorchSession

        return TorchSession.load(folder, threads, precision)
    except ImportError as error:
        raise ModelFolderError(
            f'backend {backend!r} cannot be used: {error}; install it or choose another'
        ) from error


def chosen_precision(folder: Path, backend: str, precision: str) -> str:
    """What 'auto' means for a model and a backend."""
    if precision != 'auto':
        return precision
    has_fp16 = (graphs_folder(folder, 'fp16') / GRAPHS_FILE).is_file()
    return 'fp16' if backend == 'tensorrt' and has_fp16 else 'fp32'

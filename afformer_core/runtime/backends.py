# SPDX-License-Identifier: Apache-2.0
"""What can compute: the sessions by the names of their backends."""

from __future__ import annotations

from pathlib import Path

from afformer_core.errors import ModelFolderError
from afformer_core.runtime.model_folder import GRAPHS_FILE
from afformer_core.runtime.session import Session

BACKENDS = ('auto', 'torch', 'onnxruntime')


def open_session(folder: Path, backend: str, threads: int) -> Session:
    """A model folder, ready to run.

    Args:
        folder: with a sound description.
        backend: one of `BACKENDS`; 'auto' takes ONNX Runtime where graphs were exported.
        threads: threads to compute with; 0 lets the backend choose.

    Raises:
        ModelFolderError: the folder does not hold a sound model, or not for this backend.
        ValueError: no such backend, or negative threads.
    """
    if backend not in BACKENDS or threads < 0:
        raise ValueError(
            f'backend is {backend!r} and threads {threads}; '
            f'backend must be one of {BACKENDS} and threads at least 0'
        )
    if backend == 'auto':
        backend = 'onnxruntime' if (folder / GRAPHS_FILE).is_file() else 'torch'
    try:
        if backend == 'onnxruntime':
            from afformer_core.runtime.onnx_session import OnnxSession

            return OnnxSession(folder, threads)
        from afformer_core.runtime.torch_session import TorchSession

        return TorchSession(folder, threads)
    except ImportError as error:
        raise ModelFolderError(
            f'backend {backend!r} cannot be used: {error}; install it or choose another'
        ) from error

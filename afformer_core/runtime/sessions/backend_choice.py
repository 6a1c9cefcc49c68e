# SPDX-License-Identifier: Apache-2.0
"""The backends that 'auto' tries on this machine."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import NamedTuple

from afformer_core.runtime.graphs import GRAPHS_FILE


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

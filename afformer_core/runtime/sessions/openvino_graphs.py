# SPDX-License-Identifier: Apache-2.0
"""Exported graphs in OpenVINO on the CPU."""

from __future__ import annotations

from typing import Any

import numpy as np
import openvino
from numpy.typing import NDArray

from afformer_core.errors import ModelFolderError
from afformer_core.runtime.graphs import Graphs
from afformer_core.runtime.session import Feed, OpenedGraph

_HINTS = {'fp32': 'f32', 'bf16': 'bf16', 'fp16': 'f16'}
# Without these capabilities, OpenVINO would compute in another precision without an error.
_CAPABILITIES = {'bf16': 'BF16', 'fp16': 'FP16'}


def open_graph(graphs: Graphs, name: str, threads: int, precision: str) -> OpenedGraph:
    """Open a graph by its name.

    Args:
        graphs: graphs of a model, in fp32.
        name: name of the graph.
        threads: number of threads; 0: chosen by OpenVINO.
        precision: precision to compute in: 'fp32', 'bf16' or 'fp16'.

    Raises:
        ModelFolderError: the graph does not load, or the CPU does not compute in the precision.
    """
    path = graphs.path(name)
    require_precision(precision)
    try:
        compiled = openvino.Core().compile_model(path, 'CPU', _settings(precision, threads))
    except Exception as error:
        # The lines before the last one name files of its source code.
        reason = [line for line in str(error).splitlines() if line.strip()][-1]
        raise ModelFolderError(
            f'{path} cannot be loaded by OpenVINO: {reason}. Export the model again'
        ) from error
    request = compiled.create_infer_request()
    count = len(compiled.outputs)

    def run(feed: Feed) -> list[NDArray[Any]]:
        request.infer(dict(feed), share_inputs=True)
        # Copies, since the next run overwrites the buffers.
        return [np.array(request.get_output_tensor(index).data) for index in range(count)]

    # An input has the names of operators that return it unchanged, too.
    types = {
        name: np.dtype(entry.get_element_type().to_dtype())
        for entry in compiled.inputs
        for name in entry.get_names()
    }
    return OpenedGraph(run, types)


def capabilities() -> list[str]:
    """List what the CPU can do, such as BF16."""
    found: list[str] = openvino.Core().get_property('CPU', 'OPTIMIZATION_CAPABILITIES')
    return found


def require_precision(precision: str) -> None:
    """Check that the CPU computes in a precision.

    Raises:
        ModelFolderError: it would compute in another one.
    """
    needed, there = _CAPABILITIES.get(precision), capabilities()
    if needed is not None and needed not in there:
        raise ModelFolderError(
            f'the capabilities of this CPU in OpenVINO are {", ".join(there)}; expected {needed} '
            f'for precision {precision!r}. Choose fp32'
        )


def _settings(precision: str, threads: int) -> dict[str, Any]:
    return {
        'INFERENCE_PRECISION_HINT': _HINTS[precision],
        'INFERENCE_NUM_THREADS': threads,
        'PERFORMANCE_HINT': 'LATENCY',
        # Pinned threads would share cores with those of other processes of the robot.
        'ENABLE_CPU_PINNING': False,
    }

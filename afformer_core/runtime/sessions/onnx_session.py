# SPDX-License-Identifier: Apache-2.0
"""The session that runs exported graphs with ONNX Runtime."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from afformer_core.arrays import FloatArray, UInt8Array
from afformer_core.errors import ModelFolderError
from afformer_core.runtime.graphs import GRAPH_NAMES, Graphs, read_graphs
from afformer_core.runtime.session import Memory, Output


class OnnxSession:
    """Exported graphs that run with ONNX Runtime on the CPU.

    Args:
        graphs: graphs in fp32 or fp16, or quantized.
        threads: number of threads of each graph; 0: chosen by ONNX Runtime.

    Raises:
        ModelFolderError: a graph does not load.
    """

    backend = 'onnxruntime'

    def __init__(self, graphs: Graphs, threads: int = 0) -> None:
        self._encode_frames, self._memorize, self._ground = (
            open_graph(graphs, name, threads) for name in GRAPH_NAMES
        )
        types = {one.name: one.type for one in self._ground.get_inputs()}
        self._memory_type = np.float16 if types['keys_0'] == 'tensor(float16)' else np.float32

    @classmethod
    def load(cls, folder: Path, threads: int = 0, precision: str = 'fp32') -> OnnxSession:
        """Load the graphs of a model folder.

        Raises:
            ModelFolderError: the graphs are missing, altered, of other weights, or do not load.
        """
        return cls(read_graphs(folder, precision), threads)

    def encode_frames(self, frames: UInt8Array) -> FloatArray:
        """Compute the features of frames (see `Session.encode_frames`)."""
        features: FloatArray = self._encode_frames.run(None, {'frames': frames})[0]
        return features

    def memorize(self, features: FloatArray) -> Memory:
        """Compute the memory of a demonstration (see `Session.memorize`)."""
        outputs = self._memorize.run(None, {'features': features})
        levels = len(outputs) // 2
        return Memory(tuple(outputs[:levels]), tuple(outputs[levels:]))

    def ground(self, image: UInt8Array, memory: Memory) -> Output:
        """Ground a memory of any precision in an image (see `Session.ground`)."""
        feed: dict[str, NDArray[Any]] = {'image': image}
        for level, (keys, values) in enumerate(zip(memory.keys, memory.values, strict=True)):
            feed[f'keys_{level}'] = keys.astype(self._memory_type, copy=False)
            feed[f'values_{level}'] = values.astype(self._memory_type, copy=False)
        return Output(*self._ground.run(None, feed))


def open_graph(graphs: Graphs, name: str, threads: int) -> onnxruntime.InferenceSession:
    """Open a graph by its name on the CPU.

    Raises:
        ModelFolderError: it does not load.
    """
    path = graphs.path(name)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3
    # Spinning threads would occupy cores that other processes of the robot need.
    options.add_session_config_entry('session.intra_op.allow_spinning', '0')
    if graphs.base == 'fp16':
        # As of 1.32, ONNX Runtime computes fused quantized convolutions in fp16 wrongly.
        options.add_session_config_entry('session.disable_quant_qdq', '1')
    try:
        return onnxruntime.InferenceSession(path, options, providers=['CPUExecutionProvider'])
    except Exception as error:
        raise ModelFolderError(
            f'{path} cannot be loaded by ONNX Runtime: {error}. Export the model again'
        ) from error

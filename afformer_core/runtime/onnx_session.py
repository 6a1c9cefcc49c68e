# SPDX-License-Identifier: Apache-2.0
"""The session that runs the exported graphs in ONNX Runtime."""

from __future__ import annotations

from pathlib import Path

import onnxruntime

from afformer_core.errors import ModelFolderError
from afformer_core.runtime.model_folder import graph_paths, read_description
from afformer_core.runtime.session import FloatArray, Memory, Output, UInt8Array


class OnnxSession:
    """Runs the graphs of a model folder by ONNX Runtime on the CPU.

    Args:
        folder: the model folder, exported.
        threads: threads of each graph; 0 lets ONNX Runtime choose.

    Raises:
        ModelFolderError: the graphs are absent, altered, of other weights, or do not load.
    """

    backend = 'onnxruntime'

    def __init__(self, folder: Path, threads: int = 0) -> None:
        paths = graph_paths(folder, read_description(folder))
        self._encode_frames, self._memorize, self._ground = (
            _open(paths[name], threads) for name in ('encode_frames', 'memorize', 'ground')
        )

    def encode_frames(self, frames: UInt8Array) -> FloatArray:
        """See `Session.encode_frames`."""
        features: FloatArray = self._encode_frames.run(None, {'frames': frames})[0]
        return features

    def memorize(self, features: FloatArray) -> Memory:
        """See `Session.memorize`."""
        outputs = self._memorize.run(None, {'features': features})
        levels = len(outputs) // 2
        return Memory(tuple(outputs[:levels]), tuple(outputs[levels:]))

    def ground(self, image: UInt8Array, memory: Memory) -> Output:
        """See `Session.ground`."""
        feed = {'image': image}
        for level, (keys, values) in enumerate(zip(memory.keys, memory.values, strict=True)):
            feed[f'keys_{level}'] = keys
            feed[f'values_{level}'] = values
        return Output(*self._ground.run(None, feed))


def _open(path: Path, threads: int) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3
    # Threads that wait for work in a loop would take the cores from the robot's other processes.
    options.add_session_config_entry('session.intra_op.allow_spinning', '0')
    try:
        return onnxruntime.InferenceSession(path, options, providers=['CPUExecutionProvider'])
    except Exception as error:
        raise ModelFolderError(f'{path} cannot be loaded by ONNX Runtime: {error}') from error

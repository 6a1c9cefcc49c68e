# SPDX-License-Identifier: Apache-2.0
"""Sessions that run exported graphs with ONNX Runtime."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from afformer_core.arrays import FloatArray, UInt8Array
from afformer_core.errors import ModelFolderError
from afformer_core.runtime.features import Stages
from afformer_core.runtime.graphs import Graphs, read_graphs
from afformer_core.runtime.model_folder import DECODER_GRAPHS
from afformer_core.runtime.session import Decoded, EncodedLevels, Memory


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
        self._encode_frames, self._memorize, self._encode_image, self._decode = (
            open_graph(graphs, name, threads) for name in DECODER_GRAPHS
        )
        types = {entry.name: entry.type for entry in self._decode.get_inputs()}
        self._levels = tuple(sorted(name for name in types if name.startswith('level_')))
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

    def encode_image(self, image: UInt8Array) -> EncodedLevels:
        """Encode an image (see `Session.encode_image`)."""
        *levels, features = self._encode_image.run(None, {'image': image})
        return EncodedLevels(image, tuple(levels), features)

    def decode(self, image: EncodedLevels, memory: Memory) -> Decoded:
        """Ground a memory of any precision in an image (see `Session.decode`)."""
        feed: dict[str, NDArray[Any]] = dict(zip(self._levels, image.levels, strict=True))
        for level, (keys, values) in enumerate(zip(memory.keys, memory.values, strict=True)):
            feed[f'keys_{level}'] = keys.astype(self._memory_type, copy=False)
            feed[f'values_{level}'] = values.astype(self._memory_type, copy=False)
        return Decoded(*self._decode.run(None, feed))


class OnnxMatchingSession:
    """The exported graphs of a matching network, run with ONNX Runtime on the CPU.

    Args:
        graphs: graphs in fp32 or fp16.
        threads: number of threads of each graph; 0: chosen by ONNX Runtime.

    Raises:
        ModelFolderError: a graph does not load.
    """

    backend = 'onnxruntime'

    def __init__(self, graphs: Graphs, threads: int = 0) -> None:
        self._encode = open_graph(graphs, 'encode', threads)
        self._find_contact = open_contact_finder(graphs, threads)

    @classmethod
    def load(cls, folder: Path, threads: int = 0, precision: str = 'fp32') -> OnnxMatchingSession:
        """Load the graphs of the folder of a matching network (see `OnnxSession.load`)."""
        return cls(read_graphs(folder, precision), threads)

    def encode(self, images: UInt8Array) -> Stages:
        """Compute the stages of images (see `MatchingSession.encode`)."""
        return tuple(self._encode.run(None, {'images': images}))

    def find_contact(self, stages: Stages) -> FloatArray:
        """Find the contact of a demonstration (see `MatchingSession.find_contact`)."""
        return self._find_contact(stages)


def open_contact_finder(graphs: Graphs, threads: int = 0) -> Callable[[Stages], FloatArray]:
    """Open the contact head of a matching network on the CPU; it computes in fp32.

    Args:
        graphs: graphs of the network, in any precision.
        threads: number of threads; 0: chosen by ONNX Runtime.

    Returns:
        a function like `MatchingSession.find_contact`.

    Raises:
        ModelFolderError: the graph does not load.
    """
    session = open_graph(graphs, 'find_contact', threads)

    def find(stages: Stages) -> FloatArray:
        feed = {f'stage_{number}': stage for number, stage in enumerate(stages)}
        found: FloatArray = session.run(None, feed)[0]
        return found

    return find


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

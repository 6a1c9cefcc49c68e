# SPDX-License-Identifier: Apache-2.0
"""The installed TensorRT, and the compilation of one graph to an engine with its input shapes.

It is NVIDIA's TensorRT 10.1 or later, or TensorRT for RTX; all have the same Python API, whose
module is `trt`. Importing this module fails if there is no library.
"""

from __future__ import annotations

import importlib
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from afformer_core.errors import AfformerError, EngineError
from afformer_core.models.matching.configuration import MatchingConfiguration
from afformer_core.runtime.matching.matching import compared_sizes
from afformer_core.runtime.model_folder import MatchingDescription, NetworkDescription
from afformer_core.runtime.session import MOST_FRAMES_AT_ONCE

# In order of preference. The two wheels on PyPI provide the last one.
MODULES = ('tensorrt', 'tensorrt_rtx', 'tensorrt_rtx_bindings')
# In earlier versions, contexts do not accept the size of the working memory that they share;
# before 10.0, networks have an implicit batch and cannot be strongly typed.
OLDEST = (10, 1)


class TensorRTMissingError(AfformerError, ImportError):
    """TensorRT is not installed, is too old, or does not load."""


def find_library() -> ModuleType:
    """Find the first of `MODULES` that can be used.

    Raises:
        TensorRTMissingError: no library is installed, or the installed ones are too old or do not
            load.
    """
    found = []
    for name in MODULES:
        try:
            module = importlib.import_module(name)
        # Bindings whose libraries are missing raise other errors than ImportError.
        except (ImportError, OSError, RuntimeError) as error:
            found.append(f'{name}: {error}')
            continue
        # An empty folder of the same name is a module, too.
        version = getattr(module, '__version__', '0.0')
        if hasattr(module, 'Builder') and (_is_rtx(module) or version_numbers(version) >= OLDEST):
            return module
        found.append(f'{name}: it is TensorRT {version}, which is too old')
    raise TensorRTMissingError(
        f'TensorRT {OLDEST[0]}.{OLDEST[1]} or later is not installed ({"; ".join(found)}). On a '
        'Jetson install JetPack 6.1 or later, with a desktop GPU run: pip install tensorrt'
    )


def _is_rtx(module: ModuleType) -> bool:
    return 'rtx' in module.__name__


def version_numbers(version: str) -> tuple[int, int]:
    """Return the major and minor numbers of a version such as '10.3.0'."""
    major, minor = (int(part) for part in version.split('.')[:2])
    return major, minor


if TYPE_CHECKING:
    import tensorrt as trt
else:
    trt = find_library()

__all__ = ['IS_RTX', 'NAME', 'VERSION', 'TensorRTMissingError', 'trt']

IS_RTX = _is_rtx(trt)
"""Whether the library is TensorRT for RTX, whose engines fit several GPUs."""

NAME = 'TensorRT-RTX' if IS_RTX else 'TensorRT'
VERSION = str(trt.__version__)


Report = Callable[[str], None]

# (height, width) of most cameras' images.
_USUAL_SIZE = (480, 640)


class GraphRefusedError(EngineError):
    """Raised if the compiler rejects a graph, or has no kernel for it."""


class ShapeRange(NamedTuple):
    """The shapes that one input may have."""

    smallest: tuple[int, ...]
    usual: tuple[int, ...]
    largest: tuple[int, ...]


def shape_ranges(description: NetworkDescription) -> dict[str, dict[str, ShapeRange]]:
    """Compute the shapes of the inputs without a fixed shape, by graph and input."""
    if isinstance(description, MatchingDescription):
        # The contact head runs on the CPU.
        return {'encode': {'images': _scales_range(description.configuration)}}
    configuration = description.configuration
    frames = configuration.maximum_frames
    features = configuration.feature_channels, *configuration.feature_size
    least, most = configuration.memory_shapes(1), configuration.memory_shapes(frames)
    memory = {
        f'{kind}_{level}': ShapeRange(least[level][index], shape, shape)
        for level, shapes in enumerate(most)
        for index, (kind, shape) in enumerate(zip(('keys', 'values'), shapes, strict=True))
    }
    return {
        'encode_frames': {'frames': _image_range(configuration.input_size)},
        'memorize': {
            'features': ShapeRange((1, *features), (frames, *features), (frames, *features))
        },
        'encode_image': {},
        'decode': memory,
    }


def _image_range(size: tuple[int, int]) -> ShapeRange:
    image = *size, 3
    return ShapeRange((1, *image), (1, *image), (MOST_FRAMES_AT_ONCE, *image))


def _scales_range(configuration: MatchingConfiguration) -> ShapeRange:
    """Return the shapes of frames at the input size, and of images of any aspect at each scale."""
    if not configuration.long_sides:
        return _image_range(configuration.input_size)
    largest = max(*configuration.input_size, *configuration.long_sides)
    (shortest, _), *_ = compared_sizes(configuration, (1, largest))
    usual = compared_sizes(configuration, _USUAL_SIZE)[-1]
    return ShapeRange(
        (1, shortest, shortest, 3), (1, *usual, 3), (MOST_FRAMES_AT_ONCE, largest, largest, 3)
    )


def build_engine(
    graph: Path, shapes: Mapping[str, ShapeRange], precision: str, report: Report
) -> bytes:
    """Compile a graph for the local GPU.

    Args:
        graph: ONNX file, which determines the precision of each tensor.
        shapes: range of shapes of each input whose shape is not fixed.
        precision: precision of the graph.
        report: called with a line before and after the compilation, which can take minutes; the
            library writes its errors to stderr.

    Returns:
        the engine, serialized.

    Raises:
        GraphRefusedError: the graph is rejected, or cannot be compiled.
    """
    report(f'compiling {graph.name}, which can take minutes')
    begin = time.monotonic()
    logger = trt.Logger(trt.Logger.ERROR)
    builder = trt.Builder(logger)
    network = builder.create_network(_network_flags())
    parser = trt.OnnxParser(network, logger)
    if not parser.parse(_without_int8(graph), str(graph)):
        raise GraphRefusedError(f'{NAME} does not accept {graph}: {_parser_errors(parser)}')
    config = builder.create_builder_config()
    _set_flags(config, precision)
    if shapes:
        profile = builder.create_optimization_profile()
        for name, shape in shapes.items():
            profile.set_shape(name, *(trt.Dims(list(dimensions)) for dimensions in shape))
        config.add_optimization_profile(profile)
    serialized = builder.build_serialized_network(network, config)
    if serialized is None:
        raise GraphRefusedError(f'{NAME} cannot compile {graph}')
    report(f'done with {graph.name} after {time.monotonic() - begin:.1f} s')
    return bytes(serialized)


def _without_int8(graph: Path) -> bytes:
    """Read an ONNX file, with weights that are stored in int8 as fp16, which has the same values.

    TensorRT takes constants in int8 for a quantization of its own.
    """
    import onnx
    from google.protobuf.message import DecodeError

    try:
        model = onnx.load(graph)
    except DecodeError:
        # TensorRT explains what is wrong with it
        return graph.read_bytes()
    for tensor in model.graph.initializer:
        if tensor.data_type == onnx.TensorProto.INT8:
            values = onnx.numpy_helper.to_array(tensor).astype(np.float16)
            tensor.CopyFrom(onnx.numpy_helper.from_array(values, tensor.name))
    return bytes(model.SerializeToString())


def _network_flags() -> int:
    # TensorRT 11 and TensorRT for RTX have no other networks, and may lack this flag.
    flag: Any = getattr(trt.NetworkDefinitionCreationFlag, 'STRONGLY_TYPED', None)
    return 0 if flag is None else 1 << int(flag)


def _set_flags(config: Any, precision: str) -> None:
    # TF32 is as coarse as fp16, the precision of the other graphs.
    if precision == 'fp32':
        config.clear_flag(trt.BuilderFlag.TF32)
    # Only TensorRT for RTX allocates memory at run time, which a CUDA graph cannot capture.
    require: Any = getattr(trt.BuilderFlag, 'REQUIRE_USER_ALLOCATION', None)
    if require is not None:
        config.set_flag(require)


def _parser_errors(parser: Any) -> str:
    errors = [parser.get_error(index).desc() for index in range(parser.num_errors)]
    return '; '.join(errors) or 'it gives no reason'

# SPDX-License-Identifier: Apache-2.0
"""INT8 quantization of convolutions in exported graphs, with the quantizer of ONNX Runtime.

Only the convolutions of the encoder are quantized, which account for most of the arithmetic of an
image. Attention and the heads keep the precision of the graph, as do depthwise convolutions, which
account for little of the arithmetic but half of the error. Values are symmetric around zero,
weights have a scale for each channel, and only the inputs of convolutions are rounded, as TensorRT
requires.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import onnx
from numpy.typing import NDArray
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static

from afformer_core.arrays import UInt8Array
from afformer_core.errors import ModelFolderError

Feed = Mapping[str, NDArray[Any]]

# Prefix of the encoder's parameters, which identifies its convolutions in a graph.
_ENCODER = 'model.encoder.'
# The first opset in which fp16 can be quantized.
_LEAST_HALF_OPSET = 19


class CalibrationPair(NamedTuple):
    """A demonstration and an image at the model's input size, for calibration.

    Attributes:
        frames: uint8 RGB [T, h, w, 3] of the demonstration.
        image: uint8 RGB [h, w, 3].
    """

    frames: UInt8Array
    image: UInt8Array


def quantize_graphs(folder: Path, pairs: Sequence[CalibrationPair]) -> int:
    """Quantize graphs in place.

    Args:
        folder: folder of the graphs, in fp32 or fp16.
        pairs: pairs that determine the range of each convolution's input, at least one.

    Returns:
        the number of quantized convolutions in `encode_image`.

    Raises:
        ModelFolderError: a graph has no convolution to quantize, or the quantizer rejects it.
    """
    _quantize(folder / 'encode_frames.onnx', ({'frames': pair.frames} for pair in pairs))
    return _quantize(folder / 'encode_image.onnx', ({'image': pair.image} for pair in pairs))


def _quantize(graph: Path, feeds: Iterable[Feed]) -> int:
    model = onnx.load(graph)
    half = onnx.TensorProto.FLOAT16 in {weight.data_type for weight in model.graph.initializer}
    opset = next(imported.version for imported in model.opset_import if not imported.domain)
    if half and opset < _LEAST_HALF_OPSET:
        raise ModelFolderError(
            f'{graph} has opset {opset}; expected at least {_LEAST_HALF_OPSET} to quantize fp16. '
            f'Export it again with --opset {_LEAST_HALF_OPSET} or more'
        )
    convolutions = [
        node.name
        for node in model.graph.node
        if node.op_type == 'Conv' and node.input[1].startswith(_ENCODER) and _groups(node) == 1
    ]
    if not convolutions:
        raise ModelFolderError(f'{graph} has no convolution of an encoder to quantize')
    aside = graph.with_suffix('.int8')
    # The quantizer warns that the graph was not simplified, although the export simplified it.
    logging.disable(logging.WARNING)
    try:
        quantize_static(
            model,
            aside,
            _Reader(feeds),
            quant_format=QuantFormat.QDQ,
            nodes_to_quantize=convolutions,
            per_channel=True,
            activation_type=QuantType.QInt8,
            weight_type=QuantType.QInt8,
            extra_options={
                'ActivationSymmetric': True,
                'WeightSymmetric': True,
                'QuantizeBias': False,
                'OpTypesToExcludeOutputQuantization': ['Conv'],
            },
        )
    except (RuntimeError, ValueError, TypeError) as error:
        raise ModelFolderError(
            f'ONNX Runtime cannot quantize {graph}: {error}. Use its graphs in fp16'
        ) from error
    finally:
        logging.disable(logging.NOTSET)
    aside.replace(graph)
    return len(convolutions)


def _groups(node: onnx.NodeProto) -> int:
    return next((field.i for field in node.attribute if field.name == 'group'), 1)


class _Reader(CalibrationDataReader):  # type: ignore[misc]
    def __init__(self, feeds: Iterable[Feed]) -> None:
        self._feeds = iter(feeds)

    def get_next(self) -> Feed | None:
        return next(self._feeds, None)

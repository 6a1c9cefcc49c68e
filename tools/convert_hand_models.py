# SPDX-License-Identifier: Apache-2.0
"""Conversion of MediaPipe's palm detector and hand landmark network from TensorFlow Lite to ONNX.

    pip install tf2onnx tensorflow-cpu
    pip download --no-deps --only-binary=:all: --python-version 3.11 \
        --platform manylinux2014_x86_64 mediapipe==0.10.14
    python -m tools.convert_hand_models mediapipe-0.10.14-*.whl \
        afformer_core/weights/hands_mediapipe

Install tf2onnx and TensorFlow in a separate environment; nothing else here needs them.
"""

from __future__ import annotations

import argparse
import hashlib
import sys
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import tensorflow
import tf2onnx.convert
from onnx import TensorProto, helper, numpy_helper

_OPSET = 17
# Smaller tensors are shapes and limits; storing them in fp16 saves no space.
_LEAST_STORED_IN_HALF = 16
_LARGEST_DIFFERENCE = 1e-3


@dataclass(frozen=True)
class _Network:
    """One of the two networks.

    Attributes:
        name: name of its ONNX file.
        path: path in MediaPipe's package.
        sha256: hash of its file there.
        outputs: names of the outputs that are kept, by their names in TensorFlow Lite.
    """

    name: str
    path: str
    sha256: str
    outputs: dict[str, str]


_NETWORKS = (
    _Network(
        'palm_detection.onnx',
        'mediapipe/modules/palm_detection/palm_detection_full.tflite',
        '1b14e9422c6ad006cde6581a46c8b90dd573c07ab7f3934b5589e7cea3f89a54',
        {'Identity': 'boxes', 'Identity_1': 'logits'},
    ),
    _Network(
        'hand_landmarks.onnx',
        'mediapipe/modules/hand_landmark/hand_landmark_full.tflite',
        '11c272b891e1a99ab034208e23937a8008388cf11ed2a9d776ed3d01d0ba00e3',
        {'Identity': 'landmarks', 'Identity_1': 'presence', 'Identity_2': 'handedness'},
    ),
)


def main() -> int:
    """Convert both networks and compare them with TensorFlow Lite."""
    parser = argparse.ArgumentParser(description='Convert the hand networks of MediaPipe to ONNX.')
    parser.add_argument('package', type=Path, help='wheel of mediapipe 0.10.14')
    parser.add_argument('folder', type=Path, help='folder of the ONNX files')
    arguments = parser.parse_args()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    for network in _NETWORKS:
        with zipfile.ZipFile(arguments.package) as archive:
            content = archive.read(network.path)
        found = hashlib.sha256(content).hexdigest()
        if found != network.sha256:
            raise SystemExit(
                f'the sha256 of {network.path} is {found}; expected {network.sha256}. '
                'Use mediapipe 0.10.14'
            )
        model = _converted(content, network)
        difference = _difference(content, model, network)
        if difference > _LARGEST_DIFFERENCE:
            raise SystemExit(
                f'{network.name} differs from TensorFlow Lite by {difference:.2g} of its largest '
                f'output; expected {_LARGEST_DIFFERENCE} at most'
            )
        onnx.save(model, arguments.folder / network.name)
        print(f'{network.name}: differs from TensorFlow Lite by {difference:.1g}')
    return 0


def _converted(content: bytes, network: _Network) -> onnx.ModelProto:
    """Convert a network, with weights in fp16 and meaningful names of the outputs."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / 'network.tflite'
        path.write_bytes(content)
        model: onnx.ModelProto
        model, _ = tf2onnx.convert.from_tflite(
            str(path), opset=_OPSET, output_names=list(network.outputs), inputs_as_nchw=['input_1']
        )
    renamed = {'input_1': 'image', **network.outputs}
    for node in model.graph.node:
        node.input[:] = [renamed.get(name, name) for name in node.input]
        node.output[:] = [renamed.get(name, name) for name in node.output]
    for value in (*model.graph.input, *model.graph.output):
        value.name = renamed[value.name]
    del model.graph.value_info[:]
    del model.metadata_props[:]
    model.graph.name, model.doc_string = network.name, ''
    _store_in_half(model.graph)
    onnx.checker.check_model(model)
    return model


def _store_in_half(graph: onnx.GraphProto) -> None:
    """Store weights in fp16, as TensorFlow Lite does; they are converted to fp32 when loaded."""
    casts = []
    for tensor in graph.initializer:
        values = numpy_helper.to_array(tensor)
        if values.dtype != np.float32 or values.size < _LEAST_STORED_IN_HALF:
            continue
        name = tensor.name
        tensor.CopyFrom(numpy_helper.from_array(values.astype(np.float16), f'{name}_half'))
        casts.append(helper.make_node('Cast', [f'{name}_half'], [name], to=TensorProto.FLOAT))
    nodes = [*casts, *graph.node]
    del graph.node[:]
    graph.node.extend(nodes)


def _difference(content: bytes, model: onnx.ModelProto, network: _Network) -> float:
    """Compute the largest difference from TensorFlow Lite, relative to the largest output."""
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), providers=['CPUExecutionProvider']
    )
    lite = tensorflow.lite.Interpreter(model_content=content)
    lite.allocate_tensors()
    side = session.get_inputs()[0].shape[-1]
    rows, columns = np.mgrid[:side, :side] / side
    # The image is smooth, asymmetric, and different in each channel.
    image = np.stack([np.sin(7 * rows), np.cos(9 * columns), rows * columns], -1)[None]
    image = (0.5 + 0.5 * image).astype(np.float32)
    lite.set_tensor(lite.get_input_details()[0]['index'], image)
    lite.invoke()
    expected = {
        network.outputs[name]: lite.get_tensor(output['index'])
        for output in lite.get_output_details()
        if (name := output['name'].removeprefix('StatefulPartitionedCall:')) in network.outputs
    }
    found = session.run(list(expected), {'image': image.transpose(0, 3, 1, 2)})
    return max(
        float(np.abs(array - other).max() / max(np.abs(other).max(), 1.0))
        for array, other in zip(found, expected.values(), strict=True)
    )


if __name__ == '__main__':
    sys.exit(main())

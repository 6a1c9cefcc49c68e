# SPDX-License-Identifier: Apache-2.0
"""Sessions of every kind by name, on a GPU or on its double."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from unittest.mock import patch

import pytest
import torch
from cuda_double import Device, cuda_double

from afformer_core.arrays import UInt8Array
from afformer_core.runtime.backends import open_networks
from afformer_core.runtime.graphs import read_graphs
from afformer_core.runtime.model_folder import DECODER_GRAPHS, read_description
from afformer_core.runtime.session import Decoded, Memory, Session
from afformer_core.runtime.sessions.torch_session import TorchSession, prepared_model

ON_CPU = ('torch', 'onnxruntime', 'openvino')
DOUBLES = ('torch-cuda double', 'tensorrt double')
RTX_DOUBLE = 'tensorrt_rtx double'
_GPU = (
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason='no NVIDIA GPU is here'),
)
ON_GPU = tuple(pytest.param(name, marks=_GPU) for name in ('torch-cuda', 'tensorrt'))


@dataclass(frozen=True)
class OpenedSession:
    """A session that can run.

    Attributes:
        session: itself.
        device: the double that it runs on; None: it runs on what is there.
    """

    session: Session
    device: Device | None


@contextmanager
def opened(name: str, folder: Path) -> Iterator[OpenedSession]:
    """A session in fp32 of a model folder, by one of the names above."""
    with ExitStack() as stack:
        if name == 'openvino':
            pytest.importorskip('openvino', reason='OpenVINO is not installed')
        if not name.endswith(' double'):
            # Engines are of no use once the folder is gone.
            cache = stack.enter_context(tempfile.TemporaryDirectory())
            stack.enter_context(patch.dict(os.environ, XDG_CACHE_HOME=cache))
            yield OpenedSession(
                open_networks(folder, name, 0, 'fp32', with_matching=False).decoder, None
            )
            return
        # Before there is a GPU, since some code asks for one when it is imported.
        model = prepared_model(folder, 'fp32')
        device = stack.enter_context(cuda_double())
        if name == 'torch-cuda double':
            yield OpenedSession(TorchSession(model, device='cuda'), device)
            return
        pytest.importorskip('tensorrt_rtx_bindings', reason='no TensorRT is installed')
        from cuda_double.tensorrt import TensorRT, tensorrt_double

        stack.enter_context(tensorrt_double(TensorRT(device, is_rtx='rtx' in name)))
        yield OpenedSession(tensorrt_session(folder), device)


def ground(session: Session, image: UInt8Array, memory: Memory) -> Decoded:
    """Encode an image and ground a memory in it."""
    return session.decode(session.encode_image(image), memory)


def tensorrt_session(folder: Path) -> Session:
    """A session of engines for the double of TensorRT."""
    from cuda_double.tensorrt import serialized_engine

    from afformer_core.runtime.tensorrt.builder import shape_ranges
    from afformer_core.runtime.tensorrt.engine import TensorRTEngine
    from afformer_core.runtime.tensorrt.session import TensorRTSession

    graphs, description = read_graphs(folder), read_description(folder)
    ranges = shape_ranges(description)
    engines = {
        name: TensorRTEngine(name, serialized_engine(graphs.path(name), ranges[name]))
        for name in DECODER_GRAPHS
    }
    return TensorRTSession(engines, description.configuration)

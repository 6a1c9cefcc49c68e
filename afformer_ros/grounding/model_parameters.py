# SPDX-License-Identifier: Apache-2.0
"""Parameters of the grounding node that say which model computes, and by what."""

from __future__ import annotations

from dataclasses import dataclass

from afformer_core.runtime.backends import BACKENDS, PRECISIONS
from afformer_ros.parameter_fields import parameter


@dataclass(frozen=True)
class ModelParameters:
    """Parameters of the model; each text is its ROS description."""

    model: str = parameter(
        '', 'Folder of the model; empty: the one shipped with the package', change='unconfigured'
    )
    backend: str = parameter(
        'auto',
        'What computes: torch or onnxruntime on the CPU, cuda (PyTorch) or tensorrt on an NVIDIA '
        'GPU, or auto (onnxruntime where the model has graphs, else torch)',
        choices=BACKENDS,
        change='unconfigured',
    )
    precision: str = parameter(
        'auto',
        'What the model computes in: fp32, fp16, bf16, int8, or auto (fp32; by '
        'tensorrt fp16, exported where it is missing)',
        choices=PRECISIONS,
        change='unconfigured',
    )
    wait_for_engine: bool = parameter(
        False,
        'Whether nothing is grounded until the engines of tensorrt are compiled; else the CPU '
        'grounds meanwhile, and for good where they cannot be used',
        change='unconfigured',
    )
    threads: int = parameter(
        0,
        'Threads to compute with; 0: the backend chooses',
        limits=(0, 256),
        change='unconfigured',
    )
    maximum_stages: int = parameter(
        8,
        'Groundings of an image at most: that of the whole image, then one for each zoom stage of '
        'the model, of which the shipped one has two; with fewer an image takes less time, and '
        'peak and action are right less often',
        limits=(1, 8),
        change='unconfigured',
    )

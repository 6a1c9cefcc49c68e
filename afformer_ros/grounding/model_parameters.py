# SPDX-License-Identifier: Apache-2.0
"""Parameters of the grounding node for the model and its backend."""

from __future__ import annotations

from dataclasses import dataclass

from afformer_core.runtime.backends import BACKENDS, PRECISIONS
from afformer_ros.parameter_fields import parameter


@dataclass(frozen=True)
class ModelParameters:
    """The parameters of the model; each text is the ROS description."""

    model: str = parameter(
        '', 'Folder of the model. Empty: the model shipped with the package', change='unconfigured'
    )
    backend: str = parameter(
        'auto',
        'Backend that computes the model: torch or onnxruntime on the CPU, cuda (PyTorch) or '
        'tensorrt on an NVIDIA GPU, or auto (onnxruntime if the model has graphs, otherwise '
        'torch)',
        choices=BACKENDS,
        change='unconfigured',
    )
    precision: str = parameter(
        'auto',
        'Precision of the model: fp32, fp16, bf16, int8, or auto (fp32; with tensorrt fp16, '
        'which is exported if it is missing)',
        choices=PRECISIONS,
        change='unconfigured',
    )
    wait_for_engine: bool = parameter(
        False,
        'Whether nothing is grounded until the engines of tensorrt are compiled. If false, '
        'the CPU grounds meanwhile, and permanently if the engines cannot be used',
        change='unconfigured',
    )
    threads: int = parameter(
        0,
        'Number of threads that compute the model. 0: the backend chooses',
        limits=(0, 256),
        change='unconfigured',
    )
    maximum_stages: int = parameter(
        8,
        'Maximum number of groundings of an image: one of the whole image, then one for each '
        'zoom stage of the model, of which the shipped model has two. With fewer, an image '
        'takes less time, and the peak and the action are right less often',
        limits=(1, 8),
        change='unconfigured',
    )

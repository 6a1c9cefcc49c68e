# SPDX-License-Identifier: Apache-2.0
"""A double of CUDA, as far as sessions use it, on the CPU.

Tensors "on the GPU" lie in an arena of their own. What is freed there is poisoned and handed out
again at once; captured graphs read and write by address, so that they compute with whatever
stands there when they are replayed. `cuda_double.tensorrt` doubles what of TensorRT runs engines.
"""

from cuda_double.device import Device
from cuda_double.patching import cuda_double

__all__ = ['Device', 'cuda_double']

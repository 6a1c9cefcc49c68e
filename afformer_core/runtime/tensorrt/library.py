# SPDX-License-Identifier: Apache-2.0
"""The TensorRT that is installed: NVIDIA's TensorRT 10 or 11, or TensorRT for RTX.

All have one Python API. `trt` is the module; importing this one fails where there is none.
"""

from __future__ import annotations

import importlib
from types import ModuleType
from typing import TYPE_CHECKING

from afformer_core.errors import AfformerError

# In the order in which they are preferred. The last is what PyPI's two wheels bring.
MODULES = ('tensorrt', 'tensorrt_rtx', 'tensorrt_rtx_bindings')


class TensorRTMissingError(AfformerError, ImportError):
    """TensorRT is not installed, or does not load."""


def _find() -> ModuleType:
    reasons = []
    for name in MODULES:
        try:
            module = importlib.import_module(name)
        # Bindings without the libraries that they load fail with other errors than ImportError.
        except (ImportError, OSError, RuntimeError) as error:
            reasons.append(f'{name}: {error}')
            continue
        if hasattr(module, 'Builder'):
            return module
        reasons.append(f'{name}: it has no Builder')
    raise TensorRTMissingError(
        'TensorRT is not installed; on a Jetson it comes with JetPack, on a desktop GPU run '
        f'pip install tensorrt ({"; ".join(reasons)})'
    )


if TYPE_CHECKING:
    import tensorrt as trt
else:
    trt = _find()

__all__ = ['IS_RTX', 'KNOWS_ATTENTION', 'NAME', 'VERSION', 'TensorRTMissingError', 'trt']

IS_RTX = 'rtx' in trt.__name__
"""Whether it is TensorRT for RTX, which compiles for GPUs that are not at hand."""

NAME = 'TensorRT-RTX' if IS_RTX else 'TensorRT'
VERSION = str(trt.__version__)


def knows_attention(version: str, rtx: bool) -> bool:
    """Whether a library takes fused attention, which graphs have from opset 23 on.

    Args:
        version: of it, such as '10.3.0'.
        rtx: whether it is TensorRT for RTX.
    """
    major, minor = (int(part) for part in version.split('.')[:2])
    return rtx or (major, minor) >= (10, 14)


KNOWS_ATTENTION = knows_attention(VERSION, IS_RTX)
"""The same of the library that is installed."""

# SPDX-License-Identifier: Apache-2.0
"""The installed TensorRT: NVIDIA's TensorRT 10.1 or later, or TensorRT for RTX.

All have the same Python API. `trt` is its module. Importing this module fails if there is no
library.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import re
from types import ModuleType
from typing import TYPE_CHECKING

from afformer_core.errors import AfformerError

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
    reasons = []
    for name in MODULES:
        try:
            module = importlib.import_module(name)
        # Bindings whose libraries are missing raise other errors than ImportError.
        except (ImportError, OSError, RuntimeError) as error:
            reasons.append(f'{name}: {error}')
            continue
        if not hasattr(module, 'Builder'):
            reasons.append(f'{name}: it has no Builder')
        elif _is_rtx(module) or version_numbers(module.__version__) >= OLDEST:
            return module
        else:
            reasons.append(f'{name}: it is TensorRT {module.__version__}, which is too old')
    raise TensorRTMissingError(
        f'TensorRT {OLDEST[0]}.{OLDEST[1]} or later is not installed ({"; ".join(reasons)}). On a '
        'Jetson install JetPack 6.1 or later, with a desktop GPU run: pip install tensorrt'
    )


def _is_rtx(module: ModuleType) -> bool:
    return 'rtx' in module.__name__


def version_numbers(version: str) -> tuple[int, int]:
    """Return the major and minor numbers of a version such as '10.3.0'."""
    major, minor = (int(part) for part in version.split('.')[:2])
    return major, minor


def cuda_version() -> str:
    """Return the major CUDA version that the library was built for, such as '13'; '' if unknown.

    The library does not expose it. The names of pip packages contain it; TensorRT of JetPack uses
    the CUDA version of the installed PyTorch.
    """
    names = (
        distribution.metadata['Name'] or '' for distribution in importlib.metadata.distributions()
    )
    library = 'tensorrt_rtx' if IS_RTX else 'tensorrt'
    for name in names:
        if found := re.fullmatch(rf'{library}_cu(\d+)_libs', name.replace('-', '_')):
            return found[1]
    from torch.version import cuda

    return (cuda or '').split('.')[0]


if TYPE_CHECKING:
    import tensorrt as trt
else:
    trt = find_library()

__all__ = ['IS_RTX', 'KNOWS_ATTENTION', 'NAME', 'VERSION', 'TensorRTMissingError', 'trt']

IS_RTX = _is_rtx(trt)
"""Whether the library is TensorRT for RTX, which compiles for GPUs that are not present."""

NAME = 'TensorRT-RTX' if IS_RTX else 'TensorRT'
VERSION = str(trt.__version__)


def knows_attention(version: str, rtx: bool) -> bool:
    """Check whether a library supports fused attention, which graphs contain from opset 23 on.

    Args:
        version: version of the library, such as '10.3.0'.
        rtx: whether it is TensorRT for RTX.
    """
    return rtx or version_numbers(version) >= (10, 14)


KNOWS_ATTENTION = knows_attention(VERSION, IS_RTX)
"""Whether the installed library supports fused attention."""

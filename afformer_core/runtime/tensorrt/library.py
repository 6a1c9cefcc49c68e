# SPDX-License-Identifier: Apache-2.0
"""The installed TensorRT: NVIDIA's TensorRT 10.1 or later, or TensorRT for RTX.

All have the same Python API. `trt` is its module. Importing this module fails if there is no
library.
"""

from __future__ import annotations

import importlib
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

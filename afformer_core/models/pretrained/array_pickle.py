# SPDX-License-Identifier: Apache-2.0
"""A safe reader of pickled arrays, as in detectron2's model zoo, that never runs their code.

A pickle can call any object that it names. Here it can only name the parts of arrays.
"""

from __future__ import annotations

import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from afformer_core.models.pretrained.checkpoint_file import CheckpointError

_ADMITTED = (
    'collections.OrderedDict',
    '_codecs.encode',
    'numpy.dtype',
    'numpy.ndarray',
    *(
        f'numpy.{core}.{part}'
        for core in ('core', '_core')
        for part in ('multiarray._reconstruct', 'multiarray.scalar', 'numeric._frombuffer')
    ),
)


def read_array_pickle(path: Path) -> dict[str, NDArray[Any]]:
    """Read the arrays under `model` in a pickle.

    Raises:
        CheckpointError: the file is missing or damaged, contains anything except arrays, numbers
            and text, or has no arrays under `model`.
    """
    try:
        with path.open('rb') as file:
            # Python 2 pickled bytes as text.
            content = _Unpickler(file, encoding='latin1').load()
    except FileNotFoundError as error:
        raise CheckpointError(
            f'{path} does not exist; expected a pickle of arrays. Check the path'
        ) from error
    except Exception as error:
        raise CheckpointError(
            f'{path} is damaged or not a pickle of arrays: {error}. Give the file as detectron2 '
            'published it'
        ) from error
    arrays = content.get('model') if isinstance(content, Mapping) else None
    if not (isinstance(arrays, Mapping) and arrays):
        raise CheckpointError(
            f"{path} has no arrays under 'model'; expected a file of detectron2's model zoo"
        )
    found = {str(name): np.asarray(value) for name, value in arrays.items()}
    for name, array in found.items():
        if array.dtype.kind not in 'biuf':
            raise CheckpointError(
                f'{name!r} of {path} is of type {array.dtype}; expected an array of numbers'
            )
    # PyTorch takes arrays of this machine's byte order only.
    return {name: array.astype(array.dtype.newbyteorder('=')) for name, array in found.items()}


class _Unpickler(pickle.Unpickler):
    def find_class(self, module_name: str, global_name: str) -> Any:
        name = f'{module_name}.{global_name}'
        if name not in _ADMITTED:
            raise pickle.UnpicklingError(
                f'it holds {name}; expected only arrays, numbers and text, since anything else '
                'could run any code when it is loaded'
            )
        return super().find_class(module_name, global_name)

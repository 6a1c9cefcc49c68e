# SPDX-License-Identifier: Apache-2.0
"""A safe reader of pickled arrays, as in detectron2's model zoo, that never runs their code.

A pickle can call any object that it names. Here it can only name the parts of arrays, and each
resolves to a stand-in of this module, which accepts only bytes.
"""

from __future__ import annotations

import pickle
from collections import OrderedDict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from afformer_core.models.pretrained.checkpoint_file import CheckpointError

_NUMBERS = ('f2', 'f4', 'f8', 'i1', 'i2', 'i4', 'i8', 'u1', 'u2', 'u4', 'u8', 'b1')


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
    except _ForbiddenError as error:
        raise CheckpointError(
            f'{path} holds {error}; expected only arrays, numbers and text, since anything else '
            'could run any code when it is loaded. Give the file as detectron2 published it'
        ) from error
    except Exception as error:
        raise CheckpointError(
            f'{path} is damaged or not a pickle of arrays: {error}. Download it again'
        ) from error
    arrays = content.get('model') if isinstance(content, Mapping) else None
    if not (isinstance(arrays, Mapping) and arrays):
        raise CheckpointError(
            f"{path} has no arrays under 'model'; expected a file of detectron2's model zoo"
        )
    found = {}
    for name, value in arrays.items():
        array = value.array if isinstance(value, _Array) else value
        if not isinstance(array, np.ndarray):
            raise CheckpointError(
                f'{name!r} of {path} is of type {type(array).__name__}; expected an array'
            )
        found[str(name)] = array
    return found


class _ForbiddenError(pickle.UnpicklingError):
    """Raised if a pickle names a forbidden object; the message contains its name."""


class _NumberType:
    """A stand-in for `numpy.dtype`."""

    def __init__(self, code: str, *_options: object) -> None:
        if code not in _NUMBERS:
            raise _ForbiddenError(f'values of the type {code!r}')
        self.dtype = np.dtype(code)

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        if state[1] == '>':
            self.dtype = self.dtype.newbyteorder('>')


class _Array:
    """A stand-in for `numpy.ndarray`."""

    array: NDArray[Any] | None = None

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        _, shape, number_type, fortran, content = state
        self.array = _from_bytes(content, number_type, shape, 'F' if fortran else 'C')


def _from_bytes(
    content: bytes | str, number_type: _NumberType, shape: tuple[int, ...], order: Any
) -> NDArray[Any]:
    raw = content.encode('latin1') if isinstance(content, str) else content
    array = np.frombuffer(raw, number_type.dtype).reshape(shape, order=order)
    return array.astype(array.dtype.newbyteorder('='))


def _reconstruct(*_arguments: object) -> _Array:
    return _Array()


def _scalar(number_type: _NumberType, content: bytes | str) -> NDArray[Any]:
    return _from_bytes(content, number_type, (), 'C')


def _latin1(text: str, encoding: str) -> bytes:
    if encoding != 'latin1':
        raise _ForbiddenError(f'text in {encoding!r}')
    return text.encode('latin1')


_ADMITTED: Mapping[str, Any] = {
    'collections.OrderedDict': OrderedDict,
    '_codecs.encode': _latin1,
    'numpy.dtype': _NumberType,
    'numpy.ndarray': _Array,
    'numpy.core.multiarray._reconstruct': _reconstruct,
    'numpy._core.multiarray._reconstruct': _reconstruct,
    'numpy.core.multiarray.scalar': _scalar,
    'numpy._core.multiarray.scalar': _scalar,
    'numpy.core.numeric._frombuffer': _from_bytes,
    'numpy._core.numeric._frombuffer': _from_bytes,
}


class _Unpickler(pickle.Unpickler):
    def find_class(self, module_name: str, global_name: str) -> Any:
        name = f'{module_name}.{global_name}'
        if name not in _ADMITTED:
            raise _ForbiddenError(name)
        return _ADMITTED[name]

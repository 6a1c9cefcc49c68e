# SPDX-License-Identifier: Apache-2.0
"""Pickles of arrays: what they may hold, and what is refused."""

from __future__ import annotations

import os
import pickle
from collections import OrderedDict
from pathlib import Path

import numpy as np
import pytest

from afformer_core.models.pretrained.checkpoint_file import CheckpointError
from afformer_core.models.pretrained.vitdet_weights import read_array_pickle

ARRAYS = {
    'weight': np.arange(6, dtype=np.float32).reshape(2, 3),
    'by columns': np.asfortranarray(np.arange(6.0).reshape(2, 3)),
    'from another machine': np.arange(3, dtype='>f4'),
    'half': np.ones((1, 2), np.float16),
    'count': np.array(7, dtype=np.int64),
    'scalar': np.float32(0.5),
}


def written(folder: Path, content: object, protocol: int = 2) -> Path:
    path = folder / 'model.pkl'
    path.write_bytes(pickle.dumps(content, protocol=protocol))
    return path


@pytest.mark.parametrize('protocol', [0, 2, 4, 5])
def test_arrays_come_back(tmp_path: Path, protocol: int) -> None:
    content = {'model': OrderedDict(ARRAYS), '__author__': 'somebody', 'epoch': 3}
    found = read_array_pickle(written(tmp_path, content, protocol))

    assert found.keys() == ARRAYS.keys()
    if protocol == 0:
        # An older NumPy's names, which may have another length in text.
        path = tmp_path / 'model.pkl'
        path.write_bytes(path.read_bytes().replace(b'numpy._core.', b'numpy.core.'))
        assert read_array_pickle(path).keys() == ARRAYS.keys()
    for name, array in ARRAYS.items():
        assert found[name].dtype == array.dtype.newbyteorder('=')
        np.testing.assert_array_equal(found[name], array)


class Calls:
    """Unpickling it calls something."""

    def __init__(self, function: object, *arguments: object) -> None:
        self._call = function, arguments

    def __reduce__(self) -> object:
        return self._call


@pytest.mark.parametrize(
    ('content', 'named'),
    [
        (Calls(os.system, 'true'), 'posix.system'),
        (Calls(print, 'unpickled'), 'print'),
        (Calls(getattr, 'text', 'upper'), 'getattr'),
        (Calls(np.load, 'file'), 'numpy.load'),
    ],
)
def test_code_and_objects_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: object, named: str
) -> None:
    with pytest.raises(CheckpointError, match=f'holds .*{named}.*could run any code'):
        read_array_pickle(written(tmp_path, content))
    assert 'unpickled' not in capsys.readouterr().out


@pytest.mark.parametrize(
    ('content', 'message'),
    [
        ([1, 2], "no arrays under 'model'"),
        ({'model': {}}, "no arrays under 'model'"),
        ({'weights': ARRAYS}, "no arrays under 'model'"),
        ({'model': {'name': 'text'}}, "'name' of .* is of type <U4; expected an array of numbers"),
        ({'model': {'a': np.array([{}], dtype=object)}}, "'a' of .* is of type object; expected"),
        ({'model': {'a': np.zeros(1, [('field', 'f4')])}}, "'a' of .* is of type .*field"),
    ],
)
def test_pickles_of_other_content(tmp_path: Path, content: object, message: str) -> None:
    with pytest.raises(CheckpointError, match=message):
        read_array_pickle(written(tmp_path, content))


def test_damaged_files(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match='does not exist'):
        read_array_pickle(tmp_path / 'absent.pkl')
    path = written(tmp_path, {'model': ARRAYS})
    whole = path.read_bytes()
    for damaged in (
        b'',
        b'noise',
        whole[:-20],
        whole.replace(b'K\x02K\x03\x86', b'K\x02K\x09\x86'),
    ):
        path.write_bytes(damaged)
        with pytest.raises(CheckpointError, match='damaged or not a pickle of arrays'):
            read_array_pickle(path)

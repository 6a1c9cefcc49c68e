# SPDX-License-Identifier: Apache-2.0
"""Either exported model, and images for it."""

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from cuda_double import Device, cuda_double


@pytest.fixture(scope='session', params=['small', pytest.param('r50', marks=pytest.mark.slow)])
def model_folder(request: pytest.FixtureRequest) -> Path:
    return request.getfixturevalue(f'{request.param}_folder')


@pytest.fixture
def copied_folder(small_folder: Path, tmp_path: Path) -> Path:
    """A copy of the small model's folder that a test may damage."""
    folder = tmp_path / 'model'
    folder.mkdir()
    for path in small_folder.iterdir():
        (folder / path.name).write_bytes(path.read_bytes())
    return folder


@pytest.fixture
def device() -> Iterator[Device]:
    """The double of a GPU."""
    with cuda_double() as double:
        yield double


@pytest.fixture(scope='session')
def images() -> Callable[..., np.ndarray]:
    """Makes uint8 noise of a shape, the same for the same shape."""

    def make(*shape: int) -> np.ndarray:
        return np.random.default_rng(7).integers(0, 256, shape, np.uint8)

    return make

# SPDX-License-Identifier: Apache-2.0
"""The median against NumPy's."""

import numpy as np
import pytest

from afformer_core.geometry.median import median


@pytest.mark.parametrize('count', [1, 2, 3, 4, 37, 100])
def test_it_is_that_of_numpy(count):
    values = np.random.default_rng(count).normal(size=count).astype(np.float32)
    before = values.copy()
    assert median(values) == pytest.approx(float(np.median(values)), rel=1e-6)
    assert np.array_equal(values, before)


def test_infinite_values_are_the_largest():
    assert median(np.array([np.inf, 1.0, 2.0])) == 2.0

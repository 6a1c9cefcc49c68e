# SPDX-License-Identifier: Apache-2.0
"""Keeps NumPy from taking the cores that the model computes on."""

from __future__ import annotations

from threadpoolctl import threadpool_limits


def use_one_numpy_thread() -> None:
    """Have NumPy's linear algebra compute in the thread that calls it, in this whole process.

    Besides the model only small matrices are multiplied; to wake other threads for them takes
    longer than the products, and these then wait for work in a loop while the model computes.
    """
    threadpool_limits(1, user_api='blas')

# SPDX-License-Identifier: Apache-2.0
"""Limit of NumPy's threads, so that the model's cores stay free."""

from __future__ import annotations

from threadpoolctl import threadpool_limits


def use_one_numpy_thread() -> None:
    """Have NumPy's linear algebra compute in the thread that calls it, in this whole process.

    Besides the model only small matrices are multiplied; to wake other threads for them takes
    longer than the products, and these then wait for work in a loop while the model computes.
    """
    threadpool_limits(1, user_api='blas')

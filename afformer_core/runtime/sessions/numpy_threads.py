# SPDX-License-Identifier: Apache-2.0
"""Limit of NumPy's threads, so that the model's cores stay free."""

from __future__ import annotations

from threadpoolctl import threadpool_limits


def use_one_numpy_thread() -> None:
    """Limit NumPy's linear algebra to the calling thread, in the whole process.

    Besides the model only small matrices are multiplied; waking other threads for them takes
    longer than the products, and these threads then spin while the model computes.
    """
    threadpool_limits(1, user_api='blas')

# SPDX-License-Identifier: Apache-2.0
"""A limit of NumPy's threads, which keeps cores free for the model."""

from __future__ import annotations

from threadpoolctl import threadpool_limits


def use_one_numpy_thread() -> None:
    """Limit NumPy's linear algebra to the calling thread, in the whole process.

    Apart from the model, only small matrices are multiplied. Waking other threads for them takes
    longer than the products, and these threads then spin while the model runs.
    """
    threadpool_limits(1, user_api='blas')

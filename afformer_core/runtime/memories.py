# SPDX-License-Identifier: Apache-2.0
"""Features of demonstrations at rest, and copies in the form in which they are used."""

from __future__ import annotations

import weakref
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from afformer_core.arrays import FloatArray

Source = TypeVar('Source')
Copy = TypeVar('Copy')


@dataclass(frozen=True, eq=False)
class CompactFeatures:
    """Features of a demonstration's frames, from which its memory can be computed again.

    For the shipped model they take an eighth of the space of that memory.

    Attributes:
        values: float16 [T, C, rows, columns], or float32 if a number exceeds half precision.
    """

    values: NDArray[np.floating[Any]]

    @classmethod
    def of(cls, features: FloatArray) -> CompactFeatures:
        """Return a compact copy of float32 features [T, C, rows, columns]."""
        with np.errstate(over='ignore'):
            half = features.astype(np.float16)
        fits = np.isfinite(half).all() or not np.isfinite(features).all()
        return cls(half if fits else features.astype(np.float32))

    def expanded(self) -> FloatArray:
        """Return the features in float32."""
        return self.values.astype(np.float32)


class RecentCopies(Generic[Source, Copy]):
    """Copies of the most recently used objects, kept as long as the objects exist.

    Args:
        copy: function that makes the copy of an object.
        most: maximum number of copies; the least recently used ones are freed.
    """

    def __init__(self, copy: Callable[[Source], Copy], most: int) -> None:
        self._copy = copy
        self._most = most
        # By identity. An object may be freed in any thread: each step on the dictionary is atomic.
        self._copies: OrderedDict[int, tuple[weakref.ref[Source], Copy]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._copies)

    def of(self, source: Source) -> Copy:
        """Return the copy of an object, the same one as long as it is kept."""
        key = id(source)
        if key in self._copies:
            self._copies.move_to_end(key)
            return self._copies[key][1]
        # Evict before copying, so that both never coexist.
        while len(self._copies) >= self._most:
            self._copies.popitem(last=False)
        copy = self._copy(source)
        copies = self._copies
        self._copies[key] = weakref.ref(source, lambda _: copies.pop(key, None)), copy
        return copy

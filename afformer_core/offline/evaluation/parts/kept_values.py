# SPDX-License-Identifier: Apache-2.0
"""Caching of functions of images, for images that several predictors use."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from hashlib import sha256
from typing import Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

Value = TypeVar('Value')


class KeptByImage(Generic[Value]):
    """A function with a cache of its results for the last images, by their pixels.

    Args:
        function: function of uint8 RGB [H, W, 3].
        count: number of cached results.
    """

    def __init__(self, function: Callable[[NDArray[np.uint8]], Value], count: int = 64) -> None:
        self._function = function
        self._count = count
        self._kept: OrderedDict[bytes, Value] = OrderedDict()

    def __call__(self, image: NDArray[np.uint8]) -> Value:
        """Return the function's result, which must not be modified."""
        key = sha256(repr(image.shape).encode() + image.tobytes()).digest()
        if key not in self._kept:
            self._kept[key] = self._function(image)
            if len(self._kept) > self._count:
                self._kept.popitem(last=False)
        self._kept.move_to_end(key)
        return self._kept[key]

# SPDX-License-Identifier: Apache-2.0
"""Work that is slow enough for a machine to die in it; other processes can import it."""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from afformer_core.runtime import ArrayGrounder


class SlowGrounder(ArrayGrounder):
    """Takes half a second more for each demonstration."""

    def set_demonstration(self, *arguments: Any, **options: Any) -> Any:
        time.sleep(0.5)
        return super().set_demonstration(*arguments, **options)


def slow_image(number: int) -> np.ndarray:
    """An image of noise, uint8 [1, 64, 64, 3], after half a second."""
    time.sleep(0.5)
    return image(number)


def image(number: int) -> np.ndarray:
    """The same at once."""
    return np.random.default_rng(number).integers(0, 256, (1, 64, 64, 3), np.uint8)

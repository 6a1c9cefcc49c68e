# SPDX-License-Identifier: Apache-2.0
"""Types of arrays."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

UInt8Array = NDArray[np.uint8]


FloatArray = NDArray[np.float32]

# SPDX-License-Identifier: Apache-2.0
"""Work that is slow enough for a machine to die in it; other processes can import it."""

from __future__ import annotations

import time
from typing import Any

from afformer_core.runtime import ArrayGrounder


class SlowGrounder(ArrayGrounder):
    """Takes half a second more for each demonstration."""

    def set_demonstration(self, *arguments: Any, **options: Any) -> Any:
        time.sleep(0.5)
        return super().set_demonstration(*arguments, **options)

# SPDX-License-Identifier: Apache-2.0
"""Waits for what another thread or process does."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

# Seconds that a machine under load may take, within the limit of a test.
PATIENCE = 100.0


def wait_until(
    condition: Callable[[], Any],
    what: str = 'the condition in the traceback',
    pause: Callable[[], object] = lambda: time.sleep(0.01),
) -> Any:
    """Wait until a condition holds, with a pause after each check; return what it gave."""
    end = time.monotonic() + PATIENCE
    while not (result := condition()):
        if time.monotonic() > end:
            pytest.fail(f'timed out after {PATIENCE:.0f} s waiting for {what}')
        pause()
    return result

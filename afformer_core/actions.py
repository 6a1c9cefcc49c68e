# SPDX-License-Identifier: Apache-2.0
"""The actions that a demonstration may show."""

from __future__ import annotations

OPRA_ACTIONS: tuple[str, ...] = (
    'hold',
    'touch',
    'rotate',
    'push',
    'pull',
    'pick up',
    'put down',
)

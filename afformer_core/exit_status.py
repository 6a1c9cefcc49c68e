# SPDX-License-Identifier: Apache-2.0
"""Descriptions of the exit status of a process."""

from __future__ import annotations

import signal


def describe_exit(status: int) -> str:
    """Describe how a process ended.

    Args:
        status: as `subprocess` gives it: the negative number of the signal that ended it.
    """
    if status >= 0:
        return f'ended with status {status}'
    try:
        name = signal.Signals(-status).name
    except ValueError:
        name = f'signal {-status}'
    reason = ', probably for lack of memory' if status == -signal.SIGKILL else ''
    return f'was killed by {name}{reason}'

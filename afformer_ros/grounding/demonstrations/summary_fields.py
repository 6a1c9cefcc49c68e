# SPDX-License-Identifier: Apache-2.0
"""Summaries of finished demonstrations in the answers of services and actions."""

from __future__ import annotations

from typing import Any, TypeVar

from afformer_core.demonstrations.state import Summary

Answer = TypeVar('Answer', bound=Any)

_NAMES = (
    'name',
    'frames',
    'frames_kept',
    'frames_lost',
    'duration',
    'begin',
    'end',
    'trimmed_by',
)


def fill_summary(answer: Answer, summary: Summary) -> Answer:
    """Set every field of a message that a summary contains, and return the message."""
    for name in _NAMES:
        if hasattr(answer, name):
            setattr(answer, name, getattr(summary, name))
    return answer

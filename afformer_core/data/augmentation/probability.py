# SPDX-License-Identifier: Apache-2.0
"""The check that an option is a probability."""

from __future__ import annotations


def require_probability(probability: float) -> None:
    """Raise ValueError for what is no probability."""
    if not 0 <= probability <= 1:
        raise ValueError(f'a probability is {probability}; expected 0 to 1')

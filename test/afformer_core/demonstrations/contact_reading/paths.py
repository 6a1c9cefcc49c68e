# SPDX-License-Identifier: Apache-2.0
"""Paths of hands from literal values."""

from __future__ import annotations

import numpy as np

from afformer_core.demonstrations.contact_reading.hand_paths import HandPath


def path_of(
    tips: np.ndarray, track: int = 0, comotion: np.ndarray | None = None, gaps=None, palms=None
) -> HandPath:
    """A path at 10 frames a second, from 2 s on, of a hand of 20 pixels."""
    count = len(tips)
    return HandPath(
        track=track,
        times=2.0 + np.arange(count) / 10,
        tips=np.asarray(tips, float),
        palms=np.asarray(tips if palms is None else palms, float),
        gaps=np.full(count, 0.5) if gaps is None else np.asarray(gaps, float),
        size=20.0,
        comotion=np.full(count, np.nan) if comotion is None else np.asarray(comotion, float),
    )

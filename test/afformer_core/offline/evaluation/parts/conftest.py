# SPDX-License-Identifier: Apache-2.0
"""Pairs of literal outlines without media."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from afformer_core.offline.data.readers.part_pairs import PartPair, PartPairsDataset

PairMaker = Callable[..., PartPair]


@pytest.fixture
def make_pair(tmp_path: Path) -> PairMaker:
    """Makes a pair on a target of 100x50 without media; one part from (20, 10) to (40, 30)."""

    def make(**changes: Any) -> PartPair:
        entry = {
            'clip': 'clip.mp4',
            'target': 'target.png',
            'target_size': [100, 50],
            'parts': [[[20, 10], [40, 10], [40, 30], [20, 30]]],
            'action': 'pull',
            **changes,
        }
        (tmp_path / 'pairs.json').write_text(json.dumps([entry]))
        return PartPairsDataset(tmp_path).pairs[0]

    return make

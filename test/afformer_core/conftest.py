# SPDX-License-Identifier: Apache-2.0
"""A small RGB-D bag."""

from __future__ import annotations

from pathlib import Path

import pytest

from afformer_core.sim.rgbd_bag import write_rgbd_bag
from afformer_core.sim.rgbd_plan import RgbdBagPlan


@pytest.fixture(scope='session')
def rgbd(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder with `bag` (8 demonstration frames, 6 images of 160 x 120) and annotations."""
    folder = tmp_path_factory.mktemp('rgbd') / 'recording'
    plan = RgbdBagPlan(seed=7, size=(160, 120), seconds=0.2, demonstration_frames=8)
    list(write_rgbd_bag(folder, plan))
    return folder

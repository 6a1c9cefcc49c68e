# SPDX-License-Identifier: Apache-2.0
"""Settings of datasets, bags and trials that cannot be."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from afformer_sim.closed_loop.trial import ClosedLoopSettings
from afformer_sim.datasets.layouts import DatasetSettings
from afformer_sim.datasets.rgbd_bag import RgbdBagSettings


@pytest.mark.parametrize(
    ('settings', 'fields', 'message'),
    [
        (DatasetSettings, {'scenes': 0}, 'scenes is 0; expected at least 1'),
        (DatasetSettings, {'families': ()}, 'families are none; expected some of'),
        (DatasetSettings, {'longest_side': 8}, 'at least 32'),
        (DatasetSettings, {'hand': 'paw'}, "hand is 'paw'; expected one of"),
        (RgbdBagSettings, {'size': (16, 16)}, 'at least 32 x 32'),
        (RgbdBagSettings, {'seconds': 0}, 'and at least one'),
        (RgbdBagSettings, {'seed': -1}, 'seed is -1; expected at least 0'),
        (RgbdBagSettings, {'family': 'spoon'}, 'families are spoon; expected some of'),
        (ClosedLoopSettings, {'families': ('spoon',)}, 'families are spoon; expected some of'),
        (ClosedLoopSettings, {'size': (16, 16)}, 'at least 32 x 32'),
        (ClosedLoopSettings, {'noise': -0.1}, 'noise is -0.1, .* expected noise of at least 0'),
    ],
)
def test_impossible_settings_are_refused(
    settings: Callable[..., object], fields: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        settings(**{'seed': 1, **fields})

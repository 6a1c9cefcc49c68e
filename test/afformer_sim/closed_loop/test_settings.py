# SPDX-License-Identifier: Apache-2.0
"""Settings of trials that cannot be."""

from __future__ import annotations

from typing import Any

import pytest

from afformer_sim.closed_loop.settings import ClosedLoopSettings


@pytest.mark.parametrize(
    ('fields', 'message'),
    [
        ({'families': ('spoon',)}, 'families are spoon; expected some of'),
        ({'views': 0}, 'views is 0; expected at least 1'),
        ({'size': (16, 16)}, 'at least 32 x 32'),
        ({'seed': -1}, 'seed is -1; expected at least 0'),
        ({'noise': -0.1}, 'noise is -0.1, .* expected noise of at least 0'),
    ],
)
def test_impossible_settings_are_refused(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        ClosedLoopSettings(**fields)

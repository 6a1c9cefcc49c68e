# SPDX-License-Identifier: Apache-2.0
"""The cost of fewer bits, of two runs whose heatmaps and peaks are known."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from afformer_core.data.sample import Sample
from afformer_core.evaluation.pairs import precision_loss as module
from afformer_core.evaluation.pairs.pairs import Pair
from afformer_core.evaluation.protocols.protocols import RowsProtocol
from afformer_core.models import afformer_small

PROTOCOL = RowsProtocol()
CONFIGURATION = afformer_small(('press',), (64, 128))
# Where the best peaks of the other session lie, in pixels of an image of 256x256.
MOVED = ((20.0, 30.0), (22.0, 30.0), (20.0, 34.0), (22.0, 34.0))


def pair(number: int) -> Pair:
    points = (np.array([[20.0, 30.0]]),)
    paths = Path(f'{number}.mp4'), Path('a.jpg')
    return Pair(Sample(str(number), *paths, (256, 256), (0,), points), None)


def run_of(grounder: Any, protocol: RowsProtocol) -> Any:
    """Of the exact session the target; of the other one a uniform map and a peak that moved."""
    (target,) = PROTOCOL.targets(PROTOCOL.rows([pair(0).sample]))

    def ground(one: Pair) -> Any:
        exact = grounder == 'exact'
        u, v = MOVED[0] if exact else MOVED[int(one.sample.sample_id)]
        heatmap = target if exact else np.full((256, 256), 1 / 256**2, np.float32)
        return SimpleNamespace(heatmap=heatmap, peaks=[SimpleNamespace(u=u, v=v)])

    return SimpleNamespace(ground=ground)


def test_divergences_and_peaks_within_a_pixel_of_the_input(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, 'ModelRun', run_of)
    monkeypatch.setattr(module, 'ArrayGrounder', lambda configuration, networks: networks.decoder)
    exact: Any = 'exact'
    other: Any = 'other'

    found = module.precision_loss([pair(n) for n in range(4)], CONFIGURATION, exact, other)

    (target,) = PROTOCOL.targets(PROTOCOL.rows([pair(0).sample]))
    expected = target.astype(np.float64)
    assert found['pairs'] == 4
    assert found['exact_kld'] == pytest.approx(0, abs=1e-6)
    assert found['kld'] == pytest.approx((expected * np.log(expected * 256**2)).sum(), rel=1e-4)
    # Two pixels across are one of 128, four down are one of 64; both are the root of two.
    assert found['within_a_pixel'] == 0.75

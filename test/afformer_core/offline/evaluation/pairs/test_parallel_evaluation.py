# SPDX-License-Identifier: Apache-2.0
"""Pairs that processes share."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from afformer_core.errors import ImageError
from afformer_core.offline.data.annotations import open_annotations
from afformer_core.offline.evaluation.pairs.pairs import choose_pairs
from afformer_core.offline.evaluation.pairs.parallel_evaluation import (
    RunSettings,
    evaluate_pairs,
    open_run,
)
from afformer_core.offline.evaluation.protocols.protocols import RowsProtocol
from afformer_core.offline.parallel.local_engine import LocalEngine
from afformer_core.runtime import ArrayGrounder


@pytest.fixture
def settings(model_folder: Path) -> RunSettings:
    return RunSettings(
        partial(ArrayGrounder.load, model_folder, 'torch', 1), RowsProtocol((32, 32)), 7
    )


@pytest.mark.slow
def test_two_processes_find_the_same_as_one(scenes: Path, settings: RunSettings) -> None:
    pairs = choose_pairs(list(open_annotations(scenes)))
    one = evaluate_pairs(settings, pairs, LocalEngine(1), progress=False)
    two = evaluate_pairs(settings, pairs, LocalEngine(2), progress=False)

    assert len({pair.sample.group for pair in pairs}) == 3
    for pair, first, second in zip(pairs, one, two, strict=True):
        assert first.pair is pair
        assert second.pair.sample.sample_id == pair.sample.sample_id
        assert second.action_scores == first.action_scores
        assert second.peak == first.peak
        assert np.array_equal(second.scores.auc_judd, first.scores.auc_judd)


def test_a_run_is_opened_once_in_a_process(settings: RunSettings) -> None:
    assert open_run(settings) is open_run(settings)


@pytest.mark.slow
def test_an_error_in_another_process_is_raised(
    scenes: Path, settings: RunSettings, tmp_path: Path
) -> None:
    first, *rest = choose_pairs(list(open_annotations(scenes)))
    broken = replace(first, sample=replace(first.sample, image_path=tmp_path / 'gone.jpg'))
    with pytest.raises(ImageError, match=r'gone\.jpg does not exist; expected an image file'):
        evaluate_pairs(settings, [broken, *rest], LocalEngine(2), progress=False)

# SPDX-License-Identifier: Apache-2.0
"""A model that scores no actions, as after pre-training, is exported and run as any other."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from afformer_core.models import afformer_small
from afformer_core.runtime import ArrayGrounder, Grounding
from afformer_core.runtime.export.export import export_graphs
from afformer_core.runtime.weights import save_model

from ..conftest import random_model


@pytest.fixture(scope='module')
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp('without_actions')
    save_model(folder, random_model(afformer_small((), (64, 64))), {})
    return folder


def grounded(folder: Path, backend: str, images: Callable[..., np.ndarray]) -> Grounding:
    grounder = ArrayGrounder.load(folder, backend)
    grounder.set_demonstration(images(3, 64, 64, 3), 'press')
    return grounder.ground(images(48, 64, 3), 'press')


def test_there_is_a_peak_and_no_action(folder: Path, images: Callable[..., np.ndarray]) -> None:
    grounding = grounded(folder, 'torch', images)

    assert grounding.peaks
    assert grounding.action_scores == {}
    assert (grounding.action, grounding.answer) == ('', '')


@pytest.mark.slow
def test_exported_graphs_find_the_same_peak(
    folder: Path, images: Callable[..., np.ndarray]
) -> None:
    export_graphs(folder)
    found, expected = (grounded(folder, each, images) for each in ('onnxruntime', 'torch'))

    assert found.action_scores == {}
    np.testing.assert_allclose(found.probabilities, expected.probabilities, atol=1e-5)

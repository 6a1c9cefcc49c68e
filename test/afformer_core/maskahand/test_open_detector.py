# SPDX-License-Identifier: Apache-2.0
"""Detectors by what users call them."""

from pathlib import Path

import pytest

from afformer_core.errors import ModelFolderError
from afformer_core.maskahand.open_detector import open_hand_detector


def test_mediapipe_without_its_model_says_how_to_get_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv('XDG_CACHE_HOME', str(tmp_path))

    with pytest.raises(ModelFolderError, match=r'no hand model .*`afformer fetch-hand-model`'):
        open_hand_detector('mediapipe')


@pytest.mark.parametrize('name', ['nowhere', 'nowhere.task', ''])
def test_what_is_no_detector_is_refused(name: str) -> None:
    with pytest.raises(ModelFolderError, match='is no hand detector'):
        open_hand_detector(name)


def test_the_simulated_one_comes_with_the_package() -> None:
    detector = open_hand_detector('simulated')

    assert detector.name.startswith('fasterrcnn_efficientnet_lite0_fpn ')

# SPDX-License-Identifier: Apache-2.0
"""The model card: what it takes from the model folder and from the benchmark."""

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from afformer_core.errors import ModelFolderError
from afformer_core.models import afformer_small, small_matching
from afformer_core.runtime.calibrations import (
    CertaintyCalibration,
    MatchingSettings,
    PresenceCalibration,
)
from afformer_core.runtime.coarse_to_fine import ZoomStage
from afformer_core.runtime.model_folder import (
    MATCHING_FOLDER,
    read_description,
    read_matching_description,
    write_description,
)
from afformer_core.runtime.weights import save_matching_network, save_model
from studies.weights.card import write_card

from ...afformer_core.conftest import random_matching_network, random_model

COMMANDS = ('afformer train -c config/x.yaml', 'afformer calibrate button_finder')


@pytest.fixture
def model(tmp_path: Path) -> Path:
    folder = tmp_path / 'button_finder'
    beside = folder / MATCHING_FOLDER
    save_model(folder, random_model(afformer_small(('press', 'hold'), (64, 96))), {'step': 3000})
    matching = random_matching_network(small_matching((128, 192)))
    save_matching_network(beside, matching, {'step': 700}, torch.int8)
    weights = read_matching_description(beside).weights_sha256
    alone = replace(read_description(folder), zoom_stages=(ZoomStage(1.5, 1.8),))
    matched = replace(alone, matching=MatchingSettings(0.0231, weights))
    presence = PresenceCalibration(
        1.0, 2.0, -1.0, 0.26, 0.97, 600, 'validation.json', matched.all_weights_sha256
    )
    write_description(folder, replace(matched, calibration=presence))
    return folder


def card(model: Path, tmp_path: Path, measures: Mapping[str, object]) -> str:
    benchmark, output = tmp_path / 'benchmark.json', tmp_path / 'MODEL_CARD.md'
    splits = {'test-seen': {'schema': 1, 'facts': {}, 'measures': measures}}
    benchmark.write_text(json.dumps({'schema': 1, 'splits': splits}))
    write_card(model, benchmark, output, COMMANDS)
    return output.read_text()


def test_the_card_tells_both_networks(model: Path, tmp_path: Path) -> None:
    text = card(model, tmp_path, {})

    assert text.startswith('# button_finder\n')
    assert '| | Decoder | Matching network |\n|---|---|---|\n' in text
    assert '\n| Input, RGB | 96x64 pixels, 8 frames | 192x128 pixels, 8 frames |\n' in text
    assert '\n| Parameters | 3.5 million | 3.5 million |\n' in text
    assert '\n| File | 14.1 MB | 3.7 MB |\n' in text
    assert '\n| Steps of its last training | 3000 | 700 |\n' in text
    assert 'Actions: press, hold. Licence: Apache-2.0.' in text


def test_the_card_tells_how_the_model_was_made_and_calibrated(model: Path, tmp_path: Path) -> None:
    text = card(model, tmp_path, {})

    assert '```sh\n' + '\n'.join(COMMANDS) + '\n```\n' in text
    assert '\n1. 1.5 times the demonstration, 1.8 the image.\n' in text
    assert "the decoder's confidence is 0.023." in text
    assert 'on 600 pairs of simulation (AUROC 0.97); below 0.26 an' in text


def test_certainty_is_told_where_it_was_calibrated(model: Path, tmp_path: Path) -> None:
    assert 'Certainty' not in card(model, tmp_path, {})
    own = read_description(model)
    found = CertaintyCalibration(0.7, 0.4, 0.74, 84, 'real', own.all_weights_sha256, 0.71, 0.965)
    write_description(model, replace(own, certainty=found))

    text = card(model, tmp_path, {})

    assert 'was calibrated on 84 real pairs\n(AUROC 0.74)' in text
    assert '\n0.71, and an action is known from a score of 0.965 on.\n' in text


def test_a_model_without_calibration_has_no_card(model: Path, tmp_path: Path) -> None:
    write_description(model, replace(read_description(model), calibration=None))

    with pytest.raises(ModelFolderError, match='button_finder is not calibrated'):
        card(model, tmp_path, {})


def test_bootstrapped_numbers_have_their_interval(model: Path, tmp_path: Path) -> None:
    inside = {'value': 0.853, 'low': 0.81, 'high': 0.894, 'confidence': 0.95, 'count': 300}
    measures = {
        'predictors': {
            'model': {'kld': 0.5, 'peak_inside': inside, 'nearest': None, 'top_1': 0.86},
            'action_mean_map': {'kld': 2.566},
        }
    }

    text = card(model, tmp_path, measures)

    assert (
        '| split | KLD | KLD of the blind prior | peak inside | nearest element | action |' in text
    )
    assert '| test-seen | 0.50 | 2.57 | 0.85 [0.81, 0.89] | - | 0.86 |' in text

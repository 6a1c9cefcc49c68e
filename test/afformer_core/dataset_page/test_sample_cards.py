# SPDX-License-Identifier: Apache-2.0
"""Samples as images."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from afformer_core.data.annotations import open_annotations
from afformer_core.data.frame_sampling import UniformSampling, WindowSampling
from afformer_core.dataset_page.page import Card
from afformer_core.dataset_page.sample_cards import sample_cards


def cards(path: Path, sampling: UniformSampling | WindowSampling) -> dict[str, Card]:
    dataset = open_annotations(path)
    made = sample_cards(dataset, dataset.action_names, sampling, 10.0, progress=False)
    return {card.title: card for card in made}


def test_a_card_says_what_it_shows(pairs: Path) -> None:
    card = cards(pairs, UniformSampling(4))['espresso/press.mp4/kitchen.png']
    assert card.groups == ('press',)
    assert card.facts == ('image 64x48', 'demonstration 64x48, 1.2 s', '4 frames')
    assert [figure.caption for figure in card.figures] == ['image', 'press, 2 points']
    assert card.problem == ''


def test_frames_are_those_of_the_sampling_in_the_shape_of_the_clip(pairs: Path) -> None:
    card = cards(pairs, UniformSampling(4))['espresso/press.mp4/kitchen.png']
    assert [frame.shape for frame in card.frames] == [(120, 160, 3)] * 4
    # Frame k has grey level 40 + 10 k; 0, 4, 7 and 11 are shown.
    shades = [round(float(frame.mean())) for frame in card.frames]
    assert np.abs(np.array(shades) - (40, 80, 110, 150)).max() <= 3


def test_of_many_frames_eight_are_shown(pairs: Path) -> None:
    card = cards(pairs, UniformSampling(64))['espresso/press.mp4/kitchen.png']
    assert len(card.frames) == 8
    assert card.facts[-1] == '8 of 12 frames'


def test_of_windows_the_first_is_shown(pairs: Path) -> None:
    card = cards(pairs, WindowSampling(10.0, 6, 3))['espresso/press.mp4/kitchen.png']
    assert card.facts[-1] == '6 frames of the first of 3 windows'
    shades = [round(float(frame.mean())) for frame in card.frames]
    assert np.abs(np.array(shades) - (40, 50, 60, 70, 80, 90)).max() <= 3


def test_the_heatmap_lies_at_the_point(pairs: Path) -> None:
    # The point is (1, 2) of 32x24; the tile is ten times as large.
    card = cards(pairs, UniformSampling(4))['espresso/press.mp4/office.png']
    plain, overlay = (figure.image.astype(int) for figure in card.figures)
    assert overlay.shape == (240, 320, 3)
    changed = np.abs(overlay - plain).sum(axis=2)
    assert changed[20:30, 10:20].mean() > 100
    assert changed[120:, 160:].max() <= 6


def test_what_is_missing_is_told_and_the_rest_is_shown(pairs: Path) -> None:
    (pairs / 'espresso/demonstrations/press.mp4').unlink()
    card = cards(pairs, UniformSampling(4))['espresso/press.mp4/kitchen.png']
    assert card.frames == ()
    assert 'does not exist; expected a video file' in card.problem
    assert len(card.figures) == 2


def test_a_missing_image_leaves_its_heatmap(pairs: Path) -> None:
    dataset = open_annotations(pairs)
    (pairs / 'espresso/images/office.png').unlink()
    (card,) = sample_cards(
        [each for each in dataset if each.image_path.name == 'office.png'],
        dataset.action_names,
        UniformSampling(4),
        progress=False,
    )
    assert [figure.caption for figure in card.figures] == ['press, 1 point']
    assert 'does not exist; expected an image file' in card.problem

# SPDX-License-Identifier: Apache-2.0
"""The detector of simulated hands that comes with the package."""

from __future__ import annotations

from pathlib import Path

import pytest

from afformer_core.hands.average_precision import (
    eleven_point_precision,
    hands_found,
    interactions_found,
)
from afformer_core.hands.detector import HandDetector
from afformer_core.hands.detector_folder import read_detector_description
from afformer_core.hands.frame_stack import NOW
from afformer_core.hands.hand import Hand
from afformer_core.hands.hand_annotations import AnnotatedImage, read_hand_annotations
from afformer_core.hands.open_detector import open_hand_detector, shipped_hand_detector
from afformer_core.media.images import read_image
from afformer_core.media.video import VideoFrame
from afformer_sim.datasets.layouts import HandsSettings, write_scenes
from afformer_sim.scene.scene import SEEN_FAMILIES


def test_it_is_small_and_says_how_it_was_made() -> None:
    folder = shipped_hand_detector()

    assert (folder / 'detector.safetensors').stat().st_size < 12e6
    assert (folder / 'MODEL_CARD.md').is_file()
    description = read_detector_description(folder)
    assert description.interval == 0.2
    assert 'config/train/hands/light.yaml' in description.training['commands'][0]


def hands_in(detector: HandDetector, image: AnnotatedImage) -> tuple[Hand, ...]:
    """The hands of an image between its neighbours, about 0.25 s apart."""
    paths = (*image.neighbours[:NOW], image.image, *image.neighbours[NOW:])
    video = [VideoFrame(i * 0.25, read_image(path)) for i, path in enumerate(paths)]
    return list(detector.detect(video))[NOW]


@pytest.mark.slow
def test_it_finds_hands_and_interactions(tmp_path: Path) -> None:
    """Of scenes that it never saw; the numbers of the whole split are in its card."""
    settings = HandsSettings(seed=7, scenes=12, families=SEEN_FAMILIES, held_out=True)
    list(write_scenes(tmp_path, 'test', settings))
    images = read_hand_annotations(tmp_path, 'test')
    detector = open_hand_detector('simulated')
    detected = [hands_in(detector, image) for image in images]
    annotated = [image.hands for image in images]

    assert eleven_point_precision(hands_found(detected, annotated)) > 0.65
    assert eleven_point_precision(interactions_found(detected, annotated)) > 0.3

# SPDX-License-Identifier: Apache-2.0
"""`afformer evaluate-hands` on images whose hands are known."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from afformer_core.cli.main import main
from afformer_core.hands import open_detector
from afformer_core.hands.detector import HandDetector
from afformer_core.hands.detector_report import detect_in_images
from afformer_core.hands.hand import Hand
from afformer_core.hands.hand_annotations import read_hand_annotations
from afformer_core.media.video import VideoFrame

BOX = (4.0, 4.0, 20.0, 20.0)


class WhiteHands(HandDetector):
    """Takes what is lighter than grey for a hand that interacts, wherever it is."""

    name = 'white 01234567'
    interaction_score = 0.8
    least_rate = 0.0

    def detect(self, frames: Iterable[VideoFrame]) -> Iterator[tuple[Hand, ...]]:
        video = list(frames)
        # An image is a video of its own, or in the middle of one.
        times = [frame.time for frame in video]
        assert times in ([0.0], [0.0, 0.25, 0.5, 0.75, 1.0, 1.25, 1.5])
        for frame in video:
            brightness = frame.image.mean() / 255
            yield (Hand(BOX, True, 0.9),) if brightness > 0.5 else (Hand(BOX, True, 0.4),)


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    """A white image with a hand in contact, and a dark one with an idle hand."""
    for part in ('JPEGImages', 'Annotations', 'ImageSets/Main'):
        (tmp_path / part).mkdir(parents=True)
    for name, grey, state in (('white', 255, 3), ('dark', 0, 0)):
        image = np.full((32, 32, 3), grey, np.uint8)
        cv2.imwrite(str(tmp_path / 'JPEGImages' / f'{name}.jpg'), image)
        (tmp_path / 'Annotations' / f'{name}.xml').write_text(
            '<annotation><size><width>32</width><height>32</height></size><object>'
            f'<name>hand</name><contactstate>{state}</contactstate><bndbox><xmin>5</xmin>'
            '<ymin>5</ymin><xmax>20</xmax><ymax>20</ymax></bndbox></object></annotation>'
        )
    (tmp_path / 'ImageSets' / 'Main' / 'test.txt').write_text('white\ndark\n')
    return tmp_path


@pytest.fixture(autouse=True)
def detector(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        open_detector, 'open_hand_detector', lambda name, minimum_score: WhiteHands()
    )


def test_a_image_is_between_its_neighbours(dataset: Path) -> None:
    for step in ('-3', '-2', '-1', '+1', '+2', '+3'):
        part = dataset / f'JPEGImages{step}'
        part.mkdir()
        cv2.imwrite(str(part / 'white.jpg'), np.zeros((32, 32, 3), np.uint8))
    images = read_hand_annotations(dataset, 'test')
    found = list(detect_in_images(WhiteHands(), images))

    assert [len(image.neighbours) for image in images] == [6, 0]
    assert [[hand.score for hand in hands] for hands in found] == [[0.9], [0.4]]


def test_hands_and_interactions(dataset: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(['evaluate-hands', 'model', str(dataset), '--json', '-']) == 0
    report = json.loads(capsys.readouterr().out)

    assert report['facts']['detector'] == 'white 01234567'
    measures = report['measures']
    assert measures['hand'] == {'hands': 2, 'eleven_points': 1.0, 'area': 1.0}
    # The idle hand is in the wrong state: half of the recalls have a precision of 1.
    assert measures['hand_and_interaction'] == {
        'hands': 2,
        'eleven_points': pytest.approx(6 / 11),
        'area': 0.5,
    }
    assert measures['interaction_alone'] == {'hands': 1, 'eleven_points': 1.0, 'area': 1.0}
    assert measures['interactions'] == {
        'minimum_score': 0.8, 'found': 1, 'precision': 1.0, 'recall': 1.0,
    }  # fmt: skip


def test_tables_for_people_and_a_file(
    dataset: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / 'hands.json'
    assert main(['evaluate-hands', 'model', str(dataset), '--json', str(path)]) == 0

    printed = capsys.readouterr().out
    assert '| hand + interaction | ' in printed
    assert '| score of at least 0.8 |     1 |     1.000 |  1.000 |' in printed
    report = json.loads(path.read_text())
    assert list(report) == ['facts', 'measures', 'provenance']
    assert list(report['provenance']['data']) == [str(dataset / 'ImageSets/Main/test.txt')]


def test_a_split_that_is_not_there(dataset: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(['evaluate-hands', 'model', str(dataset), '--split', 'val']) == 1
    assert 'val.txt' in capsys.readouterr().err

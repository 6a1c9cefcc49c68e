# SPDX-License-Identifier: Apache-2.0
"""Exemplars made of annotated pairs: which marks, of which pairs, and beside which others."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from afformer_core.offline.data.sample import Sample
from afformer_core.offline.training.module import add_exemplars, make_exemplars, marks_inside
from afformer_core.runtime import ArrayGrounder
from afformer_core.runtime.model_folder import read_description, read_exemplars, write_description
from afformer_core.runtime.session import Stages
from afformer_core.runtime.sessions.torch_session import TorchMatchingSession

SIZE = (96, 64)

Pairs = Callable[..., list[Sample]]


def panel(seed: int) -> np.ndarray:
    """An image of 96x64 in which every point looks like no other."""
    noise = np.random.default_rng(seed).integers(0, 256, (8, 12, 3), np.uint8)
    return np.asarray(cv2.resize(noise, SIZE, interpolation=cv2.INTER_CUBIC))


@pytest.fixture
def pairs(tmp_path: Path) -> Pairs:
    """Function from marks, one list for each pair, to pairs with one demonstration."""
    clip = tmp_path / 'clip'
    clip.mkdir()
    for number in range(3):
        frame = panel(0)
        if number:
            frame[15 : 30 + 5 * number, 50:75] = 128
        cv2.imwrite(str(clip / f'{number:03}.png'), frame)

    def build(*marks: list[tuple[float, float]]) -> list[Sample]:
        samples = []
        for number, points in enumerate(marks):
            path = tmp_path / f'{number}.png'
            cv2.imwrite(str(path), panel(number + 1))
            samples.append(
                Sample(f'pair {number}', clip, path, SIZE, (2,), (np.array(points, float),))
            )
        return samples

    return build


def test_marks_outside_of_the_image_are_left_out(
    pairs: Pairs, matched_folder: Path, tmp_path: Path
) -> None:
    inside, outside = pairs([(60, 20), (96, 20), (-0.6, 3)], [(40, 64.2)])

    assert marks_inside(inside).tolist() == [[60.5 / 96, 20.5 / 64]]
    assert make_exemplars(matched_folder, [outside], 5) is None
    found = make_exemplars(matched_folder, [outside, inside], 5)
    assert found is not None
    assert (len(found), len(found.marks)) == (1, 1)
    folder = Path(shutil.copytree(matched_folder, tmp_path / 'model'))
    write_description(folder, replace(read_description(folder), matching=None))
    assert make_exemplars(folder, [inside], 5) is None


def test_marks_of_all_pairs_belong_to_their_own(
    pairs: Pairs, matched_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    encoded: list[int] = []
    encode = TorchMatchingSession.encode

    def count(session: TorchMatchingSession, images: np.ndarray) -> Stages:
        encoded.append(len(images))
        return encode(session, images)

    monkeypatch.setattr(TorchMatchingSession, 'encode', count)
    samples = pairs([(60, 20), (12, 50)], [(30, 30)])
    found = make_exemplars(matched_folder, samples, 5)
    # The demonstration once, and each image.
    assert encoded == [3, 1, 1]
    assert len(make_exemplars(matched_folder, samples, 1) or ()) == 1
    alone = make_exemplars(matched_folder, samples[1:], 5)

    assert found is not None
    assert alone is not None
    assert found.owners.tolist() == [0, 0, 1]
    np.testing.assert_array_equal(found.marks[2], alone.marks[0])
    np.testing.assert_array_equal(found.means[1], alone.means[0])
    assert np.abs(found.marks[0] - found.marks[1]).max() > 0.01


def test_those_of_an_earlier_training_stay(
    pairs: Pairs, matched_folder: Path, tmp_path: Path
) -> None:
    folder = Path(shutil.copytree(matched_folder, tmp_path / 'model'))
    first, second = (make_exemplars(folder, [each], 5) for each in pairs([(60, 20)], [(30, 30)]))
    assert first is not None
    assert second is not None
    for each in (first, second):
        add_exemplars(folder, each)

    found = read_exemplars(folder, read_description(folder))

    assert found is not None
    assert found.owners.tolist() == [0, 1]
    np.testing.assert_array_equal(found.marks, np.concatenate((first.marks, second.marks)))


def test_the_pair_is_answered_with_its_mark(
    pairs: Pairs, matched_folder: Path, tmp_path: Path
) -> None:
    folder = Path(shutil.copytree(matched_folder, tmp_path / 'model'))
    (sample,) = pairs([(30, 44)])
    frames = [cv2.imread(str(path))[:, :, ::-1] for path in sorted(sample.video_path.iterdir())]
    image = cv2.imread(str(sample.image_path))[:, :, ::-1]

    distances = []
    for _ in range(2):
        grounder = ArrayGrounder.load(folder, 'torch', 1)
        grounder.set_demonstration(frames, 'shown')
        peak = grounder.ground(image, 'shown').peaks[0]
        distances.append(np.hypot(peak.u - 30, peak.v - 44))
        exemplars = make_exemplars(folder, [sample], 5)
        assert exemplars is not None
        add_exemplars(folder, exemplars)

    assert distances[0] > 12 > 5 > distances[1]

# SPDX-License-Identifier: Apache-2.0
"""Exemplars made of annotated pairs, and models that are taught by them."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from afformer_core.errors import AfformerError, DatasetError
from afformer_core.offline.data.sample import Sample
from afformer_core.offline.training.exemplars import (
    add_exemplars,
    make_exemplars,
    marks_inside,
    teach,
)
from afformer_core.runtime import ArrayGrounder
from afformer_core.runtime.calibrations import CertaintyCalibration
from afformer_core.runtime.matching.matching import Matching
from afformer_core.runtime.model_folder import read_description, read_exemplars, write_description
from afformer_core.runtime.session import Stages
from afformer_core.runtime.sessions.torch_session import TorchMatchingSession

SIZE = (96, 64)

Pairs = Callable[..., list[Sample]]


@pytest.fixture(scope='module')
def matching(matched_folder: Path) -> Matching:
    return matching_of(matched_folder)


def matching_of(folder: Path) -> Matching:
    found = ArrayGrounder.load(folder, 'torch', 1).matching
    assert found is not None
    return found


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


def test_marks_outside_of_the_image_are_left_out(pairs: Pairs, matching: Matching) -> None:
    inside, outside = pairs([(60, 20), (96, 20), (-0.6, 3)], [(40, 64.2)])

    assert marks_inside(inside).tolist() == [[60.5 / 96, 20.5 / 64]]
    assert make_exemplars(matching, [outside], 5) is None
    found = make_exemplars(matching, [outside, inside], 5)
    assert found is not None
    assert (len(found), len(found.marks)) == (1, 1)


def test_marks_of_all_pairs_belong_to_their_own(
    pairs: Pairs, matching: Matching, monkeypatch: pytest.MonkeyPatch
) -> None:
    encoded: list[int] = []
    encode = TorchMatchingSession.encode

    def count(session: TorchMatchingSession, images: np.ndarray) -> Stages:
        encoded.append(len(images))
        return encode(session, images)

    monkeypatch.setattr(TorchMatchingSession, 'encode', count)
    samples = pairs([(60, 20), (12, 50)], [(30, 30)])
    found = make_exemplars(matching, samples, 5)
    # The demonstration once, and each image.
    assert encoded == [3, 1, 1]
    assert len(make_exemplars(matching, samples, 1) or ()) == 1
    alone = make_exemplars(matching, samples[1:], 5)

    assert found is not None
    assert alone is not None
    assert found.owners.tolist() == [0, 0, 1]
    np.testing.assert_array_equal(found.marks[2], alone.marks[0])
    np.testing.assert_array_equal(found.means[1], alone.means[0])
    assert np.abs(found.marks[0] - found.marks[1]).max() > 0.01


def test_those_of_an_earlier_training_stay(
    pairs: Pairs, matching: Matching, matched_folder: Path, tmp_path: Path
) -> None:
    folder = Path(shutil.copytree(matched_folder, tmp_path / 'model'))
    first, second = (make_exemplars(matching, [each], 5) for each in pairs([(60, 20)], [(30, 30)]))
    assert first is not None
    assert second is not None
    for each in (first, second):
        add_exemplars(folder, each)

    found = read_exemplars(folder, read_description(folder))

    assert found is not None
    assert found.owners.tolist() == [0, 1]
    np.testing.assert_array_equal(found.marks, np.concatenate((first.marks, second.marks)))


def test_a_taught_model_answers_the_pair_with_its_mark_and_stays_calibrated(
    pairs: Pairs, matched_folder: Path, matching: Matching, tmp_path: Path
) -> None:
    model = Path(shutil.copytree(matched_folder, tmp_path / 'model'))
    own = read_description(model).all_weights_sha256
    certainty = CertaintyCalibration(0.7, -0.2, 0.74, 92, 'pairs.json', own, 0.93, 0.999)
    write_description(model, replace(read_description(model), certainty=certainty))
    (sample,) = pairs([(30, 44)])
    frames = [cv2.imread(str(path))[:, :, ::-1] for path in sorted(sample.video_path.iterdir())]
    image = cv2.imread(str(sample.image_path))[:, :, ::-1]
    taught = tmp_path / 'models' / 'taught'
    done: list[int] = []

    assert teach(model, matching, [sample], taught, done.append) == 1

    distances = []
    for folder in (model, taught):
        grounder = ArrayGrounder.load(folder, 'torch', 1)
        grounder.set_demonstration(frames, 'shown')
        peak = grounder.ground(image, 'shown').peaks[0]
        distances.append(np.hypot(peak.u - 30, peak.v - 44))
    assert distances[0] > 12 > 5 > distances[1]
    assert done == [1]
    assert read_description(taught).valid_calibrations.certainty == certainty
    assert [path.name for path in taught.parent.iterdir()] == ['taught']
    named = [ingredient.origin.source for ingredient in read_description(taught).ingredients]
    assert named == ['training of model', sample.origin.source]


def test_what_cannot_be_taught_leaves_nothing_behind(
    pairs: Pairs, matched_folder: Path, matching: Matching, tmp_path: Path
) -> None:
    outside, inside = pairs([(40, 64.2)], [(30, 44)])
    with pytest.raises(DatasetError, match='no pair has a point in its image'):
        teach(matched_folder, matching, [outside], tmp_path / 'taught')
    assert not (tmp_path / 'taught').exists()
    (tmp_path / 'taught').mkdir()
    with pytest.raises(AfformerError, match=r'taught exists\. Give another name'):
        teach(matched_folder, matching, [inside], tmp_path / 'taught')
    assert not any((tmp_path / 'taught').iterdir())

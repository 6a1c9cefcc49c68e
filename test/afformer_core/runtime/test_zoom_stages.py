# SPDX-License-Identifier: Apache-2.0
"""Zoom stages: the part of image and demonstration that each sees, and their mean."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from afformer_core.arrays import FloatArray, UInt8Array
from afformer_core.models import afformer_small
from afformer_core.models.afformer import Afformer
from afformer_core.runtime import ArrayGrounder
from afformer_core.runtime.coarse_to_fine import ZoomStage, of_mean_scores
from afformer_core.runtime.demonstration import CompactFeatures
from afformer_core.runtime.model_folder import read_description, write_description
from afformer_core.runtime.networks import Networks
from afformer_core.runtime.session import Decoded, EncodedLevels, Memory
from afformer_core.runtime.weights import save_model

SMALL = replace(afformer_small(('press', 'hold'), (64, 64)), maximum_frames=4)


class SquareSession:
    """Finds the white square of an image; what it memorizes are the means of the frames."""

    backend = 'test'

    def __init__(self, sharpness: float = 4.0) -> None:
        self.sharpness = sharpness
        self.encoded: list[UInt8Array] = []
        self.grounded: list[tuple[UInt8Array, Memory]] = []

    def encode_frames(self, frames: UInt8Array) -> FloatArray:
        return frames.mean(axis=3).reshape(-1, 1, 8, 8, 8, 8).mean(axis=(3, 5), dtype=np.float32)

    def memorize(self, features: FloatArray) -> Memory:
        return Memory((features, features), (features, features))

    def encode_image(self, image: UInt8Array) -> EncodedLevels:
        self.encoded.append(image)
        return EncodedLevels(image, (), self.encode_frames(image[None])[0])

    def decode(self, image: EncodedLevels, memory: Memory) -> Decoded:
        self.grounded.append((image.image, memory))
        return Decoded(
            image.image[None, :, :, 0].astype(np.float32) * (self.sharpness / 255),
            np.array([image.image.mean(), 0], np.float32),
        )


def grounder_of(session: SquareSession, *stages: ZoomStage) -> ArrayGrounder:
    return ArrayGrounder(SMALL, Networks(SMALL, session), zoom_stages=stages)


def mean_of(memory: Memory) -> float:
    return float(memory.keys[0].mean(dtype=np.float64))


def mean_feature(features: CompactFeatures) -> float:
    return float(features.expanded().mean(dtype=np.float64))


def square(row: int, column: int, side: int = 4, size: int = 64) -> UInt8Array:
    image = np.zeros((size, size, 3), np.uint8)
    image[row : row + side, column : column + side] = 255
    return image


def test_frames_are_zoomed_around_where_the_first_one_shows_it() -> None:
    session = SquareSession()
    grounder = grounder_of(session, ZoomStage(2.0, 1.0))
    frames = [square(16, 16), square(32, 16)]
    demonstration = grounder.set_demonstration(frames, 'square')

    # The part of 32 x 32 pixels whose middle is the first frame's peak begins in the corner.
    zoomed = [np.repeat(np.repeat(one[:32, :32], 2, 0), 2, 1).mean() for one in frames]
    (features,) = demonstration.zoom_features
    found = features.expanded().mean(axis=(1, 2, 3))
    np.testing.assert_allclose(found, zoomed, atol=1.0)
    assert found[1] == 0


def test_each_stage_zooms_into_what_those_before_found() -> None:
    session = SquareSession()
    stages = (ZoomStage(2.0, 2.0), ZoomStage(4.0, 4.0))
    grounder = grounder_of(session, *stages)
    demonstration = grounder.set_demonstration([square(16, 40)], 'square')
    session.grounded.clear()
    output = grounder.output(square(100, 140, side=16, size=256), 'square')

    # All of the square in four and in sixteen times fewer pixels, of frame and image alike.
    means = [mean_feature(features) for features in demonstration.zoom_features]
    assert means == pytest.approx([255 / 64, 255 / 16], rel=1e-3)
    images, memories = zip(*session.grounded, strict=True)
    means = [one.mean() for one in images]
    assert means == pytest.approx([255 / 256, 255 / 64, 255 / 16], rel=1e-3)
    assert [mean_of(memory) for memory in memories[1:]] == [
        mean_feature(features) for features in demonstration.zoom_features
    ]
    # What is read are the mean scores of all looks: 0.73, 0.98 and 1.
    assert np.exp(output.action_logits).tolist() == pytest.approx([0.904, 0.096], abs=1e-3)
    row, column = np.unravel_index(output.heatmap_logits.argmax(), (1, 64, 64))[1:]
    assert 25 <= row < 29
    assert 35 <= column < 39


class WeighingSession(SquareSession):
    """Marks a row of the image that depends on the brightness of what was memorized."""

    def decode(self, image: EncodedLevels, memory: Memory) -> Decoded:
        decoded = super().decode(image, memory)
        row = int(mean_of(memory)) // 4
        decoded.heatmap_logits[0, row : row + 3] += 2
        return decoded


def test_the_demonstration_that_agrees_most_with_all_is_zoomed() -> None:
    session = WeighingSession()
    grounder = grounder_of(session, ZoomStage(1.5, 2.0))
    # Two of them mark almost the same rows.
    for grey in (32, 164, 160):
        grounder.set_demonstration([np.full((64, 64, 3), grey, np.uint8)], str(grey))
    session.grounded.clear()
    session.encoded.clear()
    grounder.predict(np.zeros((64, 64, 3), np.uint8), '32', '164', '160')

    memories = [memory for _, memory in session.grounded]
    assert [mean_of(memory) for memory in memories] == [32, 164, 160, 164]
    # The image and the crop are encoded once.
    assert len(session.encoded) == 2


def test_they_are_read_with_the_model_and_can_be_left_out(tmp_path: Path) -> None:
    save_model(tmp_path, Afformer(SMALL), {})
    description = read_description(tmp_path)
    write_description(
        tmp_path, replace(description, zoom_stages=(ZoomStage(1.5, 2.0), ZoomStage(2.0, 3.0)))
    )

    stages = ArrayGrounder.load(tmp_path, 'torch').zoom_stages
    assert stages == (ZoomStage(1.5, 2.0), ZoomStage(2.0, 3.0))
    assert ArrayGrounder.load(tmp_path, 'torch', maximum_stages=2).zoom_stages == stages[:1]
    assert ArrayGrounder.load(tmp_path, 'torch', maximum_stages=1).zoom_stages == ()
    assert ArrayGrounder.load(tmp_path, 'torch', maximum_stages=8).zoom_stages == stages
    with pytest.raises(ValueError, match='maximum_stages is 0; expected at least 1'):
        ArrayGrounder.load(tmp_path, 'torch', maximum_stages=0)


@pytest.mark.parametrize('names', [('before', 'after'), ('after', 'before')])
def test_what_was_memorized_for_fewer_stages_is_grounded_once(names: tuple[str, str]) -> None:
    session = SquareSession()
    grounder = grounder_of(session)
    grounder.set_demonstration([square(16, 16)], 'before')
    grounder.zoom_stages = (ZoomStage(2.0, 2.0),)
    grounder.set_demonstration([square(16, 16)], 'after')
    session.grounded.clear()
    grounder.predict(square(8, 8), *names)

    assert len(session.grounded) == 2


@pytest.mark.parametrize(
    ('activation', 'stages', 'expected'),
    [
        ('softmax', np.log([[0.9, 0.1], [0.5, 0.5]]), np.log([0.7, 0.3])),
        # The same of logits that a number was added to.
        ('softmax', np.log([[0.9, 0.1], [0.5, 0.5]]) + [[5], [-3]], np.log([0.7, 0.3])),
        # A sure stage does not outvote two others: e / (e + 2) is 0.5761.
        (
            'softmax',
            [[1, 0, 0], [1, 0, 0], [0, 40, 0]],
            np.log([2 * 0.576117 / 3, 0.474628, 0.141295]),
        ),
        ('softmax', [[], []], []),
        # Scores 0.75 and 0.25 of the first, 0.5 and 0.8 of the second: 0.5 and 0.65.
        ('sigmoid', np.log([[3, 1], [1 / 3, 4]]), [0, 0.6190]),
        ('sigmoid', [[0, -90], [90, -90]], [1.0986, -90]),
    ],
)
def test_scores_are_averaged_and_not_logits(activation: str, stages: Any, expected: Any) -> None:
    found = of_mean_scores(list(np.array(stages, np.float32)), activation)
    assert found.tolist() == pytest.approx(list(expected), abs=1e-4)

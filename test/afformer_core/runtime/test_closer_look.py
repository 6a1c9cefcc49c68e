# SPDX-License-Identifier: Apache-2.0
"""Closer looks: where they are, and what they change."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from afformer_core.models import afformer_r50, afformer_small
from afformer_core.models.afformer import Afformer
from afformer_core.runtime import Grounder
from afformer_core.runtime.closer_look import CloserLook, Place, place_to_look_at, refined
from afformer_core.runtime.model_folder import read_description, write_description
from afformer_core.runtime.session import FloatArray, Memory, Output, UInt8Array
from afformer_core.runtime.weights import save_model

SMALL = replace(afformer_small(('press', 'hold'), (64, 64)), maximum_frames=4)


def heatmap_with_peak(row: int, column: int, size: tuple[int, int] = (40, 60)) -> FloatArray:
    heatmap = np.zeros(size, np.float32)
    heatmap[row, column] = 1
    return heatmap


def output(heatmaps: Any, actions: Any = (0.0,)) -> Output:
    features = np.zeros((1, 1, 1), np.float32)
    return Output(np.asarray(heatmaps, np.float32), np.asarray(actions, np.float32), features)


def probabilities(heatmap: FloatArray) -> FloatArray:
    powers = np.exp(heatmap - heatmap.max())
    return powers / powers.sum()


def test_the_place_has_the_peak_in_its_middle() -> None:
    place = Place.around_peak(heatmap_with_peak(18, 33), 2.0)

    assert place == Place(8, 18, 20, 30, (40, 60))


@pytest.mark.parametrize(
    ('peak', 'corner'), [((0, 0), (0, 0)), ((39, 59), (20, 30)), ((3, 59), (0, 30))]
)
def test_the_place_never_leaves_the_image(peak: tuple[int, int], corner: tuple[int, int]) -> None:
    place = Place.around_peak(heatmap_with_peak(*peak), 2.0)

    assert (place.top, place.left, place.height, place.width) == (*corner, 20, 30)


def test_a_place_outside_the_heatmap_is_refused() -> None:
    with pytest.raises(ValueError, match='rows 30 to 50 and columns 0 to 30 are no part'):
        Place(30, 0, 20, 30, (40, 60))


def test_the_crop_is_the_same_part_of_a_picture_of_any_size() -> None:
    picture = np.arange(480 * 640, dtype=np.int32).reshape(480, 640)
    crop = Place(8, 18, 20, 30, (40, 60)).crop(picture)

    assert crop.shape == (240, 320)
    assert crop[0, 0] == 96 * 640 + 192


def test_a_crop_of_a_tiny_picture_has_a_pixel() -> None:
    picture = np.zeros((1, 2, 3), np.uint8)

    assert Place(39, 59, 1, 1, (40, 60)).crop(picture).shape == (1, 1, 3)


def test_of_a_heatmap_for_each_action_the_best_one_tells_the_place() -> None:
    heatmaps = [heatmap_with_peak(0, 0), heatmap_with_peak(20, 30)]
    configuration = afformer_r50(('press', 'hold'), (64, 64))
    place = place_to_look_at(output(heatmaps, [0.0, 1.0]), configuration, 4.0)

    assert (place.top, place.left) == (15, 23)


def test_nothing_changes_elsewhere() -> None:
    first = np.random.default_rng(0).normal(size=(1, 40, 60)).astype(np.float32)
    second = 5 * heatmap_with_peak(9, 9)[None]
    place = Place(8, 18, 20, 30, (40, 60))
    before = probabilities(first)[0]
    after = probabilities(refined(output(first), output(second), place).heatmap_logits)[0]

    elsewhere = np.ones((40, 60), bool)
    elsewhere[place.in_heatmap] = False
    np.testing.assert_allclose(after[elsewhere], before[elsewhere], rtol=1e-4)


def test_between_two_places_alike_the_closer_look_decides() -> None:
    first = 4 * (heatmap_with_peak(10, 20) + heatmap_with_peak(10, 24))[None]
    place = Place(0, 10, 20, 30, (40, 60))
    # Twice as large: row 10 and column 24 of the whole are row 20 and column 28 of the place.
    second = np.zeros((1, 40, 60), np.float32)
    second[0, 20:22, 28:30] = 6
    after = refined(output(first), output(second), place).heatmap_logits[0]

    assert np.unravel_index(after.argmax(), after.shape) == (10, 24)


def test_a_closer_look_that_sees_nothing_leaves_half_of_what_was_before() -> None:
    first = 8 * heatmap_with_peak(10, 20)[None]
    place = Place(0, 10, 20, 30, (40, 60))
    before = probabilities(first)[0]
    second = output(np.zeros((1, 40, 60)))
    after = probabilities(refined(output(first), second, place).heatmap_logits)[0]

    assert after.sum() == pytest.approx(1, abs=1e-5)
    assert after[10, 20] >= before[10, 20] / 2


def test_of_several_memories_the_logits_are_averaged() -> None:
    heatmaps = [heatmap_with_peak(1, 2)[None], 3 * heatmap_with_peak(1, 2)[None]]
    outputs = [output(one, [value]) for one, value in zip(heatmaps, (1.0, 4.0), strict=True)]
    mean = Output.mean(outputs)

    assert mean.heatmap_logits[0, 1, 2] == 2
    assert mean.action_logits.tolist() == [2.5]
    assert mean.image_features is outputs[0].image_features


@pytest.mark.parametrize('zooms', [(0.5, 2.0), (2.0, 9.0), (float('nan'), 2.0)])
def test_zooms_out_of_range_are_refused(zooms: tuple[float, float]) -> None:
    with pytest.raises(ValueError, match=r'zoom of the closer look is .*; a number from 1 to 8'):
        CloserLook(*zooms)


class SquareSession:
    """Finds the white square of an image; what it memorizes are the means of the frames."""

    backend = 'test'

    def __init__(self) -> None:
        self.grounded: list[tuple[UInt8Array, Memory]] = []

    def encode_frames(self, frames: UInt8Array) -> FloatArray:
        return frames.mean(axis=3).reshape(-1, 1, 8, 8, 8, 8).mean(axis=(3, 5), dtype=np.float32)

    def memorize(self, features: FloatArray) -> Memory:
        return Memory((features,), (features,))

    def ground(self, image: UInt8Array, memory: Memory) -> Output:
        self.grounded.append((image, memory))
        return Output(
            image[None, :, :, 0].astype(np.float32) / 32,
            np.array([image.mean(), 0], np.float32),
            self.encode_frames(image[None])[0],
        )


def square(row: int, column: int, side: int = 4, size: int = 64) -> UInt8Array:
    image = np.zeros((size, size, 3), np.uint8)
    image[row : row + side, column : column + side] = 255
    return image


def test_frames_are_seen_closer_around_where_the_first_one_shows_it() -> None:
    session = SquareSession()
    grounder = Grounder(SMALL, session, closer_looks=(CloserLook(2.0, 1.0),))
    frames = [square(16, 16), square(32, 16)]
    demonstration = grounder.set_demonstration(frames, 'square')

    # The part of 32 x 32 pixels whose middle is the first frame's peak begins in the corner.
    closer = [np.repeat(np.repeat(one[:32, :32], 2, 0), 2, 1).mean() for one in frames]
    (memory,) = demonstration.closer_memories
    found = memory.keys[0].mean(axis=(1, 2, 3))
    np.testing.assert_allclose(found, closer, atol=1.0)
    assert found[1] == 0


def test_an_image_is_seen_closer_in_its_own_pixels() -> None:
    session = SquareSession()
    grounder = Grounder(SMALL, session, closer_looks=(CloserLook(1.0, 4.0),))
    demonstration = grounder.set_demonstration([square(16, 16)], 'square')
    image = square(100, 140, side=16, size=256)
    session.grounded.clear()
    grounder.predict(image, 'square')

    (whole, memory), (closer, closer_memory) = session.grounded
    assert memory is demonstration.memory
    assert closer_memory is demonstration.closer_memories[0]
    assert whole.mean() == pytest.approx(255 / 256)
    # A fourth of each side, not resized: all of the square in sixteen times fewer pixels.
    assert closer.mean() == pytest.approx(255 / 16)


def test_each_look_is_closer_at_what_those_before_found() -> None:
    session = SquareSession()
    looks = (CloserLook(2.0, 2.0), CloserLook(4.0, 4.0))
    grounder = Grounder(SMALL, session, closer_looks=looks)
    demonstration = grounder.set_demonstration([square(16, 40)], 'square')
    session.grounded.clear()
    output = grounder.output(square(100, 140, side=16, size=256), 'square')

    # All of the square in four and in sixteen times fewer pixels, of frame and image alike.
    means = [memory.keys[0].mean() for memory in demonstration.closer_memories]
    assert means == pytest.approx([255 / 64, 255 / 16], rel=1e-3)
    pictures, memories = zip(*session.grounded, strict=True)
    means = [one.mean() for one in pictures]
    assert means == pytest.approx([255 / 256, 255 / 64, 255 / 16], rel=1e-3)
    assert memories[1:] == demonstration.closer_memories
    # What is read is the mean of all looks.
    assert output.action_logits.tolist() == pytest.approx([255 * 21 / 768, 0], rel=1e-3)
    row, column = np.unravel_index(output.heatmap_logits.argmax(), (1, 64, 64))[1:]
    assert 25 <= row < 29
    assert 35 <= column < 39


def test_several_demonstrations_look_for_themselves_at_one_place() -> None:
    session = SquareSession()
    grounder = Grounder(SMALL, session, closer_looks=(CloserLook(2.0, 2.0),))
    shown = [grounder.set_demonstration([square(at, at)], str(at)) for at in (16, 32)]
    session.grounded.clear()
    grounder.predict(square(8, 8), '16', '32')

    memories = [memory for _, memory in session.grounded]
    wanted = [one.memory for one in shown] + [one.closer_memories[0] for one in shown]
    assert [id(one) for one in memories] == [id(one) for one in wanted]
    (_, _, (one, _), (another, _)) = session.grounded
    assert np.array_equal(one, another)


def test_they_are_read_with_the_model_and_can_be_left_out(tmp_path: Path) -> None:
    save_model(tmp_path, Afformer(SMALL), {})
    description = read_description(tmp_path)
    write_description(
        tmp_path, replace(description, closer_looks=(CloserLook(1.5, 2.0), CloserLook(2.0, 3.0)))
    )

    looks = Grounder.load(tmp_path, 'torch').closer_looks
    assert looks == (CloserLook(1.5, 2.0), CloserLook(2.0, 3.0))
    assert Grounder.load(tmp_path, 'torch', closer_looks=False).closer_looks == ()


def test_a_model_without_one_looks_once() -> None:
    session = SquareSession()
    grounder = Grounder(SMALL, session)
    demonstration = grounder.set_demonstration([square(16, 16)], 'square')
    grounder.predict(square(8, 8), 'square')

    assert demonstration.closer_memories == ()
    assert len(session.grounded) == 1

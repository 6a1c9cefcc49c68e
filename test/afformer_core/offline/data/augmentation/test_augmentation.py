# SPDX-License-Identifier: Apache-2.0
"""Changes of colour by literal values, reversal, and all together: points under their dots."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest

from afformer_core.offline.data.augmentation.augmentation import (
    AugmentationSettings,
    Example,
    FlipSettings,
    ImageSettings,
    augmented,
    flipped,
)
from afformer_core.offline.data.augmentation.geometric import (
    CropSettings,
    PerspectiveSettings,
    inside,
)
from afformer_core.offline.data.augmentation.photometric import (
    ColourChange,
    PhotometricSettings,
    draw_colour_change,
)
from afformer_core.offline.data.augmentation.reversal import Reversal
from afformer_core.offline.data.sample import Sample

SIZE = (96, 128)
MOVED = ImageSettings(
    crop=CropSettings(scale=(0.5, 0.9), aspect=(0.8, 1.25)),
    perspective=PerspectiveSettings(distortion=0.3),
)
COLOURED = ImageSettings(
    photometric=PhotometricSettings(brightness=0.4, contrast=0.4, saturation=0.4, hue=0.1)
)
EVERYTHING = ImageSettings(
    photometric=COLOURED.photometric, crop=MOVED.crop, perspective=MOVED.perspective
)


def noise(frames: int = 3) -> Example:
    rng = np.random.default_rng(5)
    return Example(
        rng.integers(0, 256, (frames, 64, 64, 3), np.uint8),
        rng.integers(0, 256, (64, 64, 3), np.uint8),
        (1, 0),
        (np.array([[20.0, 30.0], [80.0, 5.0]]), np.array([[40.0, 31.5]])),
    )


def arrays(example: Example) -> Sequence[np.ndarray]:
    return example.frames, example.image, np.array(example.actions), *example.points


def changed(settings: AugmentationSettings, example: Example, seed: int = 0) -> Example:
    return augmented(example, settings, np.random.default_rng(seed))


def test_by_default_nothing_is_changed() -> None:
    for before, after in zip(
        arrays(noise()), arrays(changed(AugmentationSettings(), noise())), strict=True
    ):
        np.testing.assert_array_equal(before, after)


def dot_image(size: tuple[int, int], dots: Sequence[tuple[float, float]]) -> np.ndarray:
    """uint8 [H, W, 3] of a size (height, width) with dots at (x, y)."""
    rows, columns = np.mgrid[: size[0], : size[1]]
    image = np.full(size, 20.0)
    for x, y in dots:
        image += 220 * np.exp(-0.5 * ((columns - x) ** 2 + (rows - y) ** 2) / 2.0**2)
    return np.repeat(image.round().astype(np.uint8)[..., None], 3, axis=2)


def dot_position(image: np.ndarray, near: np.ndarray) -> np.ndarray:
    """Where the middle (x, y) of the dot is, within 12 pixels of a point; NaN without one."""
    rows, columns = np.mgrid[: image.shape[0], : image.shape[1]]
    weight = image[..., 0].astype(float) - 20
    weight[np.hypot(columns - near[0], rows - near[1]) > 12] = 0
    return np.array([(weight * columns).sum(), (weight * rows).sum()]) / weight.sum()


def test_points_stay_on_what_they_mark() -> None:
    dots = [(40.0, 50.0), (90.0, 30.0)]
    image = dot_image(SIZE, dots)
    example = Example(image[None], image, (0, 1), tuple(np.array([dot]) for dot in dots))
    settings = AugmentationSettings(flip=FlipSettings(probability=0.5), image=MOVED)
    measured = 0
    for seed in range(30):
        after = changed(settings, example, seed)
        for (point,) in after.points:
            if inside(np.array([point - 6, point + 6]), SIZE).all():
                np.testing.assert_allclose(dot_position(after.image, point), point, atol=0.3)
                measured += 1
    assert measured > 40


def test_frames_of_a_video_are_changed_alike() -> None:
    example = noise(1)
    repeated = Example(
        example.frames.repeat(4, axis=0), example.image, example.actions, example.points
    )
    after = changed(AugmentationSettings(video=EVERYTHING), repeated)
    assert not np.array_equal(after.frames[0], example.frames[0])
    for frame in after.frames:
        np.testing.assert_array_equal(frame, after.frames[0])


def test_video_and_image_are_changed_apart() -> None:
    image = noise(1).image
    example = Example(image[None], image, (0,), (np.array([[30.0, 30.0]]),))
    for settings in (MOVED, COLOURED):
        after = changed(AugmentationSettings(video=settings, image=settings), example)
        assert not np.array_equal(after.frames[0], after.image)


def test_video_and_image_are_mirrored_together() -> None:
    settings = AugmentationSettings(flip=FlipSettings(probability=0.5))
    mirrored = 0
    for seed in range(20):
        after = changed(settings, noise(), seed)
        here = not np.array_equal(after.image, noise().image)
        mirrored += here
        step = -1 if here else 1
        np.testing.assert_array_equal(after.image, noise().image[:, ::step])
        np.testing.assert_array_equal(after.frames, noise().frames[:, :, ::step])
    assert 5 < mirrored < 15


def test_one_seed_gives_the_same_bytes_of_what_may_not_be_written() -> None:
    settings = AugmentationSettings(
        flip=FlipSettings(probability=1.0), video=EVERYTHING, image=EVERYTHING
    )
    example = noise()
    for array in arrays(example):
        array.flags.writeable = False
    first, again, other = (changed(settings, example, seed) for seed in (3, 3, 4))
    for one, two in zip(arrays(first), arrays(again), strict=True):
        assert one.tobytes() == two.tobytes()
    assert first.image.tobytes() != other.image.tobytes()


def test_points_are_mirrored() -> None:
    after = flipped(noise())
    assert after.points[0].tolist() == [[43.0, 30.0], [-17.0, 5.0]]
    assert after.points[1].tolist() == [[23.0, 31.5]]


@pytest.mark.parametrize(
    ('settings', 'wrong'),
    [
        (FlipSettings, {'probability': -0.1}),
        (FlipSettings, {'probability': float('nan')}),
        (CropSettings, {'scale': (0.0, 1.0)}),
        (CropSettings, {'scale': (0.8, 0.5)}),
        (CropSettings, {'scale': (0.5, 1.1)}),
        (CropSettings, {'aspect': (0.0, 1.0)}),
        (CropSettings, {'aspect': (1.0, 0.5)}),
        (CropSettings, {'aspect': (1.0, float('inf'))}),
        (CropSettings, {'probability': 1.1}),
        (PerspectiveSettings, {'distortion': -0.1}),
        (PerspectiveSettings, {'distortion': 1.1}),
        (PerspectiveSettings, {'probability': -1.0}),
        (PerspectiveSettings, {'border': 'black'}),
        (PhotometricSettings, {'brightness': -0.1}),
        (PhotometricSettings, {'contrast': 1.1}),
        (PhotometricSettings, {'saturation': float('nan')}),
        (PhotometricSettings, {'hue': 0.6}),
        (PhotometricSettings, {'probability': 2.0}),
    ],
)
def test_options_out_of_range_are_refused(
    settings: Callable[..., object], wrong: dict[str, object]
) -> None:
    with pytest.raises(ValueError, match='expected'):
        settings(**wrong)


ALL_COLOURS = PhotometricSettings(brightness=0.4, contrast=0.4, saturation=0.4, hue=0.1)


def recoloured(change: ColourChange, *colours: tuple[int, int, int]) -> list[list[int]]:
    """What becomes of images of one pixel each."""
    images = np.array(colours, np.uint8)[:, None, None]
    after = change.apply(images)
    assert after.shape == images.shape
    assert after.dtype == np.uint8
    return after[:, 0, 0].tolist()


def test_no_change() -> None:
    images = np.random.default_rng(0).integers(0, 256, (2, 16, 16, 3), np.uint8)
    np.testing.assert_array_equal(ColourChange().apply(images), images)


def test_brightness_multiplies_and_is_clipped() -> None:
    assert recoloured(ColourChange(brightness=1.5), (100, 10, 200)) == [[150, 15, 255]]


def test_contrast_is_about_the_mean_of_all_images() -> None:
    assert recoloured(ColourChange(contrast=0.5), (40, 40, 40), (80, 80, 80)) == [
        [50, 50, 50],
        [70, 70, 70],
    ]
    assert recoloured(ColourChange(brightness=0.5, contrast=0.0), (40,) * 3, (80,) * 3) == [
        [30, 30, 30],
        [30, 30, 30],
    ]


def test_saturation_is_about_the_grey_of_each_pixel() -> None:
    assert recoloured(ColourChange(saturation=0.0), (200, 100, 10)) == [[120, 120, 120]]
    assert recoloured(ColourChange(saturation=0.5), (200, 100, 10)) == [[160, 110, 65]]


def test_hue_turns_red_to_green_to_blue() -> None:
    ((red, green, blue),) = recoloured(ColourChange(hue=1 / 3), (160, 100, 100))
    assert green > max(red, blue)
    ((red, green, blue),) = recoloured(ColourChange(hue=1 / 3), (100, 160, 100))
    assert blue > max(red, green)


def test_hue_keeps_grey_and_brightness() -> None:
    assert recoloured(ColourChange(hue=0.2), (90, 90, 90)) == [[90, 90, 90]]
    ((red, green, blue),) = recoloured(ColourChange(hue=0.2), (150, 100, 90))
    assert 0.299 * red + 0.587 * green + 0.114 * blue == pytest.approx(113.8, abs=1)


def test_factors_are_drawn_from_the_whole_range() -> None:
    rng = np.random.default_rng(0)
    drawn = [draw_colour_change(ALL_COLOURS, rng) for _ in range(500)]
    factors = np.array([(d.brightness, d.contrast, d.saturation, d.hue) for d in drawn if d])
    assert len(factors) == 500
    np.testing.assert_allclose(factors.min(axis=0), [0.6, 0.6, 0.6, -0.1], atol=0.01)
    np.testing.assert_allclose(factors.max(axis=0), [1.4, 1.4, 1.4, 0.1], atol=0.01)


def test_some_are_left_as_they_are() -> None:
    rng = np.random.default_rng(0)
    settings = PhotometricSettings(brightness=0.4, probability=0.25)
    changes = [draw_colour_change(settings, rng) for _ in range(1000)]
    assert 720 < changes.count(None) < 780


ACTION_NAMES = ('push', 'pull', 'hold', 'rotate')
REVERSED = {'push': 'pull', 'pull': 'push', 'hold': 'hold'}


def sample(*actions: int) -> Sample:
    points = (np.zeros((1, 2)),) * len(actions)
    return Sample('0', Path('a.mp4'), Path('0.jpg'), (8, 8), actions, points)


def share(reversal: Reversal, *samples: Sample) -> float:
    return float(np.mean([reversal.happens(samples, (0, position)) for position in range(400)]))


def test_pushing_becomes_pulling() -> None:
    assert Reversal.of_names(1.0, REVERSED, ACTION_NAMES).of((0, 1, 2, 3)) == (1, 0, 2, 3)


def test_as_often_as_was_asked_for() -> None:
    reversal = Reversal.of_names(0.25, REVERSED, ACTION_NAMES)

    assert share(reversal, sample(0, 2), sample(1)) == pytest.approx(0.25, abs=0.07)
    assert reversal.happens([sample(0)], (0, 7)) == reversal.happens([sample(0)], (0, 7))


def test_an_action_without_a_reverse_keeps_its_direction() -> None:
    reversal = Reversal.of_names(1.0, REVERSED, ACTION_NAMES)

    assert share(reversal, sample(3)) == share(reversal, sample(0), sample(3)) == 0
    assert share(reversal, sample(0)) == 1


def test_an_unknown_action() -> None:
    with pytest.raises(ValueError, match="has 'lift'; expected one of push, pull, hold, rotate"):
        Reversal.of_names(0.5, {'lift': 'push'}, ACTION_NAMES)


def test_nothing_that_could_be_reversed() -> None:
    with pytest.raises(ValueError, match='reversed_actions is empty'):
        Reversal.of_names(0.5, {}, ACTION_NAMES)

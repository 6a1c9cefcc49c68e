# SPDX-License-Identifier: Apache-2.0
"""All changes together: points under their dots, frames alike, and the same from one seed."""

from __future__ import annotations

from collections.abc import Callable, Sequence

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
from afformer_core.offline.data.augmentation.photometric import PhotometricSettings

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

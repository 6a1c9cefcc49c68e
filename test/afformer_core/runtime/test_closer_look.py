# SPDX-License-Identifier: Apache-2.0
"""A second look at the place that a first one found."""

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from afformer_core.runtime import Grounder
from afformer_core.runtime.closer_look import Window, look_closer, require_share
from afformer_core.runtime.peaks import find_peaks
from afformer_core.runtime.session import FloatArray, Memory, Output, UInt8Array
from afformer_core.runtime.torch_session import TorchSession
from afformer_core.runtime.weights import load_model

# (height, width) of the images, and of what a model sees of them.
SIZE, SEEN = (240, 400), (24, 32)


def dot_image(u: int, v: int, radius: int = 8) -> np.ndarray:
    image = np.zeros((*SIZE, 3), np.uint8)
    cv2.circle(image, (u, v), radius, (255, 255, 255), -1)
    return image


def seen(image: np.ndarray) -> FloatArray:
    """A heatmap of what is bright, as a model of 24 x 32 pixels would give it."""
    small = cv2.resize(image[:, :, 0], SEEN[::-1], interpolation=cv2.INTER_AREA)
    blurred = cv2.GaussianBlur(small.astype(np.float64), (0, 0), 1.0) + 1e-3
    return np.asarray(blurred / blurred.sum(), np.float32)


@pytest.mark.parametrize(
    ('place', 'window'),
    [
        ((200, 120), Window(100, 60, 200, 120)),
        ((3, 239), Window(0, 120, 200, 120)),
        ((399, 0), Window(200, 0, 200, 120)),
    ],
)
def test_the_window_lies_around_the_place_and_inside(
    place: tuple[float, float], window: Window
) -> None:
    assert Window.around(place, SIZE, 0.5) == window


@pytest.mark.parametrize(('u', 'v'), [(211, 97), (20, 220), (370, 30), (301, 180)])
def test_the_joined_heatmap_lies_where_both_were(u: int, v: int) -> None:
    image = dot_image(u, v)

    joined = look_closer(image, seen(image), 0.5, seen)
    peak = find_peaks(joined, SIZE, 1)[0]

    assert joined.shape == (48, 64)
    assert float(joined.sum(dtype=np.float64)) == pytest.approx(1, abs=1e-6)
    # A pixel of the first look is 12.5 x 10 pixels of the image.
    assert (peak.u, peak.v) == pytest.approx((u, v), abs=1.5)


def test_the_part_keeps_what_it_held() -> None:
    image = dot_image(100, 60) + dot_image(330, 200, radius=5)
    first = seen(image)
    alone = cv2.resize(first, (64, 48), interpolation=cv2.INTER_LINEAR)
    alone /= alone.sum(dtype=np.float64)

    joined = look_closer(image, first, 0.5, lambda part: np.full(SEEN, 1 / 768, np.float32))
    left, right = joined[:, :32], joined[:, 48:]

    # The first peak's part ends left of column 48, of the other nothing is changed.
    assert right == pytest.approx(alone[:, 48:], rel=1e-5)
    assert float(left.sum()) == pytest.approx(float(alone[:, :32].sum()), abs=0.01)
    assert float(left.max()) < 0.7 * float(alone[:, :32].max())


def test_the_second_look_decides_between_neighbours() -> None:
    image = dot_image(190, 120) + dot_image(220, 120)
    near = dot_image(220, 120)

    def second(part: np.ndarray) -> FloatArray:
        return seen(Window.around((peak.u, peak.v), SIZE, 0.5).cut(near))

    peak = find_peaks(seen(image), SIZE, 1)[0]
    joined = look_closer(image, seen(image), 0.5, second)

    assert find_peaks(joined, SIZE, 1)[0].u == pytest.approx(220, abs=3)


def test_looks_that_agree_nowhere_leave_the_first() -> None:
    image = dot_image(200, 120)
    first = np.zeros(SEEN, np.float32)
    first[12, 16] = 1
    nowhere = np.zeros(SEEN, np.float32)
    nowhere[0, 0] = 1

    joined = look_closer(image, first, 0.5, lambda part: nowhere)

    assert find_peaks(joined, SIZE, 1)[0].u == pytest.approx(206, abs=3)


@pytest.mark.parametrize('share', [0.1, -0.5, 1.0, float('nan')])
def test_a_share_that_cannot_be_is_refused(share: float) -> None:
    with pytest.raises(ValueError, match=r'closer_look is .*; give the share .* 0.25 to 0.95'):
        require_share(share)


class CountingSession(TorchSession):
    """Counts the images that it grounds."""

    grounded = 0

    def ground(self, image: UInt8Array, memory: Memory) -> Output:
        self.grounded += 1
        return super().ground(image, memory)


def test_only_the_heatmap_is_of_both_looks(
    small_folder: Path, pictures: Callable[..., np.ndarray]
) -> None:
    frames, image = pictures(4, 64, 96, 3), pictures(120, 160, 3)
    model = load_model(small_folder)
    session = CountingSession.load(small_folder)
    once = Grounder(model.configuration, session)
    twice = Grounder(model.configuration, session, closer_look=0.5)
    for grounder in (once, twice):
        grounder.set_demonstration(frames, 'four')

    single, double = once.predict(image, 'four'), twice.predict(image, 'four')

    assert session.grounded == 3
    height, width = single.probabilities.shape
    assert double.probabilities.shape == (2 * height, 2 * width)
    assert double.action_scores == single.action_scores
    assert double.resemblance == single.resemblance
    assert np.array_equal(double.place, single.place)
    assert double.seconds > single.seconds > 0


def test_a_model_with_a_share_that_cannot_be_is_not_opened(small_folder: Path) -> None:
    with pytest.raises(ValueError, match=r'closer_look is 0\.1'):
        Grounder.load(small_folder, 'torch', closer_look=0.1)

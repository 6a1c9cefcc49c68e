# SPDX-License-Identifier: Apache-2.0
"""Maps of literal hands, changes and removals."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from afformer_core.demonstrations.contact_reading.contact_maps import (
    carrying,
    change_map,
    changed_mask,
    combined_map,
    contact_candidates,
    entering_map,
    entering_tips,
    hand_map,
    peaks,
    removal_map,
    slowness,
    tip_speeds,
)
from afformer_core.demonstrations.contact_reading.hand_paths import (
    HandPath,
    ObservedFrame,
    TrackedHand,
    hand_mask,
)

from .dragged_square import OPEN_HAND, WALL
from .paths import path_of

HEIGHT, WIDTH = 60, 80
NOWHERE = np.zeros((HEIGHT, WIDTH), bool)
DESK_HEIGHT, DESK_WIDTH = 140, 220
SKIN = (205, 150, 120)
NOTHING = np.zeros((60, 80), np.float32)


@settings(max_examples=20)
@given(st.integers(1, 4), st.integers(20, 60), st.integers(20, 60), st.integers(0, 999))
def test_the_map_of_hands_is_the_best_tip_whose_weight_falls_off_by_a_fortieth_of_the_diagonal(
    count: int, height: int, width: int, seed: int
):
    rng = np.random.default_rng(seed)
    tips, weights = rng.uniform(0, (width, height), (count, 2)), -rng.uniform(0, 7, count)
    found = hand_map(tips, weights, (height, width))
    row, column = rng.integers((height, width))
    away = np.linalg.norm(tips - (column + 0.5, row + 0.5), axis=1) / np.hypot(width, height)
    assert found[row, column] == pytest.approx(np.max(weights - (40 * away) ** 2 / 2))


def test_moments_that_hardly_count_are_left_out():
    tips = np.array([[20.5, 30.5], [60.5, 10.5], [60.5, 50.5]])
    found = hand_map(tips, np.array([-5.0, -13.1, -12.9]), (HEIGHT, WIDTH))
    assert found[50, 60] == pytest.approx(-12.9)
    assert found[10, 60] < -100.0


def wall() -> np.ndarray:
    return np.ascontiguousarray(WALL[:HEIGHT, :WIDTH])


def test_what_looks_different_in_the_end_has_changed():
    last = wall()
    last[18:33, 48:65] += 90
    last[38:53, 9:26] += 30
    found = change_map(wall(), last, np.eye(3), NOWHERE)
    assert found.max() == 1.0
    assert found[25, 56] > 0.98
    assert found[45, 16] == pytest.approx(1 / 3, abs=0.01)
    assert found[8, 16] < 0.001


def test_a_change_counts_less_where_a_hand_was_in_the_first_frame():
    last = wall()
    last[18:33, 48:65] += 90
    last[38:53, 9:26] += 90
    hands = NOWHERE.copy()
    hands[:35] = True
    found = change_map(wall(), last, np.eye(3), hands)
    assert found[25, 56] == pytest.approx(0.3, abs=0.01)
    assert found[45, 16] > 0.98


def test_the_last_frame_is_moved_to_the_first():
    last = np.ascontiguousarray(WALL[6 : HEIGHT + 6, 9 : WIDTH + 9])
    last[20:30, 50:62] += 90
    to_first = np.array([[1.0, 0.0, 9.0], [0.0, 1.0, 6.0], [0.0, 0.0, 1.0]])
    found = change_map(wall(), last, to_first, NOWHERE)
    assert found[31, 65] > 0.98
    assert found[15:50, 15:40].max() < 0.01


def test_a_change_of_one_colour_counts_in_full():
    last = wall()
    last[18:33, 48:65, 2] += 90
    assert change_map(wall(), last, np.eye(3), NOWHERE).max() == 1.0


def test_a_shadow_is_no_clear_change():
    # a change of 60 grey levels is clear
    last = wall()
    last[15:35, 40:70] += 24
    found = change_map(wall(), last, np.eye(3), NOWHERE)
    assert found.max() == pytest.approx(0.4, abs=0.005)


FLAT = np.zeros((6, 8), np.float32)


def test_the_combined_map_is_a_distribution():
    prior = np.linspace(-9.0, -2.0, 48, dtype=np.float32).reshape(6, 8)
    change = np.linspace(0, 1, HEIGHT * WIDTH).reshape(HEIGHT, WIDTH)
    found = combined_map(prior, change, [hand_map(np.array([[20.0, 9.0]]), np.zeros(1), (60, 80))])
    assert np.exp(found).sum() == pytest.approx(1.0)


def test_the_prior_counts_as_it_is():
    prior = FLAT.copy()
    prior[2, 5] = 1.75
    found = combined_map(prior, np.zeros((HEIGHT, WIDTH)), [])
    # the middle of that position is between pixels 54 and 55, 24 and 25
    assert found[25, 55] - found[55, 5] == pytest.approx(1.75 * 0.95 * 0.95, rel=0.01)


def test_a_change_counts_by_its_power_of_one_and_a_half():
    change = np.zeros((HEIGHT, WIDTH))
    change[10, 12] = 0.75
    found = combined_map(FLAT, change, [])
    # (0.75 + 0.05) / 0.05
    assert found[10, 12] - found[40, 12] == pytest.approx(1.5 * np.log(16.0))


def test_a_hand_excludes_nothing():
    hands = [np.full((HEIGHT, WIDTH), -np.inf) for _ in range(2)]
    hands[0][5, 7], hands[1][9, 70] = -1.2, -1.2 + np.log(0.38)
    found = combined_map(FLAT, np.zeros((HEIGHT, WIDTH)), hands)
    # the best hand has weight 1 however sure it is, the other 0.38, and 0.02 is added
    assert found[5, 7] - found[50, 50] == pytest.approx(np.log(51.0))
    assert found[9, 70] - found[50, 50] == pytest.approx(np.log(20.0))


HAND = np.array([22.0, 28.0]) + 8.0 * OPEN_HAND


def frame(
    number: int, square: int | None = None, blue: int = 180, shift: int = 0, hand: bool = False
) -> ObservedFrame:
    """A frame of a dark wall with a blue square that begins at a column, unless it is None."""
    image = np.full((HEIGHT, WIDTH, 3), 60, np.uint8)
    if square is not None:
        image[20:34, square + shift : square + shift + 14, 2] = blue
    to_first = np.eye(3)
    to_first[0, 2] = -shift
    return ObservedFrame(image, number / 10, to_first, (TrackedHand(0, HAND),) if hand else ())


def test_an_object_is_removed_where_it_was_and_not_where_it_is_put():
    found = removal_map([frame(k, 12 if k < 7 else 52) for k in range(14)])
    assert (found.dtype, found.shape) == (np.float32, (HEIGHT, WIDTH))
    assert found[27, 12] == 2.0
    assert found[27, 66] == -2.0
    np.testing.assert_array_equal(found[:, 39], 0.0)


def test_an_object_that_changes_its_shade_is_not_removed():
    # its edges are 120 / 80 times as strong at first
    found = removal_map([frame(k, 12, blue=180 if k < 7 else 140) for k in range(14)])
    assert found[27, 12] == pytest.approx(np.log(120 / 80), abs=0.01)


@pytest.mark.parametrize(('blue', 'changes'), [(81, False), (84, True)])
def test_a_change_of_22_levels_is_clear(blue, changes):
    found = removal_map([frame(k, 12 if k < 7 else None, blue=blue) for k in range(14)])
    assert found.any() == changes


@pytest.mark.parametrize(('blue', 'changes'), [(165, False), (180, True)])
def test_the_mean_of_five_frames_is_compared(blue, changes):
    # a flash of 105 levels in one of five frames is one of 21 levels in their mean
    found = removal_map([frame(k, 12 if k == 2 else None, blue=blue) for k in range(14)])
    assert found.any() == changes


def frames_of_a_hand(seen: range, detected: range) -> list[ObservedFrame]:
    """Frames in which a hand is seen, and those in which it is also detected."""
    frames = [frame(k, hand=k in detected) for k in range(16)]
    for k in seen:
        frames[k].image[hand_mask([HAND], (HEIGHT, WIDTH))] = 200
    return frames


@pytest.mark.parametrize(('missed', 'changes'), [(2, False), (4, True)])
def test_a_hand_that_is_missed_in_two_frames_is_no_change(missed, changes):
    found = removal_map(frames_of_a_hand(range(4 + missed), range(4)))
    assert found.any() == changes


def test_a_line_that_is_one_pixel_wide_is_no_object():
    frames = [frame(k) for k in range(14)]
    for one in frames[:7]:
        one.image[20:40, 50] = 130
    assert not removal_map(frames).any()


def test_the_camera_is_followed():
    still = removal_map([frame(k, 30, shift=k) for k in range(14)])
    np.testing.assert_array_equal(still, 0.0)
    taken = removal_map([frame(k, 30 if k < 7 else None, shift=k) for k in range(14)])
    assert taken[27, 30] == 2.0


def desk() -> np.ndarray:
    """A textured background."""
    noise = np.random.default_rng(4).integers(60, 190, (14, 22, 3), np.uint8)
    return np.asarray(cv2.resize(noise, (DESK_WIDTH, DESK_HEIGHT), interpolation=cv2.INTER_CUBIC))


def finger(image: np.ndarray, tip: tuple[int, int], base: tuple[int, int]) -> np.ndarray:
    """The image with a finger that comes in from below the border."""
    drawn = image.copy()
    cv2.line(drawn, base, tip, SKIN, 17)
    return drawn


def smooth(image: np.ndarray) -> np.ndarray:
    return np.asarray(cv2.GaussianBlur(image, (0, 0), 1.2), np.float32)


def test_the_tip_is_the_end_that_is_farthest_from_the_border() -> None:
    image = finger(desk(), (130, 60), (160, 150))

    tips = entering_tips(image, np.eye(3), smooth(desk()))

    assert len(tips) == 1
    # The line has a round end of half its breadth.
    assert np.linalg.norm(tips[0] - (127, 52)) < 5


def test_what_does_not_reach_the_border_has_not_entered() -> None:
    image = desk()
    cv2.line(image, (60, 40), (90, 80), SKIN, 17)

    assert not len(entering_tips(image, np.eye(3), smooth(desk())))


def test_a_shadow_is_no_change_and_skin_of_the_same_brightness_is() -> None:
    background = np.full((DESK_HEIGHT, DESK_WIDTH, 3), (150, 160, 170), np.uint8)
    shaded, covered = background.copy(), background.copy()
    shaded[20:60, 30:90] = (90, 96, 102)
    covered[20:60, 30:90] = (140, 90, 60)

    shadow = changed_mask(shaded, np.eye(3), smooth(background))
    skin = changed_mask(covered, np.eye(3), smooth(background))

    assert shadow.sum() < 100
    assert skin[25:55, 35:85].all()


def test_tips_follow_the_camera() -> None:
    """A frame whose background lies 9 pixels further right and 4 further down."""
    moved = np.array([[1, 0, -9], [0, 1, -4], [0, 0, 1]], np.float64)
    seen = cv2.warpAffine(desk(), np.linalg.inv(moved)[:2], (DESK_WIDTH, DESK_HEIGHT))

    assert changed_mask(desk(), np.eye(3), smooth(desk())).sum() == 0
    assert changed_mask(seen, moved, smooth(desk()))[:130, :205].mean() < 0.02
    assert changed_mask(seen, np.eye(3), smooth(desk())).mean() > 0.2


def test_the_speed_is_the_greater_one_of_before_and_after() -> None:
    times = np.arange(7) * 0.05
    xs = [10.0, 10.0, 10.0, 10.0, 16.0, 22.0, 28.0]
    tips = [np.array([[x, 40.0]]) for x in xs]

    # 0.1 s is two frames: 12 pixels from the fourth to the sixth.
    assert tip_speeds(tips, times, 3) == pytest.approx([120.0])
    assert tip_speeds(tips, times, 2) == pytest.approx([60.0])
    assert np.isinf(tip_speeds(tips, times, 0)).all()


def test_the_map_is_highest_where_the_tip_rests() -> None:
    """The finger passes (150, 95), rests at (92, 58) for half a second, and leaves."""
    way = np.linspace((190, 130), (92, 58), 12)
    tips = [*way, *([(92, 58)] * 8), *way[::-1]]
    frames = [ObservedFrame(desk(), 0.0, np.eye(3), ())]
    for number, (x, y) in enumerate(tips, 1):
        image = finger(desk(), (round(x), round(y)), (round(x) + 40, 160))
        frames.append(ObservedFrame(image, number / 15, np.eye(3), ()))

    found = entering_map(frames)

    assert found is not None
    row, column = divmod(int(found.argmax()), DESK_WIDTH)
    assert np.hypot(column - 89, row - 50) < 6
    assert found.min() == pytest.approx(np.log(0.05), abs=1e-6)
    assert found[95, 150] < np.log(0.4)


def test_nothing_enters_a_still_scene() -> None:
    frames = [ObservedFrame(desk(), number / 15, np.eye(3), ()) for number in range(5)]

    assert entering_map(frames) is None


def map_of(*peaks_at: tuple[int, int, float]) -> np.ndarray:
    """The logarithm of a map [60, 80], whose diagonal is 100, with probabilities at pixels."""
    probabilities = np.full((60, 80), 1e-6)
    for column, row, probability in peaks_at:
        probabilities[row, column] = probability
    return np.log(probabilities / probabilities.sum())


def test_peaks_are_apart_by_six_hundredths_of_the_diagonal():
    rows, columns = np.mgrid[:60, :80]
    # it falls to the right and, more steeply, downwards
    assert peaks(-0.01 * columns - 5.0 * rows) == [(0, 0), (6, 0), (12, 0), (18, 0), (24, 0)]


def test_a_single_pixel_is_no_peak():
    block = [(column, row, 0.1) for column in (19, 20, 21) for row in (29, 30, 31)]
    assert peaks(map_of((60, 40, 0.2), *block))[:2] == [(20, 30), (60, 40)]


def test_a_small_map_has_fewer_peaks():
    assert peaks(np.log([[0.3, 0.7]])) == [(1, 0), (0, 0)]
    assert peaks(np.zeros((1, 1))) == [(0, 0)]


def test_candidates_are_shares_of_width_and_height():
    reading = contact_candidates(map_of((30, 20, 0.6), (70, 50, 0.3)), NOTHING, [], [])
    found = reading.candidates
    positions = [(one.x, one.y) for one in found[:2]]
    assert positions == [(30.5 / 80, 20.5 / 60), (70.5 / 80, 50.5 / 60)]
    assert reading.time is None
    assert len(found) == 5
    assert sum(one.probability for one in found) == pytest.approx(1.0)


@pytest.mark.parametrize(
    ('removal', 'odds'), [((0.0, 0.0), 0.571 * np.log(7 / 3)), ((1.6, 0.5), -1.154)]
)
def test_something_is_removed_at_the_contact(removal, odds):
    # 0.571 log(7 / 3) - 1.489 (1.6 - 0.5) = -1.154
    logs = np.log([[0.3, 0.7]])
    first, second = contact_candidates(logs, np.array([removal], np.float32), [], []).candidates
    likelier = 0.75 if odds > 0 else 0.25
    assert (first.x, second.x) == (likelier, 1 - likelier)
    assert np.log(first.probability / second.probability) == pytest.approx(abs(odds), abs=1e-3)


@pytest.mark.parametrize(('column', 'nearer'), [(35, True), (36, False)])
def test_a_removal_within_a_twentieth_of_the_diagonal_counts(column, nearer):
    removal = NOTHING.copy()
    removal[20, column] = 2.0
    logs = map_of((30, 20, 0.4), (70, 50, 0.5))
    found = contact_candidates(logs, removal, [], []).candidates
    assert (found[0].y == 20.5 / 60) is nearer


@pytest.mark.parametrize(('weight', 'time'), [(-4.2, 2.2), (-3.4, 2.3)])
def test_a_candidate_is_of_the_hand_at_it_and_of_its_likeliest_moment(weight, time):
    # 4 pixels are 1.6 deviations, or 1.28 nats, like 3.84 of the weight
    coming = path_of(np.array([(10, 20.5), (20, 20.5), (26.5, 20.5), (30.5, 20.5)]), track=3)
    other = path_of(np.array([(70.5, 50.5), (70.5, 46), (31.5, 20.5)]), track=5)
    scores = [np.array([-9.0, -9.0, 0.0, weight]), np.array([-9.0, -3.0, -12.0])]
    logs = map_of((30, 20, 0.6), (70, 50, 0.3), (10, 50, 0.05))
    assert contact_candidates(logs, NOTHING, [coming, other], scores).time == time
    elsewhere = map_of((70, 50, 0.6))
    assert contact_candidates(elsewhere, NOTHING, [coming, other], scores).time == 2.1


@pytest.mark.parametrize(('x', 'time'), [(36.4, 2.1), (36.6, None)])
def test_a_hand_that_is_farther_than_six_hundredths_of_the_diagonal_is_not_at_it(x, time):
    path = path_of(np.array([(x, 20.5)] * 3))
    found = contact_candidates(
        map_of((30, 20, 0.6)), NOTHING, [path], [np.array([-1.0, 0.0, -2.0])]
    )
    assert found.time == time


def ranked(*paths: HandPath) -> list[int]:
    """Order of two candidates, at which hands begin a contact in their sixth frame."""
    scores = [np.where(np.arange(len(path.times)) == 5, 0.0, -9.0) for path in paths]
    found = contact_candidates(map_of((30, 20, 0.5), (30, 50, 0.4)), NOTHING, paths, scores)
    return [int(one.y > 0.5) for one in found.candidates[:2]]


EVEN = np.stack([np.arange(0, 60, 6.0), np.full(10, 20.5)], axis=1)


def test_the_hand_carries_something_from_the_contact():
    shares = np.where(np.arange(10) > 5, 0.9, 0.0)
    assert ranked(path_of(EVEN, 0, 0 * shares), path_of(EVEN + (0, 30), 1, shares)) == [1, 0]


def test_the_hand_is_slow_at_the_contact():
    slow = EVEN + (0, 30)
    slow[4:7, 0] = 30.0
    assert ranked(path_of(EVEN, 0), path_of(slow, 1)) == [1, 0]


def test_carrying_is_the_share_of_the_travel_after_less_before():
    tips = np.stack([10.0 * np.arange(5), np.zeros(5)], axis=1)
    path = path_of(tips, comotion=[0.2, 0.4, np.nan, 0.6, 0.9])
    # the second frame is less than 0.1 s before the third; nothing is known of it
    path = replace(path, times=np.array([2.0, 2.12, 2.2, 2.3, 2.4]))
    # a travel of 10 pixels and the 2 % of the diagonal that tell little
    assert carrying(path, 2, 100.0) == pytest.approx(6 / 12 - 2 / 12)
    assert carrying(path, 0, 100.0) == pytest.approx((4 + 6) / (20 + 2))


def test_slowness_is_relative_to_the_usual_speed():
    palms = np.stack([np.r_[0:8:2, 8, 8, 8, 10:18:2], np.zeros(11)], axis=1)
    path = path_of(palms)
    # hand sizes of 20 pixels per second: usually 1, then 1 / 2 and 0
    assert slowness(path, 4) == pytest.approx(np.log(1.05 / 0.55))
    assert slowness(path, 5) == pytest.approx(np.log(1.05 / 0.05))
    assert slowness(path_of(palms[:1]), 0) == 0.0

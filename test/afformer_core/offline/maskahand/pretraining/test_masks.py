# SPDX-License-Identifier: Apache-2.0
import numpy as np
import pytest

from afformer_core.hands.hand import Hand
from afformer_core.offline.maskahand.pretraining.synthesis import MaskSettings, without_hands

GREEN = (0, 200, 0)
BOX = (40.0, 30.0, 60.0, 50.0)
ALONE = {'random_masks': 0, 'fill': 'colour'}


def _green(height=90, width=120):
    return np.full((height, width, 3), GREEN, np.uint8)


def _covered(boxes, seed=0, image=None, **settings):
    """Which pixels of a green image are not green any more."""
    image = _green() if image is None else image
    hands = [Hand(box, True, 1.0) for box in boxes]
    hidden = without_hands(image, hands, MaskSettings(**settings), np.random.default_rng(seed))
    return (hidden != GREEN).any(axis=2)


def _extent(covered):
    rows, columns = np.nonzero(covered)
    return columns.min(), rows.min(), columns.max() + 1, rows.max() + 1


@pytest.mark.parametrize(
    ('box', 'settings', 'extent'),
    [
        (BOX, {}, (35, 25, 65, 55)),
        (BOX, {'scale': 1.0}, (40, 30, 60, 50)),
        ((10.6, 20.6, 11.2, 21.2), {'scale': 1.0}, (10, 20, 12, 22)),
        ((10.4, 20.4, 10.5, 20.5), {}, (10, 20, 11, 21)),
        ((-10.0, 80.0, 10.0, 100.0), {}, (0, 75, 15, 90)),
        ((-50.0, -50.0, 400.0, 300.0), {}, (0, 0, 120, 90)),
    ],
    ids=['larger', 'exact', 'touched in part', 'tiny', 'at a corner', 'all'],
)
def test_a_mask_is_the_enlarged_box_within_the_image(box, settings, extent):
    covered = _covered([box], **{**ALONE, **settings})
    left, top, right, bottom = extent
    assert _extent(covered) == extent
    assert covered.sum() == (right - left) * (bottom - top)


def test_without_masks_and_beside_the_image_nothing_is_hidden():
    assert not _covered([BOX], shape='none', random_masks=0).any()
    assert not _covered([(200.0, 10.0, 220.0, 30.0)], **ALONE).any()


def test_jittered_sides_move_outwards_each_by_itself():
    extents = np.array(
        [_extent(_covered([BOX], seed, shape='jittered', **ALONE)) for seed in range(40)]
    )
    # The root of the area is 20, so that each side moves by up to 10, and a pixel of rounding.
    assert (extents[:, :2] <= (40, 30)).all()
    assert (extents[:, :2] >= (30, 20)).all()
    assert (extents[:, 2:] >= (60, 50)).all()
    assert (extents[:, 2:] <= (70, 60)).all()
    assert all(len(set(side)) > 5 for side in extents.T.tolist())
    widths = extents[:, 2] - 60 - (40 - extents[:, 0])
    assert np.abs(widths).max() > 4


def test_random_masks_have_the_size_of_the_hands():
    for seed in range(20):
        covered = _covered([BOX], seed, image=_green(400, 400), random_masks=3, fill='colour')
        # All within the image, and none over another: three of 30 x 30 and a rounding.
        assert covered.sum() <= 30 * 30 + 3 * 31 * 31
    assert max(
        _covered([BOX], seed, image=_green(400, 400), random_masks=3, fill='colour').sum()
        for seed in range(20)
    ) >= 4 * 30 * 30  # fmt: skip


def test_zero_is_black():
    image = without_hands(
        _green(), [Hand(BOX, True, 1.0)], MaskSettings(fill='zero'), np.random.default_rng(0)
    )
    colours = {tuple(colour) for colour in image.reshape(-1, 3).tolist()}
    assert colours == {GREEN, (0, 0, 0)}


def test_noise_has_every_value_from_0_to_255():
    image = without_hands(
        np.full((200, 200, 3), 9, np.uint8),
        [Hand((0.0, 0.0, 200.0, 200.0), True, 1.0)],
        MaskSettings(fill='noise', random_masks=0),
        np.random.default_rng(0),
    )
    assert set(image.ravel().tolist()) == set(range(256))


def test_random_masks_lie_anywhere():
    positions = np.zeros((90, 120), bool)
    for seed in range(60):
        positions |= _covered([BOX], seed, fill='colour')
    assert positions.mean() > 0.95


def test_every_fill_is_drawn_at_random_and_once_for_all_masks():
    kinds = set()
    for seed in range(30):
        image = without_hands(
            _green(), [Hand(BOX, True, 1.0)], MaskSettings(), np.random.default_rng(seed)
        )
        colours = {tuple(colour) for colour in image.reshape(-1, 3).tolist()} - {GREEN}
        kinds.add(min(len(colours), 3))
        hidden = image[30:50, 40:60].reshape(-1, 3)
        assert (hidden != GREEN).any(axis=1).sum() > 395 or len(colours) == 0
    # The mean of a green image is green, one colour for each of two masks, and noise.
    assert kinds == {0, 2, 3}


def test_the_image_itself_stays_as_it_is():
    image = _green()
    without_hands(image, [Hand(BOX, True, 1.0)], MaskSettings(), np.random.default_rng(0))
    assert (image == GREEN).all()

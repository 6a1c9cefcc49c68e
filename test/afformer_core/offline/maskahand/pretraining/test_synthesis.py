# SPDX-License-Identifier: Apache-2.0
"""Synthesized target images: hands hidden, context moved, the target moved with it."""

import cv2
import numpy as np
import pytest
import skimage.data
import torch

from afformer_core.hands.hand import Hand
from afformer_core.offline.data.augmentation.augmentation import ImageSettings
from afformer_core.offline.data.augmentation.geometric import (
    CropSettings,
    PerspectiveSettings,
    warp_images,
    warp_points,
)
from afformer_core.offline.data.heatmaps import coverage
from afformer_core.offline.maskahand.pretraining.interactions import Interaction
from afformer_core.offline.maskahand.pretraining.synthesis import (
    BoxTarget,
    MaskSettings,
    SynthesisSettings,
    camera_motion,
    synthesize,
    without_hands,
)

SIZE = (160, 120)
SKIN, GROUND = (255, 0, 0), (90, 100, 110)
IN_CONTACT = Hand((60.0, 40.0, 90.0, 70.0), True, 0.995)
IDLE = Hand((10.0, 80.0, 34.0, 104.0), False, 0.97)
UNSURE = Hand((120.0, 10.0, 150.0, 34.0), True, 0.3)
FLAT = ImageSettings()
SLANTED = ImageSettings(perspective=PerspectiveSettings(distortion=0.5))
CROPPED = ImageSettings(perspective=PerspectiveSettings(distortion=0.5, border='crop'))


def _frame(*hands, size=SIZE):
    """Skin where hands are, and nowhere else."""
    frame = np.full((size[1], size[0], 3), GROUND, np.uint8)
    for hand in hands:
        left, top, right, bottom = (max(0, round(side)) for side in hand.box)
        frame[top:bottom, left:right] = SKIN
    return frame


def _made(hands, seed=0, frame=None, masks=None, image=FLAT):
    frame = _frame(*hands) if frame is None else frame
    interaction = Interaction(0, hands, (hands[0],))
    settings = SynthesisSettings(masks=masks or MaskSettings(fill='mean'), image=image)
    return synthesize(frame, SIZE, interaction, settings, np.random.default_rng(seed))


def _skin(image):
    reddish = (image[..., 0] > 200) & (image[..., 1] < 60) & (image[..., 2] < 60)
    return int(reddish.sum())


@pytest.mark.parametrize('image', [FLAT, SLANTED], ids=['as it is', 'slanted'])
def test_idle_and_unsure_hands_are_hidden_too(image):
    for seed in range(5):
        assert _skin(_made((IN_CONTACT, IDLE, UNSURE), seed, image=image).image) == 0


@pytest.mark.parametrize(
    ('hands', 'masks', 'seen'),
    [
        # A detection of a score that is too low for a hand.
        ((IN_CONTACT, Hand(UNSURE.box, True, 0.05)), {}, 30 * 24),
        # The second of two hands; the first interacts, and is hidden whatever its score.
        (
            (Hand(IN_CONTACT.box, True, 0.6), Hand(IDLE.box, False, 0.6)),
            {'hidden_score': 0.9},
            24 * 24,
        ),
        # Both hands that do not interact.
        ((IN_CONTACT, IDLE, UNSURE), {'hidden': 'interacting'}, 24 * 24 + 30 * 24),
    ],
)
def test_hands_that_stay(hands, masks, seen):
    settings = MaskSettings(random_masks=0, fill='mean', **masks)
    assert _skin(_made(hands, masks=settings).image) == seen


@pytest.mark.parametrize(
    ('kind', 'settings', 'text'),
    [
        (MaskSettings, {'shape': 'round'}, "shape is 'round'"),
        (MaskSettings, {'fill': 'black'}, "fill is 'black'"),
        (MaskSettings, {'scale': 0.9}, 'scale is 0.9'),
        (MaskSettings, {'random_masks': -1}, 'random_masks is -1'),
        (MaskSettings, {'shape': 'none'}, 'random_masks is 1'),
        (MaskSettings, {'hidden_score': 1.5}, 'hidden_score is 1.5'),
        (MaskSettings, {'hidden': 'none'}, "hidden is 'none'"),
        (BoxTarget, {'form': 'wrist'}, "form is 'wrist'"),
        (BoxTarget, {'share': 0.0}, 'share is 0.0'),
        (SynthesisSettings, {'hand_free_share': 1.5}, r'hand_free_share is 1\.5; expected 0 to 1'),
    ],
)
def test_options_out_of_range(kind, settings, text):
    with pytest.raises(ValueError, match=text):
        kind(**settings)


def test_nothing_is_black_around_what_was_moved():
    for seed in range(20):
        image = _made((IN_CONTACT,), seed, image=SLANTED).image
        assert image.min() >= 80


def test_what_is_moved_may_be_cropped_beside_black_corners():
    for seed in range(20):
        image = _made((IN_CONTACT,), seed, image=CROPPED).image
        assert (image.max(axis=2) == 0).any()
        # The ground reaches all four sides.
        assert all(side.max() >= 80 for side in (image[1], image[-2], image[:, 1], image[:, -2]))


def _inside(corners, scale=1.0):
    """How much of each pixel lies in a box, enlarged about its middle."""
    middle = corners.mean(axis=0)
    enlarged = ((corners - middle) * scale + middle) * SIZE
    return coverage(torch.from_numpy(enlarged).float(), (SIZE[1], SIZE[0])).numpy()


@pytest.mark.parametrize('image', [SLANTED, CROPPED], ids=['reflected', 'cropped'])
def test_the_target_moves_with_what_is_under_it(image):
    # Without masks the hand itself shows where the target must be.
    masks = MaskSettings(shape='none', random_masks=0)
    for seed in range(10):
        made = _made((IN_CONTACT,), seed, masks=masks, image=image)
        red = made.image[..., 1] < 50
        inside = _inside(made.corners[0])
        assert red[inside > 0.99].all()
        assert not red[(inside == 0) & (_inside(made.corners[0], 1.4) > 0.5)].any()


@pytest.mark.parametrize(
    'box',
    [
        (-1.0, -1.0, 161.0, 121.0),
        (-30.0, 90.0, 12.0, 150.0),
        (159.0, 0.0, 200.0, 40.0),
        (80.2, 60.2, 80.5, 60.6),
    ],
    ids=['the whole frame', 'a corner', 'an edge', 'less than a pixel'],
)
@pytest.mark.parametrize(
    'image',
    [
        ImageSettings(
            perspective=PerspectiveSettings(distortion=0.6), crop=CropSettings(scale=(0.2, 1.0))
        ),
        ImageSettings(perspective=PerspectiveSettings(distortion=1.0, border='crop')),
    ],
    ids=['cropped and slanted', 'as slanted as can be'],
)
def test_a_box_stays_in_the_image_however_it_is_moved(box, image):
    for seed in range(100):
        (corners,) = _made((Hand(box, True, 1.0),), seed, image=image).corners
        assert np.isfinite(corners).all()
        inside = coverage(torch.from_numpy(corners) * 32, (32, 32))
        assert inside.sum() > 0


def _texture_image(shift=0):
    wide = cv2.resize(skimage.data.coffee(), (SIZE[0] + 20, SIZE[1]), interpolation=cv2.INTER_AREA)
    return np.ascontiguousarray(wide[:, shift : shift + SIZE[0]])


def _before(hand_free, left=126):
    """What is made of a hand at the columns from `left` on."""
    frame = _texture_image()
    frame[40:70, left : left + 30] = SKIN
    hand = Hand((left, 40.0, left + 30.0, 70.0), True, 0.995)
    settings = SynthesisSettings(masks=MaskSettings(fill='colour'), image=FLAT)
    rng = np.random.default_rng(0)
    return synthesize(frame, SIZE, Interaction(0, (hand,), (hand,)), settings, rng, hand_free)


def test_a_frame_without_a_hand_is_shown_as_it_is():
    made = _before(_texture_image(shift=8))

    assert np.array_equal(made.image, _texture_image(shift=8))
    # What lay under the hand lies 8 pixels to the left.
    expected = np.array([[118, 40], [148, 40], [148, 70], [118, 70]]) / SIZE
    assert np.abs((made.corners[0] - expected) * SIZE).max() < 1


@pytest.mark.parametrize(
    ('hand_free', 'left'),
    [(np.full((SIZE[1], SIZE[0], 3), 90, np.uint8), 60), (_texture_image(shift=20), 2)],
    ids=['of something else', 'without what lay under the hand'],
)
def test_the_hand_is_hidden_if_the_frame_without_one_does_not_show_what_it_hid(hand_free, left):
    made = _before(hand_free, left)

    assert not np.array_equal(made.image[40:70, left : left + 30], np.full((30, 30, 3), SKIN))
    assert np.array_equal(made.image[-1], _texture_image()[-1])
    assert made.corners[0, 0].tolist() == pytest.approx([left / 160, 40 / 120])


def test_boxes_follow_a_frame_that_was_made_smaller():
    small = _frame(Hand((30.0, 10.0, 45.0, 17.5), True, 1.0), size=(80, 30))
    made = _made((IN_CONTACT,), frame=small, masks=MaskSettings(random_masks=0, fill='mean'))
    assert made.image.shape == (30, 80, 3)
    assert _skin(made.image) == 0
    assert made.corners[0, 0].tolist() == pytest.approx([60 / 160, 40 / 120])


TEXTURE_IMAGE = cv2.resize(skimage.data.coffee(), (256, 192), interpolation=cv2.INTER_AREA)
POSITIONS = np.array([[40.0, 30.0], [200.0, 40.0], [128.0, 96.0], [60.0, 160.0], [210.0, 150.0]])
# Turned a little, nearer, and 7 and 5 pixels aside.
MOVED = np.array([[1.03, -0.02, 7.0], [0.02, 1.03, -5.0], [1e-5, 0.0, 1.0]])


@pytest.mark.parametrize('motion', [np.eye(3), MOVED], ids=['at rest', 'moved'])
def test_what_stands_still_is_followed_behind_a_hand(motion):
    (second,) = warp_images(TEXTURE_IMAGE[None], motion)
    second = second.copy()
    second[70:130, 90:150] = (220, 170, 140)
    found = camera_motion(TEXTURE_IMAGE, second)

    assert found is not None
    off = warp_points(POSITIONS, found) - warp_points(POSITIONS, motion)
    assert np.abs(off).max() < 0.6


def test_where_nothing_is_to_be_followed():
    other = cv2.resize(skimage.data.astronaut(), (256, 192), interpolation=cv2.INTER_AREA)
    flat = np.full((192, 256, 3), 90, np.uint8)
    for first, second in ((TEXTURE_IMAGE, other), (flat, flat), (TEXTURE_IMAGE, flat)):
        assert camera_motion(first, second) is None


FRAME_SIZE = (200, 100)
BOX = (40.0, 20.0, 80.0, 60.0)


def _hands(*boxes):
    return tuple(Hand(box, True, 1.0) for box in boxes)


SQUARE = BoxTarget('contact_point', 0.5)


@pytest.mark.parametrize(
    ('target', 'hands', 'extents'),
    [
        # Every hand that interacts.
        (
            BoxTarget(),
            _hands(BOX, (100.0, 0.0, 120.0, 50.0)),
            [(0.2, 0.2, 0.4, 0.6), (0.5, 0, 0.6, 0.5)],
        ),
        # Partly outside, and larger than the frame.
        (BoxTarget(), _hands((-40.0, 20.0, 40.0, 300.0)), [(0, 0.2, 0.2, 1)]),
        (BoxTarget(), _hands((-10.0, -10.0, 500.0, 500.0)), [(0, 0, 1, 1)]),
        # Half of the box's longer side, 20 pixels, around the contact point.
        (SQUARE, [Hand(BOX, True, 1.0, (90.0, 50.0))], [(0.4, 0.4, 0.5, 0.6)]),
        # The square ends with the frame.
        (SQUARE, [Hand(BOX, True, 1.0, (195.0, 0.0))], [(0.925, 0, 1, 0.1)]),
        # Without a contact point in the frame it is the box.
        (SQUARE, _hands(BOX), [(0.2, 0.2, 0.4, 0.6)]),
        (SQUARE, [Hand(BOX, True, 1.0, (90.0, -1.0))], [(0.2, 0.2, 0.4, 0.6)]),
        (SQUARE, [Hand(BOX, True, 1.0, (201.0, 50.0))], [(0.2, 0.2, 0.4, 0.6)]),
    ],
)
def test_corners_of_targets_are_shares_of_the_frame_and_go_clockwise(target, hands, extents):
    corners = target.corners(Interaction(0, tuple(hands), tuple(hands)), FRAME_SIZE)
    np.testing.assert_allclose(
        corners,
        [
            [[one, two], [three, two], [three, four], [one, four]]
            for one, two, three, four in extents
        ],
    )


GREEN = (0, 200, 0)
HAND_BOX = (40.0, 30.0, 60.0, 50.0)
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
        (HAND_BOX, {}, (35, 25, 65, 55)),
        (HAND_BOX, {'scale': 1.0}, (40, 30, 60, 50)),
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
    assert not _covered([HAND_BOX], shape='none', random_masks=0).any()
    assert not _covered([(200.0, 10.0, 220.0, 30.0)], **ALONE).any()


def test_jittered_sides_move_outwards_each_by_itself():
    extents = np.array(
        [_extent(_covered([HAND_BOX], seed, shape='jittered', **ALONE)) for seed in range(40)]
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
        covered = _covered([HAND_BOX], seed, image=_green(400, 400), random_masks=3, fill='colour')
        # All within the image, and none over another: three of 30 x 30 and a rounding.
        assert covered.sum() <= 30 * 30 + 3 * 31 * 31
    assert max(
        _covered([HAND_BOX], seed, image=_green(400, 400), random_masks=3, fill='colour').sum()
        for seed in range(20)
    ) >= 4 * 30 * 30  # fmt: skip


def test_zero_is_black():
    image = without_hands(
        _green(), [Hand(HAND_BOX, True, 1.0)], MaskSettings(fill='zero'), np.random.default_rng(0)
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
        positions |= _covered([HAND_BOX], seed, fill='colour')
    assert positions.mean() > 0.95


def test_every_fill_is_drawn_at_random_and_once_for_all_masks():
    kinds = set()
    for seed in range(30):
        image = without_hands(
            _green(), [Hand(HAND_BOX, True, 1.0)], MaskSettings(), np.random.default_rng(seed)
        )
        colours = {tuple(colour) for colour in image.reshape(-1, 3).tolist()} - {GREEN}
        kinds.add(min(len(colours), 3))
        hidden = image[30:50, 40:60].reshape(-1, 3)
        assert (hidden != GREEN).any(axis=1).sum() > 395 or len(colours) == 0
    # The mean of a green image is green, one colour for each of two masks, and noise.
    assert kinds == {0, 2, 3}


def test_the_image_itself_stays_as_it_is():
    image = _green()
    without_hands(image, [Hand(HAND_BOX, True, 1.0)], MaskSettings(), np.random.default_rng(0))
    assert (image == GREEN).all()

# SPDX-License-Identifier: Apache-2.0
"""The reader of HO-Cap, over a small tree in its layout."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import PIL.Image
import pytest

from afformer_core.data.annotated_dataset import AnnotatedDataset
from afformer_core.data.annotations import open_annotations
from afformer_core.data.readers.hocap.sequence import HoCapSequence
from afformer_core.data.sample import Sample
from afformer_core.data.verification import find_problems
from afformer_core.errors import DatasetError
from afformer_core.licences import Origin
from afformer_core.media.video import read_video

from ..trees.hocap import (
    CAMERAS,
    DEPTH,
    FIRST,
    LEFT_HAND,
    MOTIONS,
    REST,
    RIGHT_HAND,
    SECOND,
    TILTED,
    TURNED,
    Vector,
    write_hocap,
    write_images,
    write_intrinsics,
    write_label,
    write_motion,
)

IDS = [f'{name}/{serial}/G01_1' for name in (FIRST, SECOND) for serial in (TILTED, TURNED)]
AT_REST = 'object that is not seen to leave its place'
NO_HAND = 'object that no hand carries'


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    return write_hocap(tmp_path)


def ids(dataset: AnnotatedDataset) -> list[str]:
    return [sample.sample_id for sample in dataset]


def target(tree: Path, sample: Sample) -> tuple[str, list[float]]:
    """Path of the target image below the tree, and the point in it to a hundredth."""
    return (
        sample.image_path.relative_to(tree).as_posix(),
        np.round(sample.points[0], 2).reshape(-1).tolist(),
    )


def test_the_contact_of_a_hand_is_sought_in_another_sequence(tree: Path) -> None:
    dataset = open_annotations(tree)

    assert dataset.action_names == ('pick up',)
    assert ids(dataset) == IDS
    assert [target(tree, sample) for sample in dataset] == [
        (f'{SECOND}/{TILTED}/color_000000.jpg', [25.47, 31.59]),
        (f'{SECOND}/{TURNED}/color_000000.jpg', [32.59, 20.84]),
        (f'{FIRST}/{TILTED}/color_000000.jpg', [37.29, 27.11]),
        (f'{FIRST}/{TURNED}/color_000000.jpg', [37.85, 12.47]),
    ]
    first = dataset[0]
    assert first.image_size == (64, 48)
    assert first.object_id == 'G01_1'
    assert first.origin == Origin('HO-Cap', 'CC-BY-4.0')
    assert dataset.manifest.left_out == {AT_REST: 1}


def test_the_demonstration_shows_the_contact_after_the_approach(tree: Path) -> None:
    dataset = open_annotations(tree)

    assert [
        (sample.video_path.relative_to(tree).as_posix(), sample.contact) for sample in dataset
    ] == [
        (f'{FIRST}/{TILTED}/color_#13-103:1', (60, 90)),
        (f'{FIRST}/{TURNED}/color_#13-103:1', (60, 90)),
        (f'{SECOND}/{TILTED}/color_#0-44:1', (14, 44)),
        (f'{SECOND}/{TURNED}/color_#0-44:1', (14, 44)),
    ]
    shares = dataset[0].contact_points
    assert shares is not None
    assert len(shares) == 91
    assert shares[0] == pytest.approx((0.63916, 0.55342), abs=1e-4)
    assert shares[60] == pytest.approx((0.67235, 0.54053), abs=1e-4)
    assert shares[70] == pytest.approx((0.75559, 0.56215), abs=1e-4)
    # The object has left the view to the right.
    assert shares[90] is None


def test_the_colour_images_are_read_beside_those_of_depth(tree: Path) -> None:
    for name, motion in MOTIONS.items():
        for serial in (TILTED, TURNED):
            write_images(tree, name, serial, motion.frames, DEPTH[name, serial])

    dataset = open_annotations(tree)

    assert find_problems(dataset, progress=False) == []
    assert read_video(dataset[0].video_path).shape == (91, 48, 64, 3)


def test_a_hidden_contact_is_sought_in_other_images(tree: Path) -> None:
    write_images(tree, SECOND, TILTED, 1, 940)

    assert [target(tree, sample)[0] for sample in open_annotations(tree)[:2]] == [
        f'{SECOND}/{TURNED}/color_000000.jpg',
        f'{SECOND}/{TURNED}/color_000000.jpg',
    ]


def test_another_camera_is_used_without_another_sequence(tree: Path) -> None:
    shutil.rmtree(tree / SECOND)

    dataset = open_annotations(tree)

    assert [target(tree, sample) for sample in dataset] == [
        (f'{FIRST}/{TURNED}/color_000000.jpg', [40.06, 10.58]),
        (f'{FIRST}/{TILTED}/color_000000.jpg', [40.41, 26.06]),
    ]


def test_an_object_that_no_other_image_shows_is_left_out(tree: Path) -> None:
    shutil.rmtree(tree / SECOND)
    write_images(tree, FIRST, TURNED, 1, 1300)

    dataset = open_annotations(tree)

    assert ids(dataset) == IDS[1:2]
    assert dataset.manifest.left_out == {AT_REST: 1, 'no other image of the contact': 1}


def test_a_camera_that_does_not_see_the_contact_has_no_sample(tree: Path) -> None:
    write_intrinsics(tree, TURNED, (80, 85, 30, 5))

    dataset = open_annotations(tree)

    assert ids(dataset) == [IDS[0], IDS[2]]
    assert dataset.manifest.left_out == {AT_REST: 1, 'contact out of view': 2}


def test_a_hand_at_rest_carries_nothing(tree: Path) -> None:
    write_motion(tree, SECOND, MOTIONS[SECOND], lambda _: REST)

    dataset = open_annotations(tree)

    assert ids(dataset) == IDS[:2]
    assert dataset.manifest.left_out == {AT_REST: 1, NO_HAND: 1}


def test_an_object_that_was_pushed_is_not_carried(tree: Path) -> None:
    pushed = MOTIONS[SECOND]
    pushed = replace(pushed, travel=0.04, turned=pushed.quaternion)
    write_motion(tree, SECOND, pushed, lambda _: REST)

    assert open_annotations(tree).manifest.left_out == {AT_REST: 1, NO_HAND: 1}


def slip(tree: Path, *millimetres: float) -> None:
    """Let the hand of the second sequence slip by distances from where it held the object."""
    held = MOTIONS[SECOND]
    along = np.array([0.6, 0, 0.8]) / 1000
    slips = dict(zip(held.held, millimetres, strict=True))
    write_motion(tree, SECOND, held, lambda frame: held.grip(frame) + slips[frame] * along)


def test_the_contact_of_a_hand_that_slips_is_the_mean(tree: Path) -> None:
    slip(tree, 0, 19, 19, 0)

    sample = open_annotations(tree)[2]

    assert target(tree, sample) == (f'{FIRST}/{TILTED}/color_000000.jpg', [37.87, 27.47])


@pytest.mark.parametrize('millimetres', [(0, 44, 44, 0), (0, 0, 0, 34)])
def test_a_hand_that_slips_by_more_than_2_cm_carries_nothing(
    tree: Path, millimetres: tuple[float, ...]
) -> None:
    slip(tree, *millimetres)

    assert open_annotations(tree).manifest.left_out == {AT_REST: 1, NO_HAND: 1}


def test_of_two_hands_the_one_that_slips_less_has_the_contact(tree: Path) -> None:
    held = MOTIONS[SECOND]
    expected = target(tree, open_annotations(tree)[2])
    for number, frame in enumerate(held.held):
        for serial in CAMERAS:
            grip = held.grip(frame)
            hands: list[Vector | None] = [grip, grip]
            hands[RIGHT_HAND] = grip + [0.0, 0.006 * number, 0.01]
            write_label(tree / SECOND / serial / f'label_{frame:06d}.npz', serial, hands)

    assert held.hand == LEFT_HAND
    assert target(tree, open_annotations(tree)[2]) == expected


def test_an_object_that_stops_after_6_cm_was_carried(tree: Path) -> None:
    write_motion(tree, SECOND, replace(MOTIONS[SECOND], travel=0.093))

    assert ids(open_annotations(tree)) == IDS


def test_a_sequence_that_ends_with_the_demonstration_is_long_enough(tree: Path) -> None:
    write_motion(tree, SECOND, replace(MOTIONS[SECOND], frames=45))

    assert ids(open_annotations(tree)) == IDS


def test_a_contact_that_comes_into_view_with_the_pick_up_is_shown(tree: Path) -> None:
    *others, _, cy = CAMERAS[TILTED][2]
    write_intrinsics(tree, TILTED, (*others, -8.4, cy))

    first = open_annotations(tree)[0]

    assert first.sample_id == IDS[0]
    assert first.contact_points is not None
    assert first.contact_points[0] is None
    assert first.contact_points[60] == pytest.approx((0.02547, 0.54053), abs=1e-4)


def test_objects_of_a_camera_are_in_the_order_of_their_names(tree: Path) -> None:
    path = tree / FIRST / 'poses_o.npy'
    poses = np.load(path)
    poses[0] = poses[1]
    np.save(path, poses)

    found = ids(open_annotations(tree))

    assert found[:2] == [f'{FIRST}/{TILTED}/{name}' for name in ('G01_1', 'G01_3')]
    assert found == sorted(found)
    assert len(found) == 6


@pytest.fixture
def sequence(tree: Path) -> HoCapSequence:
    return HoCapSequence(tree / 'calibration', tree / FIRST)


def before(serial: str, *point: float) -> Vector:
    """A point [1, 3] in the space of the marker, given in that of a camera."""
    rotation, position, _ = CAMERAS[serial]
    return np.asarray(np.array(rotation) @ point + position)[None]


def test_a_point_is_projected_before_the_camera_and_not_behind_it(
    sequence: HoCapSequence,
) -> None:
    shown = sequence.project(before(TILTED, 0.03, -0.02, 0.3), TILTED)
    assert shown[0] == pytest.approx([33 + 9, 21 - 19 / 3])
    for depth in (-0.3, 0.04):
        at = before(TILTED, 0.1 * depth, -0.05 * depth, depth)
        assert np.isnan(sequence.project(at, TILTED)).all()


def test_a_point_is_visible_within_5_cm_of_the_depth_at_its_pixel(
    tree: Path, sequence: HoCapSequence
) -> None:
    # It is 1.2 m away, at a depth of 1.1 m.
    point = before(TILTED, 0.3, 0.25, 1.1)
    (pixel,) = sequence.project(point, TILTED)
    column, row = 58, 43
    assert pixel == pytest.approx([57.545, 42.591], abs=1e-3)
    for millimetres, visible in ((1149, True), (1151, False), (1051, True), (1049, False)):
        depth = np.zeros((48, 64), np.uint16)
        depth[row, column] = millimetres
        PIL.Image.fromarray(depth).save(tree / FIRST / TILTED / 'depth_000000.png')
        assert np.isnan(sequence.project_visible(point, TILTED)).any() != visible


def test_the_first_camera_with_a_hand_tells_where_it_is(
    tree: Path, sequence: HoCapSequence
) -> None:
    (frame, *_) = MOTIONS[FIRST].held
    # A coordinate may have the value that stands for a missing joint.
    beside = before(TURNED, 0.1, -0.2, -1.0)[0]
    path = tree / FIRST / TILTED / f'label_{frame:06d}.npz'
    write_label(path, TILTED, [None, REST])
    write_label(
        tree / FIRST / TURNED / f'label_{frame:06d}.npz', TURNED, [beside, REST + [0.0, 0.1, 0.2]]
    )

    assert sequence.grips(frame) == pytest.approx(np.array([beside, REST]), abs=1e-6)


def test_a_sequence_that_ends_before_the_object_is_carried_has_no_sample(tree: Path) -> None:
    write_motion(tree, SECOND, replace(MOTIONS[SECOND], frames=44))

    assert open_annotations(tree).manifest.left_out == {AT_REST: 1, NO_HAND: 1}


def test_an_object_that_is_not_tracked_is_in_no_image(tree: Path) -> None:
    path = tree / SECOND / 'poses_o.npy'
    poses = np.load(path)
    poses[0, 0] = -1
    np.save(path, poses)

    dataset = open_annotations(tree)

    assert [target(tree, sample)[0] for sample in dataset] == [
        f'{FIRST}/{TURNED}/color_000000.jpg',
        f'{FIRST}/{TILTED}/color_000000.jpg',
    ]
    assert dataset.manifest.left_out == {AT_REST: 2}


def test_a_subject_whose_images_are_not_there_is_left_out(tree: Path) -> None:
    for serial in (TILTED, TURNED):
        shutil.rmtree(tree / SECOND / serial)

    dataset = open_annotations(tree)

    assert ids(dataset) == IDS[:2]
    assert dataset.manifest.left_out == {AT_REST: 1, 'sequence without images': 1}


def test_a_sequence_may_name_its_calibration(tree: Path) -> None:
    (tree / 'calibration/extrinsics/another.yaml').write_text('extrinsics: {}\n')
    with (tree / SECOND / 'meta.yaml').open('a') as file:
        file.write('extrinsics: extrinsics_20231014.yaml\n')

    assert ids(open_annotations(tree)) == IDS


@pytest.mark.parametrize(
    ('file', 'content', 'expected'),
    [
        (f'{FIRST}/meta.yaml', b'num_frames: many\n', r'meta.yaml: invalid literal for int'),
        (f'{FIRST}/meta.yaml', b'num_frames: 106\n', r"meta.yaml has no 'object_ids'"),
        (f'{FIRST}/meta.yaml', b'a: [\n', r'meta.yaml is not YAML: .*Unpack it again'),
        (f'{FIRST}/poses_o.npy', b'', r'poses_o.npy cannot be read: .*Unpack it again'),
        (f'{FIRST}/poses_o.npy', None, r'poses_o.npy does not exist; expected annotations'),
        (
            f'{FIRST}/{TURNED}/label_000073.npz',
            b'PK\x03\x04',
            r'label_000073.npz cannot be read: ',
        ),
        (f'{FIRST}/{TURNED}/label_000073.npz', b'text', r'label_000073.npz: '),
        (f'{SECOND}/{TILTED}/depth_000000.png', b'x', r'depth_000000.png cannot be read: '),
        (f'{SECOND}/{TILTED}/depth_000000.png', None, r'depth_000000.png does not exist; '),
        (
            'calibration/extrinsics/extrinsics_20231014.yaml',
            b'extrinsics: {tag_1: [1, 2]}\n',
            r'20231014.yaml: a transform has 2 numbers; expected 12',
        ),
        ('calibration/extrinsics/other.yaml', b'a: 1\n', r'extrinsics contains 2 files; '),
        (f'calibration/intrinsics/{TILTED}.yaml', b'depth: 1\n', rf"{TILTED}.yaml has no 'color'"),
    ],
)
def test_a_malformed_file_is_named(
    tree: Path, file: str, content: bytes | None, expected: str
) -> None:
    if content is None:
        (tree / file).unlink()
    else:
        (tree / file).write_bytes(content)

    with pytest.raises(DatasetError, match=expected):
        open_annotations(tree)


@pytest.mark.parametrize(
    ('poses', 'expected'),
    [((1, 106, 7), r'is \(1, 106, 7\); expected \(2, 106, 7\)'), ((2, 90, 7), r'\(2, 90, 7\)')],
)
def test_poses_of_other_objects_or_frames_are_refused(
    tree: Path, poses: tuple[int, ...], expected: str
) -> None:
    np.save(tree / FIRST / 'poses_o.npy', np.ones(poses))

    with pytest.raises(DatasetError, match=f'the shape of .*poses_o.npy .*{expected}'):
        open_annotations(tree)


def test_labels_that_are_not_there_are_asked_for(tree: Path) -> None:
    for serial in (TILTED, TURNED):
        (tree / SECOND / serial / 'label_000024.npz').unlink()

    with pytest.raises(DatasetError, match=r'534 has no label_000024.npz of any camera. Unpack'):
        open_annotations(tree)


def test_a_folder_without_sequences_is_refused(tree: Path) -> None:
    for subject in ('subject_1', 'subject_2'):
        shutil.rmtree(tree / subject)

    with pytest.raises(
        DatasetError, match=r'has no sequence such as .*Unpack sequence_labels.tar'
    ):
        open_annotations(tree)

# SPDX-License-Identifier: Apache-2.0
"""Sequences in the layout of HO-Cap to a manifest."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from afformer_core.licences import Origin
from afformer_core.media.video import read_video
from afformer_core.offline.data.annotated_dataset import AnnotatedDataset
from afformer_core.offline.data.sample import Sample
from afformer_core.offline.data.verification import find_problems

from .conftest import Convert
from .hocap_files import (
    CAMERAS,
    DEPTH,
    FIRST,
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


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    return write_hocap(tmp_path / 'tree')


def ids(dataset: AnnotatedDataset) -> list[str]:
    return [sample.sample_id for sample in dataset]


def target(tree: Path, sample: Sample) -> tuple[str, list[float]]:
    """Path of the target image below the tree, and the point in it to a hundredth."""
    return (
        sample.image_path.relative_to(tree).as_posix(),
        np.round(sample.points[0], 2).reshape(-1).tolist(),
    )


def test_the_contact_of_a_hand_is_sought_in_another_sequence(
    tree: Path, convert: Convert, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, motion in MOTIONS.items():
        for serial in (TILTED, TURNED):
            write_images(tree, name, serial, motion.frames, DEPTH[name, serial])

    dataset = convert('hocap')

    assert dataset.action_names == ('pick up',)
    assert ids(dataset) == IDS
    assert [target(tree, sample) for sample in dataset] == [
        (f'{SECOND}/{TILTED}/color_000000.jpg', [25.47, 31.59]),
        (f'{SECOND}/{TURNED}/color_000000.jpg', [32.59, 20.84]),
        (f'{FIRST}/{TILTED}/color_000000.jpg', [37.29, 27.11]),
        (f'{FIRST}/{TURNED}/color_000000.jpg', [37.85, 12.47]),
    ]
    assert [
        (sample.video_path.relative_to(tree).as_posix(), sample.contact) for sample in dataset
    ] == [
        (f'{FIRST}/{TILTED}/color_#13-103:1', (60, 90)),
        (f'{FIRST}/{TURNED}/color_#13-103:1', (60, 90)),
        (f'{SECOND}/{TILTED}/color_#0-44:1', (14, 44)),
        (f'{SECOND}/{TURNED}/color_#0-44:1', (14, 44)),
    ]
    first = dataset[0]
    assert first.image_size == (64, 48)
    assert first.object_id == 'G01_1'
    assert first.origin == Origin('HO-Cap', 'CC-BY-4.0')
    assert read_video(first.video_path).shape == (91, 48, 64, 3)
    shares = first.contact_points
    assert shares is not None
    assert len(shares) == 91
    assert shares[0] == pytest.approx((0.63916, 0.55342), abs=1e-4)
    assert shares[70] == pytest.approx((0.75559, 0.56215), abs=1e-4)
    # The object has left the view to the right.
    assert shares[90] is None
    assert find_problems(dataset, progress=False) == []
    assert 'left out, object that no hand carries: 1\n' in capsys.readouterr().out


def test_a_contact_behind_a_surface_is_sought_in_other_images(
    tree: Path, convert: Convert
) -> None:
    write_images(tree, SECOND, TILTED, 1, 940)

    assert [target(tree, sample)[0] for sample in convert('hocap')[:2]] == [
        f'{SECOND}/{TURNED}/color_000000.jpg',
        f'{SECOND}/{TURNED}/color_000000.jpg',
    ]


def test_a_camera_that_does_not_see_the_contact_has_no_sample(
    tree: Path, convert: Convert
) -> None:
    write_intrinsics(tree, TURNED, (80, 85, 30, 5))

    assert ids(convert('hocap')) == [IDS[0], IDS[2]]


@pytest.mark.parametrize(
    ('millimetres', 'carried'),
    [((0, 19, 19, 0), True), ((0, 44, 44, 0), False), ((0, 0, 0, 34), False)],
)
def test_a_hand_that_slips_by_more_than_2_cm_carries_nothing(
    tree: Path, convert: Convert, millimetres: tuple[float, ...], carried: bool
) -> None:
    held = MOTIONS[SECOND]
    along = np.array([0.6, 0, 0.8]) / 1000
    slips = dict(zip(held.held, millimetres, strict=True))
    write_motion(tree, SECOND, held, lambda frame: held.grip(frame) + slips[frame] * along)

    dataset = convert('hocap')

    assert ids(dataset) == (IDS if carried else IDS[:2])
    if carried:
        assert target(tree, dataset[2])[1] == [37.87, 27.47]


@pytest.mark.parametrize(
    ('changed', 'carried'),
    [
        ({'travel': 0.093}, True),
        ({'travel': 0.04}, False),
        ({'frames': 45}, True),
        ({'frames': 44}, False),
    ],
)
def test_an_object_must_move_by_5_cm_in_a_second(
    tree: Path, convert: Convert, changed: dict[str, float], carried: bool
) -> None:
    write_motion(tree, SECOND, replace(MOTIONS[SECOND], **changed))

    assert ids(convert('hocap')) == (IDS if carried else IDS[:2])


def test_of_two_hands_the_one_that_slips_less_has_the_contact(
    tree: Path, convert: Convert
) -> None:
    held = MOTIONS[SECOND]
    for number, frame in enumerate(held.held):
        for serial in CAMERAS:
            grip = held.grip(frame)
            hands: list[Vector | None] = [grip, grip]
            hands[RIGHT_HAND] = grip + [0.0, 0.006 * number, 0.01]
            write_label(tree / SECOND / serial / f'label_{frame:06d}.npz', serial, hands)

    assert target(tree, convert('hocap')[2])[1] == [37.29, 27.11]


def test_an_object_that_is_not_tracked_is_in_no_image(tree: Path, convert: Convert) -> None:
    poses = np.load(tree / SECOND / 'poses_o.npy')
    poses[0, 0] = -1
    np.save(tree / SECOND / 'poses_o.npy', poses)

    assert [target(tree, sample)[0] for sample in convert('hocap')] == [
        f'{FIRST}/{TURNED}/color_000000.jpg',
        f'{FIRST}/{TILTED}/color_000000.jpg',
    ]


def test_the_first_camera_with_a_hand_tells_where_it_is(tree: Path, convert: Convert) -> None:
    expected = [target(tree, sample) for sample in convert('hocap')]
    (tree.parent / 'manifest.jsonl').unlink()
    for frame in MOTIONS[SECOND].held:
        path = tree / SECOND / TURNED / f'label_{frame:06d}.npz'
        write_label(path, TURNED, [REST, REST])

    assert [target(tree, sample) for sample in convert('hocap')] == expected


def test_labels_that_are_not_there_are_named(tree: Path, convert: Convert) -> None:
    for serial in (TILTED, TURNED):
        (tree / SECOND / serial / 'label_000024.npz').unlink()

    with pytest.raises(FileNotFoundError, match=r'534 has no label_000024.npz of any camera'):
        convert('hocap')

# SPDX-License-Identifier: Apache-2.0
"""Sequences in the layout of HO-Cap to a manifest."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import PIL.Image
import pytest
from numpy.typing import NDArray

from afformer_core.licences import Origin
from afformer_core.media.video import read_video
from afformer_core.offline.data.annotated_dataset import AnnotatedDataset
from afformer_core.offline.data.sample import Sample
from afformer_core.offline.data.verification import find_problems

from .conftest import Convert

FIRST, SECOND = 'subject_1/20231025_165502', 'subject_2/20231022_190534'
# Serial numbers of cameras; YAML takes the first one for octal.
TILTED, TURNED = '037522251142', '046122250168'
# Rows of the rotation and the position in the space of the marker, then fx, fy, ppx and ppy.
CAMERAS = {
    TILTED: ([[1, 0, 0], [0, 0.96, -0.28], [0, 0.28, 0.96]], [0.05, 0.25, -0.9], (90, 95, 33, 21)),
    TURNED: ([[0.8, -0.6, 0], [0.6, 0.8, 0], [0, 0, 1]], [-0.1, 0.1, -1.1], (80, 85, 30, 25)),
}
# The marker in the space of the master camera.
TAG = [[0.6, 0, 0.8, 0.3], [0, 1, 0, -0.1], [-0.8, 0, 0.6, 0.2], [0, 0, 0, 1]]
DEPTH = {
    (FIRST, TILTED): 980,
    (FIRST, TURNED): 1157,
    (SECOND, TILTED): 1020,
    (SECOND, TURNED): 1203,
}
REST = np.array([0.4, 0.3, 0.1])
RIGHT_HAND, LEFT_HAND = 0, 1

Vector = NDArray[np.float64]


@dataclass(frozen=True)
class Motion:
    """The object G01_1 in a sequence, which moves by 11 mm in each frame after `begin`."""

    frames: int
    begin: int
    position: tuple[float, float, float]
    quaternion: tuple[float, float, float, float]
    direction: tuple[float, float, float]
    contact: tuple[float, float, float]
    hand: int
    # Its quaternion 10 frames after the begin, and how far it moves.
    turned: tuple[float, float, float, float] = (0.4, 0.2, 0.8, 0.4)
    travel: float = 9.0

    def pose(self, frame: int) -> Vector:
        """Quaternion and position."""
        away = min(0.011 * max(0, frame - self.begin), self.travel)
        quaternion = self.quaternion if frame < self.begin + 10 else self.turned
        return np.array([*quaternion, *(self.position + away * np.array(self.direction))])

    def grip(self, frame: int) -> Vector:
        """The point that the hand holds."""
        x, y, z, w, *position = self.pose(frame)
        rotation = np.array(
            [
                [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
                [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
                [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
            ]
        )
        return np.asarray(rotation @ self.contact + position)

    @property
    def held(self) -> range:
        """Frames of which labels are needed: the object has moved by 33 mm in the first one."""
        return range(self.begin + 3, min(self.begin + 34, self.frames), 10)


MOTIONS = {
    FIRST: Motion(
        frames=106,
        begin=70,
        position=(0.1, 0.02, 0.05),
        quaternion=(0.2, 0.4, 0.4, 0.8),
        direction=(0.6, 0, -0.8),
        contact=(0.03, -0.02, 0.01),
        hand=RIGHT_HAND,
    ),
    SECOND: Motion(
        frames=46,
        begin=11,
        position=(-0.06, 0.05, 0.1),
        quaternion=(0.8, 0.2, 0.4, 0.4),
        direction=(0.8, -0.6, 0),
        contact=(-0.01, 0.03, 0.02),
        hand=LEFT_HAND,
    ),
}


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Write sequences of one object, each with the images of its first frame.

    The first sequence has another object, which stays in its position.
    """
    root = tmp_path / 'tree'
    for serial, (_, _, intrinsics) in CAMERAS.items():
        write_intrinsics(root, serial, intrinsics)
    transforms = [f'  tag_1: {rows(np.array(TAG))}']
    for serial, (rotation, position, _) in CAMERAS.items():
        pose = np.vstack([np.column_stack([rotation, position]), [0, 0, 0, 1]])
        transforms.append(f'  {serial}: {rows(TAG @ pose)}')
    extrinsics = root / 'calibration/extrinsics/extrinsics_20231014.yaml'
    extrinsics.parent.mkdir()
    extrinsics.write_text('\n'.join([f'rs_master: {TURNED}', 'extrinsics:', *transforms]))
    for name, motion in MOTIONS.items():
        for serial in CAMERAS:
            write_images(root, name, serial, 1, DEPTH[name, serial])
        write_motion(root, name, motion)
    return root


def rows(transform: Vector) -> list[float]:
    return [round(float(value), 9) for value in transform[:3].reshape(-1)]


def write_intrinsics(root: Path, serial: str, values: tuple[float, ...]) -> None:
    path = root / f'calibration/intrinsics/{serial}.yaml'
    path.parent.mkdir(parents=True, exist_ok=True)
    colour = dict(zip(('fx', 'fy', 'ppx', 'ppy'), values, strict=True))
    path.write_text(f'serial: {serial}\ncolor: {colour}\n'.replace("'", ''))


def write_images(root: Path, name: str, serial: str, frames: int, depth: int) -> None:
    """Write the images of a camera, whose depths are millimetres."""
    folder = root / name / serial
    folder.mkdir(parents=True, exist_ok=True)
    colour, distance = io.BytesIO(), io.BytesIO()
    PIL.Image.new('RGB', (64, 48)).save(colour, 'JPEG')
    PIL.Image.fromarray(np.full((48, 64), depth, np.uint16)).save(distance, 'PNG')
    for frame in range(frames):
        (folder / f'color_{frame:06d}.jpg').write_bytes(colour.getvalue())
        (folder / f'depth_{frame:06d}.png').write_bytes(distance.getvalue())


def write_motion(
    root: Path, name: str, motion: Motion, grip: Callable[[int], Vector] | None = None
) -> None:
    """Write the poses of a sequence and the labels of the hand that holds the object.

    The first camera of the first sequence lacks that hand; the other one rests in that sequence.
    """
    folder = root / name
    named = 'extrinsics: extrinsics_20231014.yaml\n' if name == FIRST else ''
    objects = ['G01_3', 'G01_1'] if name == FIRST else ['G01_1']
    (folder / 'meta.yaml').write_text(
        f'subject_id: {folder.parent.name}\ntask_id: 1\nnum_frames: {motion.frames}\n'
        f'object_ids: [{", ".join(objects)}]\nmano_sides: [right]\n{named}'
        f'realsense:\n  width: 64\n  height: 48\n  serials: [{TILTED}, {TURNED}]\n'
    )
    moving = [motion.pose(frame) for frame in range(motion.frames)]
    resting = [[0.4, 0.4, 0.2, 0.8, 0, -0.1, 0.15]] * motion.frames
    poses = [resting, moving] if name == FIRST else [moving]
    np.save(folder / 'poses_o.npy', np.array(poses, np.float32))
    for frame in motion.held:
        for serial in CAMERAS:
            points: list[Vector | None] = [None, None]
            if (name, serial) != (FIRST, TILTED):
                points[motion.hand] = (grip or motion.grip)(frame)
            if name == FIRST:
                points[1 - motion.hand] = REST
            write_label(folder / serial / f'label_{frame:06d}.npz', serial, points)


def write_label(path: Path, serial: str, points: list[Vector | None]) -> None:
    """Write hands whose tips of thumb and index are 4 cm apart, and other joints elsewhere."""
    rotation, position, (fx, fy, cx, cy) = CAMERAS[serial]
    joints = np.full((2, 21, 3), -1.0)
    for hand, point in enumerate(points):
        if point is not None:
            joints[hand] = (point - position) @ np.array(rotation)
            joints[hand] += 0.3
            joints[hand, (4, 8)] -= 0.3
            joints[hand, (4, 8), 1] += (0.02, -0.02)
    np.savez(
        path,
        cam_K=np.array([[fx, 0, cx], [0, fy, cy], [0, 0, 1]], np.float32),
        hand_joints_3d=joints.astype(np.float32),
        hand_joints_2d=np.full((2, 21, 2), -1),
        seg_mask=np.zeros((48, 64), np.uint8),
    )


IDS = [f'{name}/{serial}/G01_1' for name in (FIRST, SECOND) for serial in (TILTED, TURNED)]


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

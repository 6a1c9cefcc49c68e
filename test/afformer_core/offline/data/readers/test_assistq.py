# SPDX-License-Identifier: Apache-2.0
"""The reader of AssistQ Buttons, on a tree laid out as AssistQ's own."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from afformer_core.errors import DatasetError, VideoError
from afformer_core.media.polygons import contains, nearest_element
from afformer_core.media.video import read_video, write_video
from afformer_core.offline.data.annotations import open_annotations
from afformer_core.offline.data.readers.assistq import ASSISTQ_ACTIONS
from afformer_core.offline.data.verification import find_problems

AIRFRYER_SCRIPT = """\
0:00:00-0:00:04 How to bake a cake? Turn the temperature knob, slowly, to 120 degrees.
0:00:04-0:00:07 Turn the time knob clockwise to 10 minutes.

0:00:07-0:00:09 Now, pull out the basket.
"""
AIRFRYER_BUTTONS = """\
button1,362,86,185,72,airfryer-user.jpg,960,1280
button2,378,330,185,170,airfryer-user.jpg,960,1280
button1,10,20,30,40,airfryer-side.jpg,640,480
"""
KETTLE_SCRIPT = """\
0:00:01-0:00:03 Press the power button to boil water.
0:00:03-0:00:05 Press the keep warm button.
"""
KETTLE_BUTTONS = """\
button1,0,0,8,6,kettle-user.png,40,30
button2,35,10,10,6,kettle-user.png,40,30
"""
CHOICES = [
    'Turn <button1> clockwise',
    'Turn <button1> to 120 degrees',
    'Turn <button2> clockwise to 15 minutes',
    'Turn <button1> and <button2>',
    'Wait',
]
CAKE = {
    'question': 'How to bake a cake at 120 degrees for 15 minutes?',
    'answers': [CHOICES, CHOICES],
    'correct': [2, 3],
    'images': ['airfryer-user.jpg', 'airfryer-user.jpg'],
}
TEA = {
    'question': 'How to boil water and keep it warm?',
    'answers': [
        ['Press <button2> to boil', 'Press <button1> to boil'],
        ['Press <button2> keep warm'],
    ],
    'correct': [2, 1],
    'images': ['kettle-user.png', 'kettle-user.png'],
}
QUESTIONS: dict[str, Any] = {'airfryer_gye82': [CAKE], 'kettle_a1b2c': [TEA]}


@pytest.fixture(scope='module')
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """10 s at 4 frames/s; in second k everything is of grey level 20 k."""
    path = tmp_path_factory.mktemp('video') / 'video.mp4'
    write_video(path, (np.full((32, 32, 3), 20 * (k // 4), np.uint8) for k in range(40)), rate=4)
    return path


@pytest.fixture
def tree(tmp_path: Path, video: Path) -> Path:
    """Folder of `train.json` and `train`, with an mp4 of one video and a mov of the other."""
    (tmp_path / 'train.json').write_text(json.dumps(QUESTIONS))
    for name, suffix, script, buttons, images in (
        (
            'airfryer_gye82',
            'mp4',
            AIRFRYER_SCRIPT,
            AIRFRYER_BUTTONS,
            {'airfryer-user.jpg': (1280, 960), 'airfryer-side.jpg': (480, 640)},
        ),
        ('kettle_a1b2c', 'mov', KETTLE_SCRIPT, KETTLE_BUTTONS, {'kettle-user.png': (30, 40)}),
    ):
        folder = tmp_path / 'train' / name
        (folder / 'images').mkdir(parents=True)
        shutil.copy(video, folder / f'video.{suffix}')
        (folder / 'script.txt').write_text(script)
        (folder / 'buttons.csv').write_text(buttons)
        for image, shape in images.items():
            cv2.imwrite(str(folder / 'images' / image), np.zeros((*shape, 3), np.uint8))
    return tmp_path


def airfryer(tree: Path, file: str) -> Path:
    return tree / 'train' / 'airfryer_gye82' / file


def ask(tree: Path, **change: Any) -> None:
    """Ask the question of the airfryer otherwise, and none of the kettle."""
    question = {key: each for key, each in {**CAKE, **change}.items() if each is not None}
    (tree / 'train.json').write_text(json.dumps({'airfryer_gye82': [question]}))


def test_reads_the_tree_as_it_is(tree: Path) -> None:
    dataset = open_annotations(tree / 'train.json')
    assert dataset.annotations == tree / 'train.json'
    assert dataset.root == tree / 'train'
    assert dataset.action_names == ASSISTQ_ACTIONS
    assert [(sample.sample_id, sample.clip) for sample in dataset] == [
        ('train/airfryer_gye82/1/airfryer-user.jpg/button1', (0.0, 4.0)),
        ('train/airfryer_gye82/2/airfryer-user.jpg/button2', (4.0, 7.0)),
        ('train/kettle_a1b2c/1/kettle-user.png/button1', (1.0, 3.0)),
        ('train/kettle_a1b2c/2/kettle-user.png/button2', (3.0, 5.0)),
    ]
    assert not dataset.manifest.left_out
    sample = dataset[1]
    assert sample.video_path == airfryer(tree, 'video.mp4')
    assert sample.image_path == airfryer(tree, 'images/airfryer-user.jpg')
    assert sample.image_size == (960, 1280)
    assert sample.actions == (0,)
    np.testing.assert_array_equal(sample.points[0], [[470, 414.5]])
    assert sample.scene is not None
    assert sample.scene.scene_id == 'airfryer_gye82/airfryer-user.jpg'
    assert sample.scene.element == 1
    assert sample.scene.kinds == ('button', 'button')
    assert sample.scene.in_view == (True, True)
    np.testing.assert_array_equal(
        sample.scene.polygons[0], [[361.5, 85.5], [546.5, 85.5], [546.5, 157.5], [361.5, 157.5]]
    )
    assert dataset[2:] == [dataset[2], dataset[3]]
    assert find_problems(dataset, decode=True) == []


def test_the_demonstration_is_what_is_shown_while_the_line_is_spoken(tree: Path) -> None:
    sample = open_annotations(tree / 'train.json')[1]
    frames = read_video(sample.video_path, clip=sample.clip)
    assert len(frames) == 12
    np.testing.assert_allclose(frames.mean(axis=(1, 2, 3)), np.repeat([80, 100, 120], 4), atol=3)


def test_samples_of_one_video_have_demonstrations_of_their_own(tree: Path) -> None:
    dataset = open_annotations(tree / 'train.json')
    assert len({sample.demonstration for sample in dataset}) == 4


def test_a_video_may_be_a_mov(tree: Path) -> None:
    sample = open_annotations(tree / 'train.json')[3]
    assert sample.video_path == tree / 'train/kettle_a1b2c/video.mov'
    assert len(read_video(sample.video_path, 5, sample.clip)) == 5


def test_boxes_count_pixels_from_0_and_leave_out_their_right_and_bottom(tree: Path) -> None:
    airfryer(tree, 'buttons.csv').write_text(
        'button1,0,0,3,2,airfryer-user.jpg,9,7\nbutton2,6,3,3,4,airfryer-user.jpg,9,7\n'
    )
    first, second, *_ = open_annotations(tree / 'train.json')
    for sample, (rows, columns) in (
        (first, (slice(0, 2), slice(0, 3))),
        (second, (slice(3, 7), slice(6, 9))),
    ):
        cut_out = np.zeros((7, 9), bool)
        cut_out[rows, columns] = True
        scene = sample.scene
        assert scene is not None
        inside = [
            [contains(scene.polygons[scene.element], (x, y)) for x in range(9)] for y in range(7)
        ]
        np.testing.assert_array_equal(inside, cut_out)
        assert scene.in_view == (True, True)
        np.testing.assert_array_equal(sample.points[0], [np.argwhere(cut_out).mean(0)[::-1]])
        assert nearest_element(scene.polygons, tuple(sample.points[0][0])) == scene.element


def test_a_box_may_reach_outside_the_image(tree: Path) -> None:
    sample = open_annotations(tree / 'train.json')[3]
    assert sample.scene is not None
    assert sample.scene.in_view == (True, False)
    assert sample.scene.polygons[1].max(axis=0).tolist() == [44.5, 15.5]
    # Pixels 35 to 39 of the columns are in the image, and 10 to 15 of the rows.
    np.testing.assert_array_equal(sample.points[0], [[37, 12.5]])


@pytest.mark.parametrize(
    ('line', 'message'),
    [
        ('button3,960,0,5,5,airfryer-user.jpg,960,1280', 'box of button3 lies outside'),
        ('button3,-5,0,5,5,airfryer-user.jpg,960,1280', 'box of button3 lies outside'),
        ('button3,0,1280,5,5,airfryer-user.jpg,960,1280', 'box of button3 lies outside'),
        ('button3,1,1,0,5,airfryer-user.jpg,960,1280', 'the box is 0x5'),
        ('button3,1,1,5,5,airfryer-user.jpg,1280,960', '1280x960; expected 960x1280 as above'),
        ('button2,1,1,5,5,airfryer-user.jpg,960,1280', 'button2 has a box in airfryer-user.jpg'),
        ('button3,1,1,5,5,air,fryer.jpg,960,1280', 'fields is 9; expected 8'),
        ('button3,1,1,5,5,airfryer-user.jpg,960', 'fields is 7; expected 8'),
        ('button3,1,1,5,wide,airfryer-user.jpg,960,1280', 'wide'),
        (',1,1,5,5,airfryer-user.jpg,960,1280', 'name of the button or of the image is empty'),
    ],
)
def test_a_malformed_box_is_named(tree: Path, line: str, message: str) -> None:
    airfryer(tree, 'buttons.csv').write_text(AIRFRYER_BUTTONS + line + '\n')
    with pytest.raises(DatasetError, match=rf'line 4 of .*buttons\.csv: .*{message}'):
        open_annotations(tree / 'train.json')


def test_a_button_without_a_box_is_named(tree: Path) -> None:
    airfryer(tree, 'buttons.csv').write_text('button1,362,86,185,72,airfryer-user.jpg,960,1280\n')
    with pytest.raises(
        DatasetError, match=r"step 2 of question 1 of airfryer_gye82 .*'button2', which has no box"
    ):
        open_annotations(tree / 'train.json')


def test_a_box_in_another_image_is_none_in_this_one(tree: Path) -> None:
    ask(tree, images=['airfryer-user.jpg', 'airfryer-side.jpg'])
    with pytest.raises(DatasetError, match=r"'button2', which has no box in airfryer-side\.jpg"):
        open_annotations(tree / 'train.json')


def test_an_image_without_boxes_is_named(tree: Path) -> None:
    ask(tree, images=['airfryer-user.jpg', 'airfryer-top.jpg'])
    with pytest.raises(
        DatasetError, match=r"step 2 of .* image 'airfryer-top\.jpg', which has no"
    ):
        open_annotations(tree / 'train.json')


def test_without_images_in_the_question_the_first_with_the_button_is_taken(tree: Path) -> None:
    lines = AIRFRYER_BUTTONS.splitlines(keepends=True)
    airfryer(tree, 'buttons.csv').write_text(''.join(reversed(lines)))
    ask(tree, images=None)
    first, second = open_annotations(tree / 'train.json')
    assert first.image_path.name == 'airfryer-side.jpg'
    assert second.image_path.name == 'airfryer-user.jpg'


@pytest.mark.parametrize(
    ('line', 'message'),
    [
        ('0:00:09-0:00:09 Press start.', 'from 9 s to 9 s, which is out of order'),
        ('0:00:10-0:00:09 Press start.', 'from 10 s to 9 s, which is out of order'),
        ('0:00:06-0:00:09 Press start.', 'from 6 s to 9 s, which is out of order'),
        ('0:00:60-0:01:09 Press start.', "is '0:00:60"),
        ('00:09-00:10 Press start.', 'expected one such as'),
        ('Press start.', 'expected one such as'),
    ],
)
def test_a_malformed_line_of_a_script_is_named(tree: Path, line: str, message: str) -> None:
    airfryer(tree, 'script.txt').write_text(AIRFRYER_SCRIPT + line + '\n')
    with pytest.raises(DatasetError, match=rf'line 5 of .*script\.txt .*{message}'):
        open_annotations(tree / 'train.json')


def test_hours_and_minutes_count(tree: Path) -> None:
    airfryer(tree, 'script.txt').write_text(
        '0:01:02-0:01:05 Turn to 120 degrees.\n1:00:00-1:01:01 Turn clockwise to 10 minutes.\n'
    )
    clips = [sample.clip for sample in open_annotations(tree / 'train.json')]
    assert clips[:2] == [(62.0, 65.0), (3600.0, 3661.0)]


def test_times_beyond_the_end_of_the_video_are_found(tree: Path) -> None:
    airfryer(tree, 'script.txt').write_text(
        '0:00:04-0:00:11 Turn to 120 degrees.\n0:00:11-0:00:12 Turn clockwise to 10 minutes.\n'
    )
    dataset = open_annotations(tree / 'train.json')
    # The end of the first is a whole second that may have been rounded up.
    assert len(read_video(dataset[0].video_path, clip=dataset[0].clip)) == 24
    with pytest.raises(VideoError, match=r'no part from 11 s to 12 s: it lasts 10\.00 s'):
        read_video(dataset[1].video_path, clip=dataset[1].clip)
    (problem,) = find_problems(dataset)
    assert problem.samples == (dataset[1].sample_id,)
    assert 'lasts 10.00 s; expected it to have the part from 11 s to 12 s' in problem.reason


def test_a_wrong_root_is_refused(tree: Path) -> None:
    with pytest.raises(DatasetError, match=r'no folder airfryer_gye82 \(2 of 2 videos'):
        open_annotations(tree / 'train.json', root=tree)
    shutil.rmtree(tree / 'train' / 'kettle_a1b2c')
    with pytest.raises(DatasetError, match=r'no folder kettle_a1b2c \(1 of 2 videos'):
        open_annotations(tree / 'train.json')


def test_videos_may_lie_beside_the_annotations_or_elsewhere(tree: Path) -> None:
    for folder in (tree / 'train').iterdir():
        folder.rename(tree / folder.name)
    (tree / 'train').rmdir()
    assert len(open_annotations(tree / 'train.json')) == 4
    (tree / 'annotations').mkdir()
    annotations = (tree / 'train.json').rename(tree / 'annotations' / 'train.json')
    assert len(open_annotations(annotations, root=tree)) == 4


def test_the_folder_of_a_split_is_named_as_its_annotations_begin(tree: Path) -> None:
    (tree / 'train').rename(tree / 'test')
    annotations = (tree / 'train.json').rename(tree / 'test_with_gt.json')
    assert open_annotations(annotations).root == tree / 'test'


@pytest.mark.parametrize(
    ('name', 'message'),
    [
        ('script.txt', r'script\.txt does not exist; expected'),
        ('buttons.csv', r'.*buttons\.csv'),
    ],
)
@pytest.mark.parametrize('text', [None, ''])
def test_a_text_file_that_is_absent_or_empty_is_named(
    tree: Path, name: str, message: str, text: str | None
) -> None:
    airfryer(tree, name).unlink()
    if text is not None:
        airfryer(tree, name).write_text(text)
        message = rf'{name} has no line'
    with pytest.raises(DatasetError, match=message):
        open_annotations(tree / 'train.json')


@pytest.mark.parametrize('encode', [lambda text: text, lambda text: '\ufeff' + text])
def test_line_ends_of_windows_change_nothing(tree: Path, encode: Callable[[str], str]) -> None:
    before = open_annotations(tree / 'train.json')
    for path in tree.glob('train/*/*'):
        if path.suffix in ('.txt', '.csv'):
            text = encode(path.read_text()).replace('\n', '\r\n')
            path.write_bytes(text.encode())
    after = open_annotations(tree / 'train.json')
    assert [sample.sample_id for sample in after] == [sample.sample_id for sample in before]
    assert [sample.clip for sample in after] == [sample.clip for sample in before]
    assert [sample.image_path for sample in after] == [sample.image_path for sample in before]


def test_a_step_that_several_questions_have_is_one_sample(tree: Path) -> None:
    again = {**CAKE, 'question': 'How to bake a tart at 120 degrees?'}
    (tree / 'train.json').write_text(json.dumps({'airfryer_gye82': [CAKE, again]}))
    dataset = open_annotations(tree / 'train.json')
    assert len(dataset) == 2
    assert not dataset.manifest.left_out


@pytest.mark.parametrize(
    ('choice', 'reason'),
    [
        ('Turn <button1> and <button2>', 'several buttons'),
        ('Wait for 10 minutes', 'no button'),
        ('Turn <button2>', 'several lines fit equally well'),
        ('Turn <button1> clockwise', 'another button fits the line as well or better'),
    ],
)
def test_a_step_without_a_line_of_its_own_is_left_out(
    tree: Path, choice: str, reason: str
) -> None:
    ask(
        tree,
        answers=[[choice], ['Turn <button2> clockwise to 10 minutes']],
        correct=[1, 1],
    )
    dataset = open_annotations(tree / 'train.json')
    assert [sample.sample_id.split('/')[-1] for sample in dataset] == ['button2']
    assert dataset.manifest.left_out == {reason: 1}


def test_a_line_that_fits_two_buttons_alike_is_of_none(tree: Path) -> None:
    choices = ['Turn <button1> clockwise', 'Turn <button2> clockwise', 'Turn <button1> to 120']
    ask(
        tree,
        answers=[choices, choices, choices],
        correct=[1, 2, 3],
        images=['airfryer-user.jpg'] * 3,
    )
    dataset = open_annotations(tree / 'train.json')
    assert [sample.sample_id.split('/')[2] for sample in dataset] == ['1']
    assert dataset.manifest.left_out == {'another button fits the line as well or better': 2}


@pytest.mark.parametrize(
    ('content', 'message'),
    [
        ('{}', 'names 0 videos'),
        ('{', 'not JSON'),
        ('{"airfryer_gye82": {}}', 'airfryer_gye82 of .* contains a dict; expected a list'),
        ('{"airfryer_gye82": []}', 'contains 0 samples'),
        ('{"airfryer_gye82": [3]}', 'question 1 of airfryer_gye82'),
    ],
)
def test_annotations_without_steps_are_refused(tree: Path, content: str, message: str) -> None:
    (tree / 'train.json').write_text(content)
    with pytest.raises(DatasetError, match=message):
        open_annotations(tree / 'train.json')


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        ({'correct': None}, "it has no 'correct': AssistQ does not publish the right answers"),
        ({'answers': None}, "has no 'answers'"),
        ({'correct': [0, 3]}, 'right answer is 0; expected 1 to 5'),
        ({'correct': [2, 6]}, 'right answer is 6; expected 1 to 5'),
        ({'correct': ['2', 3]}, 'right answer is 2; expected 1 to 5'),
        ({'correct': [2]}, '2 steps, 1 right ones and 2 images'),
        ({'images': ['airfryer-user.jpg']}, '2 steps, 2 right ones and 1 images'),
    ],
)
def test_a_malformed_question_is_named(tree: Path, change: dict[str, Any], message: str) -> None:
    ask(tree, **change)
    with pytest.raises(DatasetError, match=rf'question 1 of airfryer_gye82 in .*({message})'):
        open_annotations(tree / 'train.json')

# SPDX-License-Identifier: Apache-2.0
"""The reader of AssistQ Buttons, on a tree laid out as AssistQ's own."""

import json
import shutil
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from afformer_core.errors import DatasetError
from afformer_core.media.video import read_video, write_video
from afformer_core.offline.data.annotations import open_annotations
from afformer_core.offline.data.readers.assistq import ASSISTQ_ACTIONS, Narration, best_claims
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
    assert find_problems(dataset, decode=True) == []


def test_the_demonstration_is_what_is_shown_while_the_line_is_spoken(tree: Path) -> None:
    sample = open_annotations(tree / 'train.json')[1]
    frames = read_video(sample.video_path, clip=sample.clip)
    assert len(frames) == 12
    np.testing.assert_allclose(frames.mean(axis=(1, 2, 3)), np.repeat([80, 100, 120], 4), atol=3)


def test_a_box_may_reach_outside_the_image(tree: Path) -> None:
    sample = open_annotations(tree / 'train.json')[3]
    assert sample.scene is not None
    assert sample.scene.in_view == (True, False)
    assert sample.scene.polygons[1].max(axis=0).tolist() == [44.5, 15.5]
    # Pixels 35 to 39 of the columns are in the image, and 10 to 15 of the rows.
    np.testing.assert_array_equal(sample.points[0], [[37, 12.5]])


def test_without_images_in_the_question_the_first_with_the_button_is_taken(tree: Path) -> None:
    lines = AIRFRYER_BUTTONS.splitlines(keepends=True)
    airfryer(tree, 'buttons.csv').write_text(''.join(reversed(lines)))
    ask(tree, images=None)
    first, second = open_annotations(tree / 'train.json')
    assert first.image_path.name == 'airfryer-side.jpg'
    assert second.image_path.name == 'airfryer-user.jpg'


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
    # The folder of a split is named as its annotations begin.
    (tree / 'annotations' / 'test').mkdir()
    for name in QUESTIONS:
        (tree / name).rename(tree / 'annotations' / 'test' / name)
    annotations = annotations.rename(tree / 'annotations' / 'test_with_gt.json')
    assert open_annotations(annotations).root == tree / 'annotations' / 'test'


def test_line_ends_of_windows_change_nothing(tree: Path) -> None:
    before = open_annotations(tree / 'train.json')
    for path in tree.glob('train/*/*'):
        if path.suffix in ('.txt', '.csv'):
            text = '\ufeff' + path.read_text().replace('\n', '\r\n')
            path.write_bytes(text.encode())
    after = open_annotations(tree / 'train.json')
    assert [(sample.sample_id, sample.clip) for sample in after] == [
        (sample.sample_id, sample.clip) for sample in before
    ]


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
    ask(tree, answers=[[choice], ['Turn <button2> clockwise to 10 minutes']], correct=[1, 1])
    dataset = open_annotations(tree / 'train.json')
    assert [sample.sample_id.split('/')[-1] for sample in dataset] == ['button2']
    assert dataset.manifest.left_out == {reason: 1}


USER = 'airfryer-user.jpg,960,1280'


@pytest.mark.parametrize(
    ('file', 'line', 'message'),
    [
        ('buttons.csv', f'button3,960,0,5,5,{USER}', 'box of button3 lies outside'),
        ('buttons.csv', f'button3,-5,0,5,5,{USER}', 'box of button3 lies outside'),
        ('buttons.csv', f'button3,0,1280,5,5,{USER}', 'box of button3 lies outside'),
        ('buttons.csv', f'button3,1,1,0,5,{USER}', 'the box is 0x5'),
        ('buttons.csv', 'b,1,1,5,5,airfryer-user.jpg,1280,960', '1280x960; expected 960x1280 as'),
        ('buttons.csv', f'button2,1,1,5,5,{USER}', 'button2 has a box in airfryer-user.jpg'),
        ('buttons.csv', 'button3,1,1,5,5,airfryer-user.jpg,960', 'fields is 7; expected 8'),
        ('buttons.csv', f'button3,1,1,5,wide,{USER}', 'wide'),
        ('buttons.csv', f',1,1,5,5,{USER}', 'name of the button or of the image is empty'),
        ('script.txt', '0:00:09-0:00:09 Press start.', 'from 9 s to 9 s, which is out of order'),
        ('script.txt', '0:00:06-0:00:09 Press start.', 'from 6 s to 9 s, which is out of order'),
        ('script.txt', '1:00:06-0:01:09 Press.', 'from 3606 s to 69 s, which is out of order'),
        ('script.txt', '0:00:60-0:01:09 Press start.', "is '0:00:60"),
        ('script.txt', 'Press start.', 'expected one such as'),
    ],
)
def test_a_malformed_line_is_named(tree: Path, file: str, line: str, message: str) -> None:
    path = airfryer(tree, file)
    path.write_text(f'{path.read_text()}{line}\n')
    with pytest.raises(DatasetError, match=rf'line [45] of .*{file}.*{message}'):
        open_annotations(tree / 'train.json')
    path.write_text('')
    with pytest.raises(DatasetError, match=f'{file} has no line'):
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
        (
            {'images': ['airfryer-user.jpg', 'airfryer-side.jpg']},
            "'button2', which has no box in airfryer-side.jpg",
        ),
        (
            {'images': ['airfryer-user.jpg', 'airfryer-top.jpg']},
            "image 'airfryer-top.jpg', which has no box",
        ),
    ],
)
def test_a_malformed_question_is_named(tree: Path, change: dict[str, Any], message: str) -> None:
    ask(tree, **change)
    with pytest.raises(DatasetError, match=rf'question 1 of airfryer_gye82 in .*({message})'):
        open_annotations(tree / 'train.json')


@pytest.mark.parametrize(
    ('content', 'message'),
    [
        ('{}', 'names 0 videos'),
        ('{"airfryer_gye82": {}}', 'airfryer_gye82 of .* contains a dict; expected a list'),
        ('{"airfryer_gye82": []}', 'contains 0 samples'),
        ('{"airfryer_gye82": [3]}', 'question 1 of airfryer_gye82'),
    ],
)
def test_annotations_without_steps_are_refused(tree: Path, content: str, message: str) -> None:
    (tree / 'train.json').write_text(content)
    with pytest.raises(DatasetError, match=message):
        open_annotations(tree / 'train.json')


LINES = [
    'How to bake a cake? Turn the temperature knob anticlockwise to 120 degrees.',
    'Turn the time knob clockwise to 10 minutes.',
    '',
    'Press start. Press start, and wait.',
]


@pytest.mark.parametrize(
    ('step', 'line'),
    [('Turn   to 120 degrees', 0), ('Turn   clockwise to 15 minutes', 1), ('PRESS   TO START', 3)],
)
def test_finds_the_line_that_shares_most(step: str, line: int) -> None:
    found = Narration(LINES).find(step)
    assert found is not None
    assert found[0] == line
    assert found[1] > 0


@pytest.mark.parametrize(
    'step',
    [
        pytest.param('Turn', id='two lines share as much'),
        pytest.param('Unplug and clean', id='no line shares a word'),
        pytest.param('Turn clockwise until children sleep soundly', id='less than half'),
        pytest.param('to the', id='no word of weight'),
        pytest.param('', id='no word'),
    ],
)
def test_finds_none_where_it_is_unsure(step: str) -> None:
    assert Narration(LINES).find(step) is None


def test_a_rare_word_scores_more_than_a_common_one() -> None:
    narration = Narration(['press start', 'press stop', 'press menu', 'menu of lamps'])
    start, menu = narration.find('start'), narration.find('press menu')
    assert start is not None
    assert menu is not None
    assert menu[0] == 2
    assert start[1] > menu[1] / 2


def test_the_element_of_the_highest_score_is_taken_and_none_of_two_alike() -> None:
    claims = [
        ((0, 0), 4, 2.0),
        ((0, 0), 5, 1.0),
        ((0, 0), 5, 1.5),
        ((0, 1), 5, 0.5),
        ((1, 0), 4, 2.0),
        ((1, 0), 5, 2.0),
    ]
    assert best_claims(claims) == {(0, 0): 4, (0, 1): 5}

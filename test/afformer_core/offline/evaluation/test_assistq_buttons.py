# SPDX-License-Identifier: Apache-2.0
"""The buttons protocol on a tree laid out as AssistQ's own, with videos."""

import json

import cv2
import numpy as np
import pytest

from afformer_core.cli.main import main
from afformer_core.media.video import write_video

SCRIPT = """\
0:00:00-0:00:01 Press the power button.
0:00:01-0:00:02 Turn the temperature knob.
"""
# The middle one is in the middle of the image of 120x80.
BUTTONS = """\
button1,10,30,20,20,user.png,120,80
button2,50,30,20,20,user.png,120,80
button3,90,30,20,20,user.png,120,80
"""
ANSWERS = [
    {
        'question': 'How to begin?',
        'answers': [['Press <button1>, the power button', 'Wait'], ['Turn the knob <button2>']],
        'correct': [1, 1],
        'images': ['user.png', 'user.png'],
    }
]


@pytest.fixture(scope='module')
def assistq(tmp_path_factory):
    """Path of the annotations of two videos, of each of which two buttons are demonstrated."""
    root = tmp_path_factory.mktemp('assistq')
    for name in ('fryer', 'kettle'):
        folder = root / 'train' / name
        (folder / 'images').mkdir(parents=True)
        write_video(folder / 'video.mp4', np.zeros((10, 40, 60, 3), np.uint8), 5.0)
        (folder / 'script.txt').write_text(SCRIPT)
        (folder / 'buttons.csv').write_text(BUTTONS)
        cv2.imwrite(str(folder / 'images' / 'user.png'), np.full((80, 120, 3), 90, np.uint8))
    (root / 'train.json').write_text(json.dumps(dict.fromkeys(('fryer', 'kettle'), ANSWERS)))
    return root / 'train.json'


def evaluate(capsys, assistq, *words):
    options = ['--annotations', assistq, '--protocol', 'buttons', '--json', '-', *words]
    assert main(['evaluate', *map(str, options)]) == 0
    return json.loads(capsys.readouterr().out)


def test_a_model_beside_predictors_and_chance(assistq, model_folder, capsys):
    found = evaluate(capsys, assistq, model_folder, '--backend', 'torch')
    predictors = found['measures']['predictors']
    accuracy = {name: each['which_button'] for name, each in predictors.items()}
    assert accuracy['model']['count'] == 4
    assert accuracy['centred_gaussian']['value'] == pytest.approx(1 / 2)
    assert accuracy['uniform']['value'] == pytest.approx(1 / 3)
    assert accuracy['random_element'] == pytest.approx(1 / 3)

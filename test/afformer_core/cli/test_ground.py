# SPDX-License-Identifier: Apache-2.0
"""`afformer ground` on a video and an image of its own."""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import av
import numpy as np
import pytest

from afformer_core.cli import ground as command
from afformer_core.cli.main import main
from afformer_core.demonstrations.media import MediaFrames, read_demonstration
from afformer_core.demonstrations.recording import memorize_whole
from afformer_core.media.images import read_image, write_image
from afformer_core.media.video import read_video, write_video
from afformer_core.runtime import ArrayGrounder, Grounding, Peak, shipped_model_folder
from afformer_core.runtime.calibrations import CertaintyCalibration
from afformer_core.runtime.model_folder import read_description, write_description


@pytest.fixture(scope='module')
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A video of eight frames and an image of another size."""
    folder = tmp_path_factory.mktemp('files')
    rng = np.random.default_rng(0)
    write_video(folder / 'press.mp4', rng.integers(0, 256, (8, 64, 64, 3), np.uint8), 8.0)
    write_image(folder / 'panel.png', rng.integers(0, 256, (48, 80, 3), np.uint8))
    return folder


def ground(files: Path, *more: str, image: str = 'panel.png', video: str = 'press.mp4') -> int:
    given = [str(files / video), str(files / image)]
    return main(['ground', *given, '--json', '--threads', '1', *more])


def test_answer_and_overlay(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert ground(files, '--output', str(files / 'overlay.png')) == 0

    answer = json.loads(capsys.readouterr().out)
    assert sum(answer['actions'].values()) == pytest.approx(1, abs=1e-5)
    assert all(0 <= peak['u'] < 80 and 0 <= peak['v'] < 48 for peak in answer['peaks'])
    assert answer['confidence'] == answer['peaks'][0]['score']
    grounder = ArrayGrounder.load(shipped_model_folder(), threads=1)
    memorize_whole(
        MediaFrames(tuple(read_video(files / 'press.mp4')), 8, 7 / 8), 'press', grounder
    )
    grounding = grounder.ground(read_image(files / 'panel.png'), 'press')
    assert answer['presence'] == pytest.approx(grounding.presence, rel=1e-4)
    assert answer['confidence'] == pytest.approx(grounding.confidence, rel=1e-4)
    assert answer['actions'] == pytest.approx(dict(grounding.action_scores), rel=1e-4)
    description = json.loads((shipped_model_folder() / 'model.json').read_text())
    assert answer['presence_threshold'] == description['calibration']['threshold']
    overlay = read_image(files / 'overlay.png')
    assert overlay.shape == (48, 80, 3)
    assert (overlay != read_image(files / 'panel.png')).any()


def test_a_marked_contact(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert ground(files, '--contact', '10', '40') == 0

    answer = json.loads(capsys.readouterr().out)
    grounder = ArrayGrounder.load(shipped_model_folder(), threads=1)
    frames = read_video(files / 'press.mp4')
    grounder.set_demonstration(frames, 'press', (10.5 / 64, 40.5 / 64))
    grounding = grounder.ground(read_image(files / 'panel.png'), 'press')
    assert answer['confidence'] == pytest.approx(grounding.confidence, rel=1e-4)
    assert ground(files, '--contact', '64', '40') == 1
    assert 'the contact is marked at 64,40; expected a pixel' in capsys.readouterr().err


@pytest.fixture(scope='module')
def strict_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The shipped model with a threshold of certainty that noise does not reach."""
    folder = tmp_path_factory.mktemp('strict')
    shutil.copytree(shipped_model_folder(), folder, dirs_exist_ok=True)
    description = read_description(folder)
    certainty = CertaintyCalibration(
        0.7, -0.2, 0.74, 92, 'pairs.json', description.all_weights_sha256, 0.93, 0.999
    )
    write_description(folder, replace(description, certainty=certainty))
    return folder


@pytest.mark.parametrize('part', ['', '#t=0.25,0.75'])
def test_what_is_not_sure_is_told_with_the_click_that_helps(
    files: Path,
    strict_model: Path,
    tmp_path: Path,
    part: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    video = tmp_path / 'turn.mp4'
    frames = np.random.default_rng(7).integers(0, 256, (8, 128, 160, 3), np.uint8)
    write_video(video, frames, 8.0)
    given = ('--model', str(strict_model), '--output', str(tmp_path / 'answer.png'))
    opened: list[Any] = []

    def open_media(file: Any, *given: Any, **named: Any) -> Any:
        opened.append(file)
        return open_container(file, *given, **named)

    open_container = av.open
    monkeypatch.setattr(av, 'open', open_media)

    assert ground(files, *given, video=f'{video}{part}') == 0

    assert opened == [str(video)]
    told = capsys.readouterr()
    answer = json.loads(told.out)
    assert answer['certainty_threshold'] == 0.93
    assert (answer['action'], answer['action_threshold']) == ('unknown', 0.999)
    assert 0.01 < answer['certainty'] < 0.6
    assert f'with their numbers in {tmp_path}/answer_contacts.png:' in told.err
    likeliest = re.search(r'1\. (--contact \d+ \d+)    probability 0\.\d\d', told.err)
    assert likeliest is not None
    first = read_video(video)[2 if part else 0]
    drawn = np.abs(read_image(tmp_path / 'answer_contacts.png').astype(int) - first).max(2) > 40
    x, y = map(int, likeliest[1].split()[1:])
    assert drawn[max(y - 8, 0) : y + 9, max(x - 8, 0) : x + 9].any()
    assert drawn.mean() < 0.2
    assert ground(files, *given, *likeliest[1].split(), video=f'{video}{part}') == 0
    told = capsys.readouterr()
    assert json.loads(told.out)['contact_probability'] == 1.0
    assert 'is marked already. Give a closer image' in told.err


def test_an_image_of_contacts_replaces_no_input(
    files: Path, strict_model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    image = tmp_path / 'mine_contacts.png'
    shutil.copy(files / 'panel.png', image)
    before = image.read_bytes()

    given = ('--model', str(strict_model), '--output', str(tmp_path / 'mine.png'))
    assert ground(files, *given, image=str(image)) == 1

    assert 'the image of contacts is' in capsys.readouterr().err
    assert image.read_bytes() == before


def test_a_truncated_video_is_told_with_its_frames(
    files: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    frames = np.random.default_rng(1).integers(0, 256, (25, 64, 64, 3), np.uint8)
    write_video(tmp_path / 'whole.mp4', frames, 5.0)
    content = bytearray((tmp_path / 'whole.mp4').read_bytes())
    start = content.index(b'mdat') + 4
    third = (len(content) - start) // 3
    content[start + third : start + 2 * third] = bytes(third)
    damaged = tmp_path / 'damaged.mp4'
    damaged.write_bytes(content)
    shown = read_demonstration(damaged, 4)
    assert 2 < shown.frame_count < 20

    assert ground(files, video=str(damaged)) == 0
    told = capsys.readouterr().err
    assert f'only {shown.frame_count} of 25 frames can be read and used' in told
    assert ground(files, video=str(tmp_path / 'whole.mp4')) == 0
    assert 'frames can be read' not in capsys.readouterr().err


SHOWN = Grounding(
    np.full((12, 16), 1 / 192, np.float32), (48, 64), {'pull': 0.75, 'push': 0.2},
    (Peak(31.6, 20.2, 0.3),), 0.3, 0.8, 0.91, certainty=0.83, certainty_threshold=0.71,
    presence_threshold=0.33,
)  # fmt: skip


@pytest.mark.parametrize(
    ('changes', 'sentence'),
    [
        ({}, 'Pull at (32, 20): presence 0.91, certainty 0.83.'),
        (
            {'certainty': 0.41},
            'Not sure which part; the best point is at (32, 20): presence 0.91, certainty 0.41, '
            'at least 0.71 is needed.',
        ),
        ({'presence': 0.12}, 'Not found: presence 0.12, at least 0.33 is needed.'),
        ({'action_threshold': 0.9}, 'Act at (32, 20): presence 0.91, certainty 0.83.'),
        (
            {'presence': None, 'certainty': None, 'certainty_threshold': None},
            'Not sure which part; the best point is at (32, 20): confidence 0.30, the model is '
            'not calibrated.',
        ),
    ],
    ids=['found', 'unsure', 'absent', 'unknown action', 'not calibrated'],
)
def test_without_json_a_sentence_is_printed(
    files: Path,
    changes: dict[str, Any],
    sentence: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    answer = replace(SHOWN, **changes)
    double = SimpleNamespace(
        backend='torch',
        set_demonstration=lambda *_, **__: None,
        ground=lambda _: answer,
        contacts=lambda: (Peak(31.6, 20.2, 0.41),),
    )
    monkeypatch.setattr(command, 'open_grounder', lambda *_: None)
    monkeypatch.setattr('afformer_core.grounder.Grounder', lambda _: double)
    given = [str(files / 'press.mp4'), str(files / 'panel.png')]

    assert main(['ground', *given]) == 0

    assert capsys.readouterr().out == f'{sentence}\n'

# SPDX-License-Identifier: Apache-2.0
"""Mistakes in the input of training are told in one line, and lose nothing."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import torch

from afformer_core.cli.main import main
from afformer_core.files.atomic import folder_lock
from afformer_core.offline.training.command import parse_training
from afformer_core.runtime import shipped_model_folder

from .conftest import images, write_pairs

URL = 's3://bucket/some/file'
SHORT = ['--trainer.max_steps=4', '--checkpoint_steps=2']


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is written to a relative path must not land in the project."""
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def pairs(tmp_path: Path) -> Path:
    """Annotations of one's own, to be spoilt."""
    return write_pairs(tmp_path)


def failure(capsys: pytest.CaptureFixture[str], *options: str) -> str:
    """What the command says on bad input."""
    assert main(['train', *options]) == 1
    return capsys.readouterr().err.splitlines()[-1]


def test_a_video_that_is_damaged_inside_is_named_by_a_worker(
    pairs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    video = pairs.with_name('2.mp4')
    content = bytearray(video.read_bytes())
    start = content.index(b'mdat') + 4
    content[start : start + 2000] = bytes(2000)
    video.write_bytes(content)

    said = failure(capsys, *images(pairs, *SHORT, '--data.workers=1', '--output=model'))
    assert said.startswith('afformer: error: train/')
    assert '2.mp4' in said
    assert 'Repair or remove it' in said


def test_what_is_missing_can_be_left_out(pairs: Path, tmp_path: Path) -> None:
    pairs.with_name('1.mp4').unlink()
    more = ['--data.train.skip_broken=true', '--data.validation.skip_broken=true']

    assert main(['train', *images(pairs, *SHORT, *more, f'--output={tmp_path}/model')]) == 0


def test_validation_with_other_actions(
    pairs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / 'other').mkdir()
    other = write_pairs(tmp_path / 'other')
    other.with_name('actions.json').write_text('["press", "pull"]')
    more = [*SHORT, '--output=model', f'--data.validation.annotations={other}']

    said = failure(capsys, *images(pairs, *more))
    assert "['press', 'pull']" in said
    assert 'in a folder of pairs, actions.txt names them all' in said


def test_a_checkpoint_that_is_cut_off(
    annotations: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / 'checkpoints' / 'last.ckpt'
    path.parent.mkdir()
    path.write_bytes(b'PK\x03\x04 half of it')

    said = failure(capsys, *images(annotations, *SHORT, f'--output={tmp_path}'))
    assert 'last.ckpt is not a checkpoint' in said


def test_a_folder_that_another_process_trains_in(
    annotations: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / 'model'
    folder.mkdir()
    with folder_lock(folder):
        said = failure(capsys, *images(annotations, *SHORT, f'--output={folder}'))

    assert f'{folder} is being trained by another process' in said
    assert list(folder.iterdir()) == []


def test_a_folder_of_a_training_that_is_done(
    annotations: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = images(annotations, *SHORT, f'--output={tmp_path}')
    assert main(['train', *options]) == 0
    capsys.readouterr()

    assert main(['train', *options]) == 0
    assert capsys.readouterr().out == (
        f'{tmp_path} is already trained for 4 steps. Raise trainer.max_steps or give another '
        'output folder\n'
    )
    said = failure(capsys, *options, '--model.optimization.weight_decay=0.9')
    assert 'model.optimization.weight_decay is 0.9; expected 0.05' in said


NO_URL = 'a URL; expected a path of this machine'


@pytest.mark.parametrize(
    ('option', 'named'),
    [
        ('--model.architecture.chanels=96', 'chanels'),
        ('--model.architecture.decoder=transformer', 'transformer'),
        ('--data.frames=every second', 'every second'),
        (f'--output={URL}', NO_URL),
        (f'--model.initial={URL}', NO_URL),
        (f'--data.train.root={URL}', NO_URL),
        (f'-c={URL}', f'{URL} is a URL; expected a file of this machine. Download it first'),
        (f'--config={URL}', f'{URL} is a URL; expected a file of this machine'),
        ('--data.train.annotations=null', 'required: train.annotations'),
        ('--trainer.max_steps=-1', 'trainer.max_steps is -1; expected at least 1'),
        ('--data.train.root=/nowhere', '/nowhere/'),
        ('--model.backbone_weights=coco', 'backbone_weights is '),
        ('--data.frames=uniform 8', 'gives 8 frames of a demonstration; expected at most 4'),
        (
            '--model.optimization.frozen=[encoder,decoder,predictor]',
            'expected at least one parameter that is not frozen',
        ),
        (
            '--model.optimization.frozen=[nothing]',
            "frozen has 'nothing', but no parameter begins with it",
        ),
    ],
)
def test_what_cannot_be_or_would_be_left_undone_is_refused(
    option: str, named: str, annotations: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert named in failure(capsys, *images(annotations, *SHORT, '--output=model', option))
    assert [path.name for path in tmp_path.iterdir()] in ([], ['model'])


def test_null_is_no_folder_of_that_name(annotations: Path) -> None:
    training = parse_training(
        images(annotations, '--output=model', '--trainer.max_steps=1', '--data.train.root=null')
    )

    assert training.config.data.init_args.train.root is None


def test_the_model_to_begin_with_is_not_replaced(
    annotations: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(shipped_model_folder(), 'before')
    (tmp_path / 'link').symlink_to('before')
    content = (tmp_path / 'before' / 'model.json').read_bytes()
    steps = ['--model.initial=before', '--trainer.max_steps=1']

    assert main(['train', *images(annotations, '--output=link', *steps)]) == 1

    told = capsys.readouterr().err.splitlines()[-1]
    assert '--output is link, the same folder as --model.initial' in told
    assert (tmp_path / 'before' / 'model.json').read_bytes() == content


def started(options: list[str], **more: Any) -> subprocess.Popen[str]:
    """In a process group of its own, as a terminal's foreground job is."""
    more = {'start_new_session': True, **more}
    command = [sys.executable, '-m', 'afformer_core.cli.main', 'train', *options]
    environment = {**os.environ, 'OMP_NUM_THREADS': '1'}
    return subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True, **more)


def wait_for(path: Path, process: subprocess.Popen[str]) -> None:
    end = time.monotonic() + 60
    while not path.exists():
        assert time.monotonic() < end, f'{path} was not written'
        assert process.poll() is None, process.communicate()[1][-2000:]
        time.sleep(0.02)


STEPS, WRITTEN = 30, 5


@pytest.mark.slow
@pytest.mark.parametrize('number', [signal.SIGKILL, signal.SIGINT, signal.SIGTERM])
def test_stopped_and_resumed_equals_not_stopped(
    number: signal.Signals, annotations: Path, whole: dict[str, torch.Tensor], tmp_path: Path
) -> None:
    """By Ctrl-C in a terminal, which workers get as well, by a scheduler, or without warning."""
    options = images(annotations, *STOPPED, f'--output={tmp_path}')
    last = tmp_path / 'checkpoints' / 'last.ckpt'
    killed = number == signal.SIGKILL
    process = started([*options, f'--checkpoint_steps={WRITTEN}'])
    wait_for(last, process)
    os.killpg(process.pid, number)
    _, said = process.communicate(timeout=100)

    assert process.returncode == (-number if killed else 130), said[-2000:]
    # What is asked to stop writes the step in which it was asked.
    first = WRITTEN if killed else WRITTEN + 1
    assert first <= torch.load(last, weights_only=True)['global_step'] < STEPS
    assert main(['train', *options]) == 0
    state = torch.load(last, weights_only=True)
    assert state['global_step'] == STEPS
    differing = [
        name for name, t in whole.items() if not torch.equal(t, state['state_dict'][name])
    ]
    assert differing == []


# With all that is drawn, and with an average that must not miss the step that was interrupted.
STOPPED = [
    f'--trainer.max_steps={STEPS}',
    '--trainer.accumulate_grad_batches=2',
    '--data.workers=1',
    '--data.augmentation.flip.probability=0.5',
    '--data.augmentation.image.photometric.brightness=0.3',
    '--data.negative_targets=1',
    '--data.reverse_probability=0.5',
    '--data.reversed_actions={press: hold, hold: press}',
    '--trainer.callbacks=afformer_core.offline.training.callbacks.averaging.MovingAverage',
    '--trainer.callbacks.decay=0.9',
]


@pytest.fixture(scope='module')
def whole(annotations: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, torch.Tensor]:
    """Weights after a training that nobody stopped."""
    folder = tmp_path_factory.mktemp('whole')
    assert main(['train', *images(annotations, *STOPPED, f'--output={folder}')]) == 0
    state = torch.load(folder / 'checkpoints' / 'last.ckpt', weights_only=True)
    return dict(state['state_dict'])

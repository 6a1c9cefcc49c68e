# SPDX-License-Identifier: Apache-2.0
"""`afformer mine`: what it writes and what it says."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from afformer_core.cli.main import main
from afformer_core.files.provenance import commit
from afformer_core.hands.hand import Hand
from afformer_core.media.video import write_video
from afformer_core.offline.maskahand.mining import mining
from afformer_core.offline.maskahand.mining.index import read_index


@pytest.fixture
def videos(red: ModuleType, red_detector: list[str], tmp_path: Path) -> Path:
    """One video of 6 s with a contact; `--detector red` sees it."""
    (tmp_path / 'videos').mkdir()
    write_video(tmp_path / 'videos' / 'a.mp4', red.film(6, 10, [(2, 3)]), 10)
    return tmp_path / 'videos'


def test_hands_of_the_simulator_are_read_beside_the_video(red: ModuleType, tmp_path: Path) -> None:
    write_video(tmp_path / 'a.mp4', red.film(6, 10, []), 10)
    hand = {'box': [1, 1, 9, 9], 'contact': True, 'contact_point': [4, 2]}
    (tmp_path / 'a.hands.json').write_text(
        json.dumps([{'time': k / 10, 'hands': [hand] if k == 30 else []} for k in range(60)])
    )
    asked = ['mine', str(tmp_path / 'a.mp4'), '--detector', 'simulated', '--rate', '10']
    asked += ['--processes', '1']
    assert main([*asked, '--output', str(tmp_path / 'mined')]) == 0
    (video,) = read_index(tmp_path / 'mined' / 'index.json').videos
    found = {number: hands for number, hands in video.hands.items() if hands}
    assert found == {30: (Hand((1, 1, 9, 9), True, 1.0, (4, 2)),)}


def test_an_index_is_written_and_what_gives_no_clip_is_told(
    videos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], red: ModuleType
) -> None:
    write_video(videos / 'b.mp4', [red.draw_frame(red.DARK)] * 20, 10)
    write_video(videos / 'c.mp4', [red.draw_frame(0)] * 20, 10)
    (videos / 'empty.mp4').touch()
    mined = tmp_path / 'mined'
    asked = ['mine', str(videos), '--output', str(mined), '--detector', 'red', '--rate', '10']

    assert main([*asked, '--clip-frames', '10', '--stride', '5']) == 1

    said = capsys.readouterr()
    assert said.out == (
        f'{mined}/index.json: 3 clips in 1 of 3 videos; 1 could not be read completely\n'
    )
    assert '100/100' in said.err
    assert f'afformer: {videos}/empty.mp4: the video file empty.mp4 is empty' in said.err
    assert 'hands in 1 more videos never reach the contact score of 0.9' in said.err
    assert read_index(mined / 'index.json').videos[0].clips == ((15, 24), (20, 29), (25, 34))
    (tmp_path / 'none').mkdir()
    assert main(['mine', str(tmp_path / 'none'), *asked[2:]]) == 1
    assert f'{tmp_path}/none contains no video' in capsys.readouterr().err


def test_threads_that_wait_sleep_before_pytorch_is_imported(tmp_path: Path) -> None:
    """OpenMP looks when it is loaded."""
    program = (
        'import importlib, os, sys\n'
        'from afformer_core.cli.main import main\n'
        'class Look:\n'
        '    def find_spec(self, name, *rest):\n'
        '        if name == "torch":\n'
        '            print(os.environ.get("OMP_WAIT_POLICY"), flush=True)\n'
        '            os._exit(0)\n'
        'sys.meta_path.insert(0, Look())\n'
        'main(["mine", ".", "--output", "mined", "--detector", "."])\n'
    )
    for name in ('detector.json', 'a.mp4'):
        (tmp_path / name).touch()
    environment = {name: value for name, value in os.environ.items() if 'OMP_WAIT' not in name}
    said = subprocess.run(
        [sys.executable, '-c', program],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
    )
    assert said.stdout == 'PASSIVE\n', said.stderr


def test_a_rate_that_is_too_low_for_the_detector_is_told_before_anything_is_looked_at(
    red: ModuleType,
    videos: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(red.RedHands, 'least_rate', 2.0)
    asked = ['mine', str(videos), '--output', str(tmp_path / 'mined'), '--detector', 'red']
    assert main([*asked, '--rate', '1.5']) == 1
    error = capsys.readouterr().err
    assert 'rate is 1.5 frames per second; expected at least 2 for the detector red 1' in error
    assert not (tmp_path / 'mined').exists()
    assert main([*asked, '--rate', '2']) == 0


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        (['--detector', 'red', '--rate', '0'], 'the rate is 0.0 frames per second'),
        (['--detector', 'red', '--processes', '0'], '--processes is 0; expected at least 1'),
        (['--address', 'auto'], '--address is given without --engine ray. Give both'),
        (['--gpus-per-process', '1'], '--gpus-per-process is given without --engine ray'),
        (['--engine', 'ray', '--gpus-per-process', '-1'], 'gpus is -1; expected at least 0'),
    ],
)
def test_bad_input_is_one_line_before_anything_is_looked_at(
    arguments: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / 'a.mp4').touch()
    assert main(['mine', str(tmp_path), '--output', str(tmp_path / 'mined'), *arguments]) == 1
    assert message in capsys.readouterr().err
    assert not (tmp_path / 'mined').exists()


def test_two_runs_mine_into_one_folder(
    red: ModuleType, videos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_video(videos / 'b.mp4', red.film(6, 10, [(4, 5)]), 10)
    asked = ['mine', str(videos), '--detector', 'red', '--processes', '1', '--output']
    written = mining.write_part

    def write_after_another_run(*result: Any) -> None:
        monkeypatch.setattr(mining, 'write_part', written)
        assert main([*asked, str(tmp_path / 'mined')]) == 0
        written(*result)

    monkeypatch.setattr(mining, 'write_part', write_after_another_run)
    assert main([*asked, str(tmp_path / 'mined')]) == 0
    assert main([*asked, str(tmp_path / 'alone')]) == 0
    both, alone = (read_index(tmp_path / name / 'index.json') for name in ('mined', 'alone'))
    assert both == alone
    assert sum(len(video.clips) for video in both.videos) == 2


def test_an_interrupted_run_says_that_it_can_go_on(
    videos: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(mining, 'write_part', interrupt)
    asked = ['mine', str(videos), '--output', str(tmp_path / 'mined'), '--detector', 'red']
    assert main(asked) == 130
    assert 'interrupted; run the same command again to continue' in capsys.readouterr().err


@pytest.mark.usefixtures('small_disk')
def test_a_full_disk_ends_the_run_and_is_told(
    videos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], red: ModuleType
) -> None:
    mined = tmp_path / 'mined'
    asked = ['mine', str(videos), '--output', str(mined), '--detector', 'red', '--rate', '10']

    assert main([*asked, '--processes', '1']) == 1

    [part] = mined.glob('parts/*')
    assert capsys.readouterr().err.splitlines()[-1] == (
        f'afformer: error: {part}/00000.parquet cannot be written: File too large; the results '
        'before it are complete. Free some space, or correct the permissions, and run the same '
        'command again to continue'
    )
    assert not (mined / 'index.json').exists()


def test_of_an_annotated_dataset_no_clip_of_test_is_mined(
    videos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    points = ' '.join(map(str, range(20)))
    splits = {'train': ('1 0 2', '2 0 2'), 'test': ('2 4 1', '3 0 1')}
    for split, clips in splits.items():
        lines = [f'seattle 1 {clip} MAT_1.jpg 48 64 4 {points}' for clip in clips]
        (tmp_path / f'{split}.txt').write_text('\n'.join(lines))
    film = (videos / 'a.mp4').read_bytes()
    raw = tmp_path / 'raw' / 'seattle' / '1'
    for name in ('1.mp4', '2.mp4', '3.mp4', '4.mp4', '2/0_2.mp4', '2/4_1.mp4'):
        (raw / name).parent.mkdir(parents=True, exist_ok=True)
        (raw / name).write_bytes(film)
    mined = tmp_path / 'mined'
    asked = ['mine', str(tmp_path / 'raw'), '--output', str(mined), '--detector', 'red']
    training = ['--annotations', str(tmp_path / 'train.txt')]

    assert main([*asked, *training]) == 0

    made = json.loads((mined / 'index.json').read_text())['provenance']
    assert made['commit'] == commit()
    assert list(made['data']) == [str(tmp_path / 'train.txt')]
    index = read_index(mined / 'index.json')
    assert [each.path.relative_to(raw) for each in index.videos] == [
        Path('1.mp4'),
        Path('2/0_2.mp4'),
    ]
    assert (
        f'2 of 6 videos are in {tmp_path}/train.txt; 3 are left out because of '
        f'{tmp_path}/test.txt, 1 are in neither'
    ) in capsys.readouterr().err
    assert main([*asked, '--annotations', str(tmp_path / 'test.txt')]) == 1
    error = capsys.readouterr().err
    assert f'test.txt belongs to a test split; expected a training split. Give {tmp_path}' in error
    assert main([*asked, *training, '--held-out', str(tmp_path / 'train.txt')]) == 1
    assert 'none of the 6 videos can be mined: ' in capsys.readouterr().err
    assert main([*asked, '--held-out', str(tmp_path / 'test.txt')]) == 1
    assert '--held-out is given without --annotations. Give both' in capsys.readouterr().err

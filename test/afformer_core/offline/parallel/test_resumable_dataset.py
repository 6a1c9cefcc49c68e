# SPDX-License-Identifier: Apache-2.0
"""Promises of all layouts: the same bytes however a run goes, and no half a sample."""

import os
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import cv2
import psutil
import pytest

from afformer_core.cli.main import main
from afformer_core.errors import DatasetError
from afformer_core.offline.parallel.local_engine import LocalEngine
from afformer_core.offline.parallel.resumable_dataset import Production, write_json
from afformer_sim.datasets.layouts import HandsSettings, write_scenes

LAYOUTS = {
    'opra': ('--scenes', '3', '--demonstrations', '1', '--targets', '2', '--frames', '3'),
    'hands': ('--scenes', '3', '--demonstrations', '1'),
}
PATIENCE = 60.0


def command(folder: Path, layout: str, processes: int = 1) -> list[str]:
    return [
        *('simulate', str(folder), '--layout', layout, '--split', 'some', '--seed', '5'),
        *('--longest-side', '64', '--families', 'keypad', '--processes', str(processes)),
        *LAYOUTS[layout],
    ]


def contents(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob('*'))
        if path.is_file()
    }


@pytest.fixture(scope='module')
def whole(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], dict[str, bytes]]:
    """The files of a layout, made by one process without a break."""
    made: dict[str, dict[str, bytes]] = {}

    def make(layout: str) -> dict[str, bytes]:
        if layout not in made:
            folder = tmp_path_factory.mktemp(layout)
            assert main(command(folder, layout)) == 0
            made[layout] = contents(folder)
            shutil.rmtree(folder)
        return made[layout]

    return make


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Folder of a file system of 36 kilobytes, which one sample fits and three do not."""
    folder = tmp_path / 'disk'
    folder.mkdir()
    mount = ['mount', '-t', 'tmpfs', '-o', 'size=36k', 'tmpfs', str(folder)]
    if shutil.which('mount') is None or subprocess.run(mount, capture_output=True).returncode:
        pytest.skip('no file system can be mounted here; that takes root')
    yield folder
    subprocess.run(['umount', '--lazy', str(folder)], check=True)


@pytest.mark.parametrize(
    'layout',
    [pytest.param(name, marks=pytest.mark.slow if name == 'opra' else ()) for name in LAYOUTS],
)
def test_two_processes_write_the_same_bytes_as_one(
    layout: str, whole: Callable[[str], dict[str, bytes]], tmp_path: Path
) -> None:
    assert main(command(tmp_path, layout, 2)) == 0
    assert contents(tmp_path) == whole(layout)


@pytest.mark.slow
def test_killed_in_the_middle_and_resumed_is_whole(
    whole: Callable[[str], dict[str, bytes]], tmp_path: Path
) -> None:
    run = [sys.executable, '-m', 'afformer_core.cli.main', *command(tmp_path, 'opra', 2)]
    with subprocess.Popen(run, stderr=subprocess.DEVNULL) as process:
        while not any(tmp_path.glob('scenes/some/*.json')):
            assert process.poll() is None
            time.sleep(0.001)
        workers = psutil.Process(process.pid).children(recursive=True)
        process.send_signal(signal.SIGKILL)
    assert psutil.wait_procs(workers, timeout=PATIENCE)[1] == []
    assert not (tmp_path / 'some.json').exists()
    # what may lie aside at the moment of death
    (tmp_path / '.making' / 'some' / '00002').mkdir(parents=True, exist_ok=True)
    (tmp_path / '.making' / 'some' / '00002' / 'half.mp4').write_bytes(b'half')
    assert main(command(tmp_path, 'opra')) == 0
    assert contents(tmp_path) == whole('opra')


def test_a_full_disk_has_whole_samples_alone_and_takes_the_rest_later(
    whole: Callable[[str], dict[str, bytes]], small_disk: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(command(small_disk, 'opra')) == 1
    errors = [line for line in capsys.readouterr().err.split('\n') if 'error' in line]
    assert len(errors) == 1
    assert f'cannot write {small_disk}: No space left on device' in errors[0]
    found = contents(small_disk)
    assert found == {name: content for name, content in whole('opra').items() if name in found}
    complete = {Path(name).stem for name in found if name.startswith('scenes')}
    parts = [name for name in found if name.rpartition('.')[2] in ('mp4', 'jpg', 'xml', 'csv')]
    assert all(any(number in name for number in complete) for name in parts)
    subprocess.run(['mount', '-o', 'remount,size=8m', str(small_disk)], check=True)
    assert main(command(small_disk, 'opra')) == 0
    assert contents(small_disk) == whole('opra')


def _make_even(number: int, folder: Path) -> list[int]:
    if number % 2:
        raise RuntimeError(f'{number} is odd')
    return _make(number, folder)


def test_samples_that_fail_are_told_after_the_others_are_made(tmp_path: Path) -> None:
    failing = Production(tmp_path, 'some', {'settings': 1}, 5, _make_even, _merge)

    with pytest.raises(DatasetError, match=r'2 of 5 .*first 00001: RuntimeError: 1 is odd; the'):
        list(failing.run())

    made = sorted(path.name for path in (tmp_path / 'scenes' / 'some').iterdir())
    assert made == ['00000.json', '00002.json', '00004.json']
    assert list(Production(tmp_path, 'some', {'settings': 1}, 5, _make, _merge).run())[-1] == 5


def _make(index: int, folder: Path, size: int = 10) -> list[int]:
    (folder / 'views').mkdir()
    (folder / 'views' / f'{index}_a').write_bytes(b'a' * 10)
    (folder / 'views' / f'{index}_b').write_bytes(b'b' * size)
    return [index, cv2.getNumThreads()]


def _merge(folder: Path, entries: list[list[int]]) -> None:
    write_json(folder / 'all.json', entries)


def production(folder: Path, split: str = 'one', size: int = 10, samples: int = 2) -> Production:
    make = partial(_make, size=size)
    return Production(folder, split, {'settings': 1}, samples, make, _merge)


def test_progress_counts_what_was_there_before(tmp_path: Path) -> None:
    cv2.setNumThreads(3)
    assert list(production(tmp_path, samples=1).run()) == [0, 1]
    assert cv2.getNumThreads() == 3
    # OpenCV's own choice.
    cv2.setNumThreads(-1)
    assert list(production(tmp_path, samples=3).run()) == [1, 2, 3]
    assert (tmp_path / 'all.json').read_text() == '[[0, 1], [1, 1], [2, 1]]'


def test_a_run_that_is_left_early_leaves_whole_samples(tmp_path: Path) -> None:
    progress = production(tmp_path).run()
    assert [next(progress), next(progress)] == [0, 1]
    progress.close()
    assert list(contents(tmp_path)) == [
        'scenes/one/00000.json',
        'simulation.json',
        'views/0_a',
        'views/0_b',
    ]


def test_a_file_that_is_too_long_for_the_disk_takes_its_sample_away(tmp_path: Path) -> None:
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, limits[1]))
    try:
        with pytest.raises(
            DatasetError, match=r'cannot write .*: File too large; .* add the rest'
        ):
            list(production(tmp_path, size=5000).run())
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert list(contents(tmp_path)) == ['simulation.json']
    assert sorted(path.name for path in tmp_path.iterdir()) == ['scenes', 'simulation.json']


def test_a_run_removes_what_is_half_made_of_its_split_alone(tmp_path: Path) -> None:
    for split in ('one', 'other'):
        (tmp_path / '.making' / split / '00001.a').mkdir(parents=True)
    progress = production(tmp_path).run()
    for _ in range(3):
        next(progress)
        assert [path.name for path in (tmp_path / '.making').rglob('*.*')] == ['00001.a']
    progress.close()
    assert [path.name for path in (tmp_path / '.making').iterdir()] == ['other']


def test_two_runs_do_not_write_the_same_split(tmp_path: Path) -> None:
    first = production(tmp_path).run()
    next(first)
    with pytest.raises(DatasetError, match='another run is writing'):
        next(production(tmp_path).run())
    assert list(production(tmp_path, 'other').run()) == [0, 1, 2]
    assert list(first) == [1, 2]


def test_other_settings_for_the_same_split_are_refused(tmp_path: Path) -> None:
    list(production(tmp_path).run())
    other = Production(tmp_path, 'one', {'settings': 2}, 2, _make, _merge)
    with pytest.raises(DatasetError, match=r"holds a split 'one' made with .*choose another"):
        next(other.run())


@pytest.mark.parametrize('split', ['', '.hidden', 'a/b', '..'])
def test_a_split_must_be_a_file_name(split: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match='expected the start of a file name'):
        production(tmp_path, split)


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / 'file').touch()
    with pytest.raises(DatasetError, match=r'cannot write .*Not a directory'):
        next(production(tmp_path / 'file').run())


def test_a_process_that_is_killed_is_told_and_nothing_is_left_half(tmp_path: Path) -> None:
    settings = HandsSettings(
        seed=5, scenes=20, families=('keypad',), demonstrations=1, longest_side=64
    )
    progress = write_scenes(tmp_path, 'some', settings, LocalEngine(2))
    assert [next(progress), next(progress)] == [0, 1]
    workers = [
        child
        for child in psutil.Process().children()
        if '--multiprocessing-fork' in child.cmdline()
    ]
    assert len(workers) == 2
    workers[0].kill()
    with pytest.raises(DatasetError, match='was killed, perhaps for lack of memory'):
        list(progress)
    assert not list(tmp_path.rglob('.*'))


@pytest.mark.parametrize('moves', [1, 2])
@pytest.mark.parametrize('failure', [KeyboardInterrupt(), OSError(28, 'No space left on device')])
def test_a_sample_that_is_moved_in_part_has_no_record_and_is_made_again(
    moves: int, failure: BaseException, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    moved: list[Path] = []
    replace = os.replace

    def fail_after_some(source: Path, goal: Path) -> None:
        # The settings are written before the sample.
        if goal.name != 'simulation.json':
            if len(moved) == moves:
                raise failure
            moved.append(goal)
        replace(source, goal)

    monkeypatch.setattr(os, 'replace', fail_after_some)
    with pytest.raises(
        KeyboardInterrupt if isinstance(failure, KeyboardInterrupt) else DatasetError
    ):
        list(production(tmp_path, samples=1).run())
    monkeypatch.undo()

    # Only a run that cannot go on leaves them.
    left = moves if isinstance(failure, KeyboardInterrupt) else 0
    assert list(contents(tmp_path)) == ['simulation.json', *('views/0_a', 'views/0_b')[:left]]
    assert list(production(tmp_path, samples=1).run()) == [0, 1]
    assert (tmp_path / 'all.json').read_text() == '[[0, 1]]'

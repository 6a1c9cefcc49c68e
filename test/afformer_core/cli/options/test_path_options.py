# SPDX-License-Identifier: Apache-2.0
"""Every argument that names a file takes URLs or refuses them, and no output replaces an input."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from afformer_core.cli.main import build_parser, main, parse
from afformer_core.cli.options.path_options import (
    PathOption,
    input_paths,
    require_inputs_of_command_kept,
)

URL = 's3://bucket/some/file'
# The arguments that may be URLs, as their help says.
URLS = {('mine', 'PATH'), ('mine', '--output')}
# Arguments that are texts, and no paths.
TEXTS = {
    '--actions', '--address', '--backend', '--camera-info-topic',
    '--camera-sizes', '--depth',
    '--demonstration-topic', '--depth-topic', '--families', '--frames', '--hand', '--host',
    '--image-topic', '--node', '--precision', '--renderer', '--split', '--storage',
    '--train-option', '--variants', 'replay --action', 'simulate --images',
}  # fmt: skip
# Another parser reads what follows.
PASSED_ON = {('train', 'arguments')}


def arguments_of_all() -> Iterator[tuple[str, argparse.Action]]:
    """Yield all arguments with a value, and their subcommands."""
    (subparsers,) = (
        each for each in build_parser()._actions if isinstance(each, argparse._SubParsersAction)
    )
    for name, parser in subparsers.choices.items():
        for action in parser._actions:
            if action.nargs != 0 and (name, action.dest) not in PASSED_ON:
                yield name, action


def name_of(action: argparse.Action) -> str:
    return max(action.option_strings, key=len, default=action.metavar or action.dest)


ARGUMENTS = [(command, name_of(action), action) for command, action in arguments_of_all()]
PATHS = [
    pytest.param(command, name, action, id=f'{command} {name}')
    for command, name, action in ARGUMENTS
    if isinstance(action.type, PathOption)
]


def test_every_argument_is_a_path_or_known_to_be_none() -> None:
    unknown = {
        f'{command} {name}'
        for command, name, action in ARGUMENTS
        if action.type in (None, str, Path)
        and action.choices is None
        and not {name, f'{command} {name}'} & TEXTS
    }

    assert unknown == set()
    assert len(PATHS) > 50


@pytest.mark.parametrize(('command', 'name', 'action'), PATHS)
def test_a_url_is_taken_or_refused(command: str, name: str, action: argparse.Action) -> None:
    kind = action.type
    assert isinstance(kind, PathOption)
    if (command, name) in URLS:
        assert str(kind(URL)).startswith('s3:/')
        assert action.help is not None
        assert 'URL' in action.help
        return
    with pytest.raises(argparse.ArgumentTypeError, match=r'^s3://bucket/some/file is a URL; '):
        kind(URL)
    assert str(kind('some/file')) == 'some/file'


def test_an_output_by_url_is_refused_before_anything_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)

    with pytest.raises(SystemExit) as ended:
        main(['replay', 'bag', '--output', 's3://bucket/out'])

    assert ended.value.code == 2
    assert capsys.readouterr().err.endswith(
        'argument --output: s3://bucket/out is a URL; expected a folder of this machine. Write '
        'here, and upload it afterwards\n'
    )
    assert list(tmp_path.iterdir()) == []


def same(path: Path, _: Path) -> Path:
    return path


def linked(path: Path, other: Path) -> Path:
    other.symlink_to(path)
    return other


def hard_linked(path: Path, other: Path) -> Path:
    os.link(path, other)
    return other


def around(path: Path, _: Path) -> Path:
    return path.parent / 'absent' / '..' / path.name


@pytest.mark.parametrize('written', [same, linked, hard_linked, around])
def test_the_image_that_is_grounded_is_not_replaced(
    written: Callable[[Path, Path], Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    image = tmp_path / 'panel.png'
    image.write_bytes(b'a photograph')
    output = written(image, tmp_path / 'other.png')

    given = ['--video', 'press.mp4', '--image', str(image), '--output', str(output)]
    assert main(['ground', *given]) == 1

    assert image.read_bytes() == b'a photograph'
    assert capsys.readouterr().err == (
        f'afformer: error: --output is {output}, the same file as --image; expected another '
        'file, since that one is an input. Give a new name\n'
    )


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with a dataset, a model, frames, a bag and a checkpoint."""
    for name in ('pairs/a', 'frames', 'model', 'bag', 'photographs', 'dataset/images'):
        (tmp_path / name).mkdir(parents=True)
    names = 'dataset/test.json', 'model/model.json', 'frames/7.png', 'a.ckpt'
    for name in (*names, 'clip.mp4', 'c.yaml'):
        (tmp_path / name).write_text('before')
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    'line',
    [
        'ground --video clip.mp4#t=1,2 --image a.jpg --output clip.mp4',
        'ground --video frames --image a.jpg --output frames/7.png',
        'ground --video frames --image a.jpg --output frames/new.png',
        'ground --video clip.mp4 --image a.jpg --model model --output model/model.json',
        'simulate --layout photographs --photographs photographs photographs',
        'simulate --layout photographs --photographs photographs photographs/rendered',
        'simulate --layout photographs --photographs dataset/images dataset',
        'mine frames --output frames',
        'synthesize -c other.yaml -c c.yaml --output c.yaml',
        'convert dataset/test.json dataset/test.json',
        'convert pairs pairs/converted',
        'replay bag --output bag',
        'replay bag --output bag/replay',
        'replay bag --demonstration frames#t=1,2 --output frames',
        'evaluate model --annotations dataset/test.json --json dataset/test.json',
        'evaluate model --annotations pairs --report pairs',
        'evaluate model --benchmark dataset --json dataset/test.json',
        'import-checkpoint a.ckpt a.ckpt',
        'import-checkpoint model/model.json model/model.json',
        'verify dataset/test.json --json dataset/test.json',
        'zoom model --annotations dataset/test.json --output dataset',
        'zoom model --annotations dataset/test.json --root dataset/images --output dataset/images',
        'zoom --annotations pairs --output pairs/zoomed',
        'bench model --json model/model.json',
    ],
)
def test_no_command_replaces_or_adds_to_its_inputs(
    line: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = {path: path.is_file() and path.read_text() for path in folder.rglob('*')}

    assert main(line.split()) == 1

    told = capsys.readouterr().err
    assert 'the same f' in told or 'which lies in' in told
    assert {path: path.is_file() and path.read_text() for path in folder.rglob('*')} == before


@pytest.mark.parametrize(
    'line',
    [
        'mine . --output mined',
        'convert pairs pairs/all.jsonl',
        'verify pairs --json -',
        'import-checkpoint model/a.ckpt model',
        'mine s3://bucket/videos --output mined',
    ],
)
def test_what_is_written_beside_inputs_is_no_input(line: str, folder: Path) -> None:
    arguments = parse(line.split())
    require_inputs_of_command_kept(arguments.subparser, arguments)


def test_files_that_are_read_are_those_that_exist(folder: Path) -> None:
    line = 'replay bag --demonstration clip.mp4#t=1,2 --demonstration stored --output new'
    arguments = parse(line.split())

    found = [(each.name, each.path) for each in input_paths(arguments.subparser, arguments)]

    assert found == [('BAG', Path('bag')), ('--demonstration', Path('clip.mp4'))]

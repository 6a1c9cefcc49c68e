# SPDX-License-Identifier: Apache-2.0
"""Every argument that names a file takes URLs or refuses them, and no output replaces an input."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from afformer_core.cli.main import build_parser, main
from afformer_core.cli.options.path_options import PathOption, usable_inputs

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

    given = ['press.mp4', str(image), '--output', str(output)]
    assert main(['ground', *given]) == 1

    assert image.read_bytes() == b'a photograph'
    assert capsys.readouterr().err == (
        f'afformer: error: --output is {output}, the same file as IMAGE; expected another '
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
        'ground clip.mp4#t=1,2 a.jpg --output clip.mp4',
        'simulate --layout photographs --photographs photographs photographs',
        'simulate --layout photographs --photographs dataset/images dataset',
        'mine frames --output frames',
        'synthesize -c other.yaml -c c.yaml --output c.yaml',
        'convert dataset/test.json dataset/test.json',
        'replay bag --demonstration frames#t=1,2 --output frames',
        'evaluate model --annotations dataset/test.json --json dataset/test.json',
        'import-checkpoint a.ckpt a.ckpt',
        'zoom --annotations dataset/test.json --output dataset',
    ],
)
def test_no_command_replaces_its_inputs(
    line: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = {path: path.is_file() and path.read_text() for path in folder.rglob('*')}

    assert main(line.split()) == 1

    told = capsys.readouterr().err
    assert 'the same f' in told
    assert {path: path.is_file() and path.read_text() for path in folder.rglob('*')} == before


@pytest.mark.parametrize(
    'line',
    [
        'mine . --output mined',
        'convert pairs pairs/all.jsonl',
        'import-checkpoint a.ckpt model',
        'mine s3://bucket/videos --output mined',
    ],
)
def test_what_is_written_beside_inputs_is_no_input(line: str, folder: Path) -> None:
    arguments = build_parser().parse_args(line.split())
    usable_inputs(arguments.subparser, arguments)

# SPDX-License-Identifier: Apache-2.0
"""The command reports bad input in one line and leaves programming errors their traceback."""

from __future__ import annotations

import argparse
import importlib
import json
import pickle
import pkgutil
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from afformer_core.cli import evaluate
from afformer_core.cli import main as command
from afformer_core.errors import AfformerError


@pytest.fixture
def run_with(monkeypatch: pytest.MonkeyPatch) -> Callable[..., int]:
    """Run the command with a subcommand `try` that raises what it is given."""

    def run_with(error: BaseException | None, *arguments: str) -> int:
        def run(_: argparse.Namespace) -> int:
            if error is not None:
                raise error
            return 0

        class Module:
            @staticmethod
            def add_parser(subparsers: argparse._SubParsersAction) -> None:
                for name in ('try', 'studio'):
                    subparsers.add_parser(name).set_defaults(run=run)

        monkeypatch.setattr(command, 'SUBCOMMANDS', ('try',))
        monkeypatch.setattr(command.importlib, 'import_module', lambda _: Module)
        return command.main(arguments or ('try',))

    return run_with


@pytest.mark.parametrize(
    ('error', 'line'),
    [
        (AfformerError('clip.mp4 is empty'), 'clip.mp4 is empty'),
        (ValueError('two\n  lines'), 'two lines'),
        (FileNotFoundError(2, 'No such file', 'a.jpg'), 'a.jpg: No such file'),
        (ValueError(), 'ValueError'),
    ],
)
def test_bad_input_is_one_line(
    run_with: Callable[..., int], capsys: pytest.CaptureFixture[str], error: Exception, line: str
) -> None:
    assert run_with(error) == 1
    assert capsys.readouterr().err == f'afformer: error: {line}\n'


WRONG = {
    'ground nowhere.mp4#t=1,2 a.png': 'VIDEO is nowhere.mp4#t=1,2, which does not exist; expected',
    'ground clip.mp4 folder': 'IMAGE is folder, which is a folder; expected a file. Give another',
    'ground clip.mp4 empty': 'empty cannot be read as an image; expected JPEG or PNG',
    'ground clip.mp4 cut.heic': 'cut.heic cannot be read as an image: ',
    'ground clip.mp4 a.png --output b.gif': "b.gif ends in '.gif'; expected one of",
    'ground clip.mp4 a.png --output clip.mp4/b.png': 'clip.mp4 cannot be written (Not a',
    'ground clip.mp4 a.png --model nowhere': 'nowhere/model.json does not exist; expected a model',
    'ground clip.mp4 a.png --wrong': 'ground: error: unrecognized arguments: --wrong. Run',
    'ground clip.mp4': 'required: image. Run `afformer ground --help`',
    'export clip.mp4': 'clip.mp4/model.json does not exist; expected a model folder with',
    'export damaged': 'damaged/model.json is not JSON: ',
    'bench cut': 'the sha256 of cut/model.safetensors is ',
    'studio --points 0': 'the number of points is 0; expected at least 1',
    'studio --port 65536': 'the port is 65536; expected 0 to 65535',
    'evaluate --annotations empty': 'empty is not JSON: ',
    'evaluate --pairs folder': 'folder/pairs.json does not exist; expected an annotation file',
    'evaluate --contacts folder': 'folder/clips.json does not exist; expected an annotation file',
    'evaluate --benchmark folder': 'folder/test-seen.json does not exist; expected an annotation',
    'replay folder --output out --demonstration nope': 'nope does not exist. Give --store FOLDER',
    'calibrate shipped --annotations empty': 'empty is not JSON: ',
    'benchmark run nowhere folder': 'nowhere/model.json does not exist; expected a model folder',
    'benchmark run shipped folder': 'has pairs.json. Run `afformer benchmark fetch folder`',
    'train': 'no configuration was given. Give one',
    'train -c nowhere.yaml': 'nowhere.yaml cannot be used: [Errno 2] No such file',
    'synthesize -c empty --output b.png': 'empty cannot be used: it holds no settings',
    'import-checkpoint a.png out': 'a.png is not a checkpoint. Copy it again',
    'mine clip.mp4 --output out --detector folder': "'folder' is not a hand detector; expected",
    'mine folder --output out': 'folder contains no video. Name videos',
}
TELL = """
import contextlib, io, json, sys
from afformer_core.cli.main import main
told = []
for line in sys.argv[1:]:
    status = 2
    with contextlib.redirect_stderr(io.StringIO()) as error, contextlib.suppress(SystemExit):
        status = main(line.split())
    large = sorted({'lightning', 'mujoco', 'nicegui', 'torch'} & sys.modules.keys())
    told.append((status, error.getvalue(), large))
print(json.dumps(told))
"""


@pytest.fixture(scope='module')
def told(tmp_path_factory: pytest.TempPathFactory, shipped_model: Path) -> Mapping[str, Any]:
    """Status, text and large libraries after each wrong input, one after another."""
    folder = tmp_path_factory.mktemp('wrong')
    for name in ('folder', 'damaged', 'cut'):
        (folder / name).mkdir()
    for name in ('clip.mp4', 'a.png', 'damaged/model.json', 'cut/model.safetensors'):
        (folder / name).write_bytes(b'wrong')
    (folder / 'empty').touch()
    (folder / 'cut.heic').write_bytes(b'\0\0\0\x24ftypheic\0\0\0\0mif1heic')
    shutil.copy(shipped_model / 'model.json', folder / 'cut')
    command = [sys.executable, '-c', TELL, *WRONG]
    content = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True)
    return dict(zip(WRONG, json.loads(content.stdout), strict=True))


@pytest.mark.parametrize('line', WRONG)
def test_wrong_input_is_found_before_large_libraries(line: str, told: Mapping[str, Any]) -> None:
    status, text, large = told[line]
    assert status in (1, 2)
    assert WRONG[line] in text
    assert (text.count('\n'), large) == (1, [])


@pytest.mark.parametrize(('name', 'extra'), [('studio', 'studio'), ('try', 'offline')])
def test_a_missing_library_names_the_extra_of_the_command(
    run_with: Callable[..., int], capsys: pytest.CaptureFixture[str], name: str, extra: str
) -> None:
    assert run_with(ModuleNotFoundError('No module named uvicorn', name='uvicorn'), name) == 1
    assert f"'uvicorn' is not installed. Run `pip install '.[{extra}]'`" in capsys.readouterr().err


@pytest.mark.parametrize(
    ('error', 'arguments'),
    [
        (TypeError('x'), ('try',)),
        (ModuleNotFoundError('x', name='afformer_core.x'), ('try',)),
        (ValueError('x'), ('--debug', 'try')),
        (ValueError('x'), ('try', '--debug')),
    ],
)
def test_programming_errors_and_debugging_show_the_traceback(
    run_with: Callable[..., int], error: Exception, arguments: tuple[str, ...]
) -> None:
    with pytest.raises(type(error), match='x'):
        run_with(error, *arguments)


def test_an_interruption_exits_with_130(run_with: Callable[..., int]) -> None:
    assert run_with(KeyboardInterrupt()) == 130


@pytest.mark.parametrize('name', command.SUBCOMMANDS)
def test_every_subcommand_has_help_with_an_example(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as status:
        command.main((name, '--help'))
    assert status.value.code == 0
    assert f'afformer {name}' in capsys.readouterr().out.split('options:')[-1]


def test_every_module_of_a_subcommand_is_one() -> None:
    subcommands = {
        module.name.replace('_', '-')
        for package in ('afformer_core.cli', 'afformer_sim.cli')
        for module in pkgutil.iter_modules(importlib.import_module(package).__path__)
        if hasattr(importlib.import_module(f'{package}.{module.name}'), 'add_parser')
    }

    assert subcommands == set(command.SUBCOMMANDS)


def test_without_the_simulator_the_other_commands_are_listed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, 'afformer_sim', None)
    with pytest.raises(SystemExit):
        command.main(('--help',))
    listed = re.findall(r'^    ([a-z-]+)', capsys.readouterr().out, re.MULTILINE)
    assert listed == [name for name in command.SUBCOMMANDS if name != 'simulate']


def test_the_arguments_can_go_to_other_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[bytes] = []

    def send(arguments: argparse.Namespace) -> int:
        arguments.run = None
        sent.append(pickle.dumps(arguments))
        return 0

    monkeypatch.setattr(evaluate, 'run', send)
    assert command.main(['evaluate', '--processes', '3']) == 0

    assert pickle.loads(sent[0]).processes == 3

# SPDX-License-Identifier: Apache-2.0
"""The command reports bad input in one line and leaves programming errors their traceback."""

from __future__ import annotations

import argparse
import importlib
import pkgutil
from collections.abc import Callable

import pytest

import afformer_core
from afformer_core import cli
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
                subparsers.add_parser('try').set_defaults(run=run)

        monkeypatch.setattr(command, 'SUBCOMMANDS', ('try',))
        monkeypatch.setattr(command.importlib, 'import_module', lambda _: Module)
        return command.main(arguments or ('try',))

    return run_with


def test_success_exits_with_0(run_with: Callable[..., int]) -> None:
    assert run_with(None) == 0


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
    run_with: Callable[..., int],
    capsys: pytest.CaptureFixture[str],
    error: Exception,
    line: str,
) -> None:
    assert run_with(error) == 1
    assert capsys.readouterr().err == f'afformer: error: {line}\n'


def test_a_missing_library_names_the_extras(
    run_with: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_with(ModuleNotFoundError('No module named mujoco', name='mujoco')) == 1
    assert "pip install '.[train,sim,export]'" in capsys.readouterr().err


@pytest.mark.parametrize(
    'error', [TypeError('x'), ModuleNotFoundError('x', name='afformer_core.x')]
)
def test_programming_errors_keep_their_traceback(
    run_with: Callable[..., int], error: Exception
) -> None:
    with pytest.raises(type(error)):
        run_with(error)


@pytest.mark.parametrize('arguments', [('--debug', 'try'), ('try', '--debug')])
def test_debug_shows_the_traceback(
    run_with: Callable[..., int], arguments: tuple[str, ...]
) -> None:
    with pytest.raises(ValueError, match='bad'):
        run_with(ValueError('bad'), *arguments)


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
    names = {module.name for module in pkgutil.iter_modules(cli.__path__)}
    subcommands = {
        name.replace('_', '-')
        for name in names
        if hasattr(importlib.import_module(f'{cli.__name__}.{name}'), 'add_parser')
    }

    assert subcommands == set(command.SUBCOMMANDS)


def test_a_command_without_subcommand_is_bad_usage() -> None:
    with pytest.raises(SystemExit) as status:
        command.main(())
    assert status.value.code == 2


def test_the_version_is_that_of_the_package(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        command.main(['--version'])
    assert ended.value.code == 0
    assert capsys.readouterr().out == f'afformer {afformer_core.__version__}\n'

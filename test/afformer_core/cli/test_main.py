# SPDX-License-Identifier: Apache-2.0
"""The command reports bad input in one line and leaves programming errors their traceback."""

from __future__ import annotations

import argparse
import importlib
import pickle
import pkgutil
import re
import sys
from collections.abc import Callable

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


@pytest.fixture
def without_simulator(monkeypatch: pytest.MonkeyPatch) -> None:
    """The package afformer_sim cannot be imported, as where it is not installed."""
    for name in [name for name in sys.modules if name.partition('.')[0] == 'afformer_sim']:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, 'afformer_sim', None)


@pytest.mark.usefixtures('without_simulator')
@pytest.mark.parametrize('arguments', [('out', '--layout', 'hands'), ('--help',)])
def test_without_the_simulator_its_command_says_what_to_install(
    arguments: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    assert command.main(('simulate', *arguments)) == 1
    assert capsys.readouterr().err.startswith(
        'afformer: error: `afformer simulate` needs the package afformer_sim, which is not '
        "installed. Run `pip install '.[sim]'`"
    )


@pytest.mark.usefixtures('without_simulator')
def test_without_the_simulator_the_other_commands_are_listed(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit):
        command.main(('--help',))
    listed = re.findall(r'^    ([a-z-]+)', capsys.readouterr().out, re.MULTILINE)
    assert listed == [name for name in command.SUBCOMMANDS if name != 'simulate']


def test_a_broken_simulator_is_not_taken_for_an_absent_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delitem(sys.modules, 'afformer_sim.cli.simulate', raising=False)
    monkeypatch.setitem(sys.modules, 'afformer_core.cli.options.engine_options', None)
    with pytest.raises(ModuleNotFoundError, match='engine_options'):
        command.main(('simulate', 'out'))


def test_the_arguments_can_go_to_other_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[bytes] = []

    def send(arguments: argparse.Namespace) -> int:
        arguments.run = None
        sent.append(pickle.dumps(arguments))
        return 0

    monkeypatch.setattr(evaluate, 'run', send)
    assert command.main(['evaluate', '--processes', '3']) == 0

    assert pickle.loads(sent[0]).processes == 3

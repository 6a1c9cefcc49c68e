# SPDX-License-Identifier: Apache-2.0
"""Runner of a study, with several trainings at once."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from functools import partial
from graphlib import TopologicalSorter
from pathlib import Path

from tqdm import tqdm

from afformer_core.errors import AfformerError, DatasetError
from afformer_core.maskahand.study.command_manifest import keep_commands, require_same_commands
from afformer_core.maskahand.study.study import Run, Study

_COMMAND = 'import sys; from afformer_core.cli.main import main; sys.exit(main())'


# Function that runs an `afformer` command given in words, appends its output to a file, and uses a
# number of threads, or its default number if that is 0.
Command = Callable[[Sequence[str], Path, int], None]


def carry_out(study: Study, command: Command | None = None) -> None:
    """Run all steps of a study that have no result yet.

    The commands of each result are stored beside it (see `kept_commands`). Damaged videos are
    reported; the study continues with the mined ones.

    Args:
        study: the study.
        command: function that runs each step; None for `run_in_subprocess`.

    Raises:
        DatasetError: a needed file is missing.
        AfformerError: a step failed (the message says which, and where its output is), or an
            earlier result was made with other options, in which case nothing runs.
    """
    command = command or run_in_subprocess
    for needed in ('train.json', 'validation.json', 'test-seen.json'):
        if not (study.annotated / needed).is_file():
            raise DatasetError(
                f'{study.annotated} has no {needed}. Write it with the commands of `afformer '
                'maskahand --help`'
            )
    mining = ('mine', *study.mining)
    if study.index.is_file():
        require_same_commands(study.index, [mining], [study.index])
    for run in study.runs():
        if run.result.is_file():
            made = (run.result, study.output / run.name)
            require_same_commands(run.result, _commands(run), made)
    study.output.mkdir(parents=True, exist_ok=True)
    if not study.index.is_file():
        _mine(study, mining, command)
    _carry_out(study, command)


def _mine(study: Study, mining: Sequence[str], command: Command) -> None:
    keep_commands(study.index, [mining])
    try:
        command(mining, study.output / 'mining.log', 0)
    except AfformerError as error:
        # Mining also fails if a video is damaged, after writing the index of all others.
        if not study.index.is_file():
            raise
        tqdm.write(f'afformer: {error}; its index was written and is used', file=sys.stderr)


def _carry_out(study: Study, command: Command) -> None:
    """Run each training after the trainings that it needs, in as many processes as allowed."""
    runs = study.runs()
    done = {run.name for run in runs if run.result.is_file()}
    waiting = [run for run in runs if run.name not in done]
    make = partial(_make, output=study.output, command=command)
    with tqdm(total=len(runs), initial=len(done), desc='models', unit='model') as progress:
        made = (
            (make(run, threads=_threads(1)) for run in waiting)
            if study.processes == 1
            else _together(make, waiting, study.processes)
        )
        for _ in made:
            progress.update()


def _threads(sharing: int) -> int:
    """Return the number of threads for each of several processes that share the cores."""
    return max(1, (os.cpu_count() or 1) // sharing)


def _together(make: Callable[..., None], waiting: Sequence[Run], processes: int) -> Iterator[None]:
    """Run several trainings at once; a single one gets all cores. Yields after each.

    Args:
        make: function that runs one, with a number of `threads`.
        waiting: runs to make; all other runs on which they depend are already made.
        processes: number of runs at once.
    """
    runs = {run.name: run for run in waiting}
    order = TopologicalSorter({run.name: runs.keys() & run.after for run in waiting})
    order.prepare()
    ready: list[str] = []
    running: dict[Future[None], str] = {}
    with ThreadPoolExecutor(processes) as pool:
        while order.is_active():
            ready += order.get_ready()
            threads = _threads(min(processes, len(running) + len(ready)))
            free = processes - len(running)
            begun, ready = ready[:free], ready[free:]
            for name in begun:
                running[pool.submit(make, runs[name], threads=threads)] = name
            ended, _ = wait(running, return_when=FIRST_COMPLETED)
            for future in ended:
                # The first failure ends the study, once the others have ended.
                future.result()
                order.done(running.pop(future))
                yield


def _make(run: Run, threads: int, output: Path, command: Command) -> None:
    log = output / f'{run.name}.log'
    keep_commands(run.result, _commands(run))
    for words in _commands(run):
        command(words, log, threads)


def _commands(run: Run) -> tuple[tuple[str, ...], ...]:
    return ('train', *run.training), ('evaluate', *run.evaluation)


def run_in_subprocess(words: Sequence[str], log: Path, threads: int) -> None:
    """Run an `afformer` command in a separate process.

    Args:
        words: words of the command.
        log: file to which the command and its output are appended.
        threads: number of threads; 0 for the command's default.

    Raises:
        AfformerError: it failed.
    """
    # If several processes share the cores, spinning threads would prevent the others from running.
    environment = {'OMP_WAIT_POLICY': 'PASSIVE', **os.environ}
    if threads:
        environment['OMP_NUM_THREADS'] = str(threads)
    with log.open('a', encoding='utf-8') as file:
        file.write(f'$ afformer {shlex.join(words)}\n')
        file.flush()
        ended = subprocess.run(
            [sys.executable, '-c', _COMMAND, *words],
            stdout=file,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            env=environment,
            check=False,
        )
    if ended.returncode:
        lines = log.read_text(encoding='utf-8', errors='replace').splitlines()
        said = next((line for line in reversed(lines) if line.startswith('afformer: ')), lines[-1])
        raise AfformerError(
            f'`afformer {words[0]}` ended with status {ended.returncode}: {said}. All of its '
            f'output is in {log}'
        )

# SPDX-License-Identifier: Apache-2.0
"""The commands that made a result, stored beside it as shell lines.

They are in a file with the result's name and the suffix `.commands`.
"""

from __future__ import annotations

import shlex
from collections.abc import Collection, Sequence
from itertools import chain
from pathlib import Path

from afformer_core.errors import AfformerError
from afformer_core.files.atomic import write_aside

# Options that change the duration of a command, not its result.
_FREE = ('--processes=',)


def keep_commands(result: Path, commands: Sequence[Sequence[str]]) -> None:
    """Write the commands of a result to a file, before they run.

    Args:
        result: file of the result.
        commands: `afformer` commands, each in words.

    Raises:
        OSError: the file cannot be written.
    """
    lines = ''.join(f'afformer {shlex.join(words)}\n' for words in commands)
    write_aside(_file(result), lines.encode())


def require_same_commands(
    result: Path, commands: Sequence[Sequence[str]], made: Sequence[Path]
) -> None:
    """Check that a result was made with the given commands.

    Args:
        result: file of the result; it is accepted if no commands are stored.
        commands: the current commands.
        made: all files that they write; removing them makes the result again.

    Raises:
        AfformerError: other commands made the result; the message names the differences.
    """
    try:
        lines = _file(result).read_text(encoding='utf-8').splitlines()
    except FileNotFoundError:
        return
    before, now = (
        set(chain.from_iterable(each))
        for each in ((_bound(shlex.split(line)[1:]) for line in lines), map(_bound, commands))
    )
    if before != now:
        raise AfformerError(
            f'{result} was made with {_listed(before - now) or "no such option"}; expected '
            f'{_listed(now - before) or "none"}. Give another output folder, or remove '
            f'{" and ".join(map(str, made))} to make it again'
        )


def _file(result: Path) -> Path:
    return result.with_suffix('.commands')


def _bound(words: Sequence[str]) -> list[str]:
    return [word for word in words if not word.startswith(_FREE)]


def _listed(words: Collection[str]) -> str:
    return ' '.join(sorted(words))

# SPDX-License-Identifier: Apache-2.0
"""The commands that a result was made with, kept beside it as lines of a shell.

They stand in a file of the result's name that ends in `.commands`.
"""

from __future__ import annotations

import shlex
from collections.abc import Collection, Sequence
from itertools import chain
from pathlib import Path

from afformer_core.errors import AfformerError
from afformer_core.files.atomic import write_aside

# Options that change how long a command takes, not what comes of it.
_FREE = ('--processes=',)


def keep_commands(result: Path, commands: Sequence[Sequence[str]]) -> None:
    """Write down the commands of a result, before they make it.

    Args:
        result: the file.
        commands: `afformer` commands, each in words.

    Raises:
        OSError: they cannot be written.
    """
    lines = ''.join(f'afformer {shlex.join(words)}\n' for words in commands)
    write_aside(_file(result), lines.encode())


def require_same_commands(
    result: Path, commands: Sequence[Sequence[str]], made: Sequence[Path]
) -> None:
    """Check that a result is what some commands would make of it.

    Args:
        result: the file; one of which nothing is kept is taken as it is.
        commands: as they would be given now.
        made: all that they write, to be removed where it is to be made again.

    Raises:
        AfformerError: it was made with others; says what differs.
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
            f'{result} was made with {_listed(before - now) or "no such option"}, and now there '
            f'is {_listed(now - before) or "none"}; give another output folder, or remove '
            f'{" and ".join(map(str, made))} to make it again'
        )


def _file(result: Path) -> Path:
    return result.with_suffix('.commands')


def _bound(words: Sequence[str]) -> list[str]:
    return [word for word in words if not word.startswith(_FREE)]


def _listed(words: Collection[str]) -> str:
    return ' '.join(sorted(words))

# SPDX-License-Identifier: Apache-2.0
"""Names of demonstrations, and the file of the selected ones."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from afformer_core.errors import DemonstrationError
from afformer_core.files.atomic import write_aside

_NAME = re.compile(r'(?!\.)[A-Za-z0-9_.-]{1,64}')
_TOGETHER = '+'


def validated_name(name: str) -> str:
    """Check a name, which is also the stem of its file, and return it.

    Raises:
        DemonstrationError: the name is not 1 to 64 letters, digits, `_`, `.` or `-`, or it starts
            with a dot.
    """
    if _NAME.fullmatch(name) is None:
        raise DemonstrationError(
            f'{name!r} cannot name a demonstration. Use 1 to 64 letters, digits, "_", "." or "-", '
            'and no leading dot'
        )
    return name


def split_names(selection: str) -> tuple[str, ...]:
    """Split a selection such as 'press' or 'press_left+press_right' into names.

    Raises:
        DemonstrationError: a part of it is not a valid name, or occurs twice.
    """
    names = tuple(validated_name(name) for name in selection.split(_TOGETHER))
    if len(set(names)) < len(names):
        raise DemonstrationError(f'{selection!r} names a demonstration twice. Name each once')
    return names


def join_names(names: Sequence[str]) -> str:
    """Join names to a selection, the inverse of `split_names`."""
    return _TOGETHER.join(names)


class SelectionFile:
    """The file, beside the demonstrations, with the selection of one node.

    Args:
        folder: folder of the demonstrations.
        owner: name of the node, such as '/wrist/grounding'; each node of a store has its own file.
    """

    def __init__(self, folder: Path, owner: str) -> None:
        self.path = folder / f'.{owner.strip("/").replace("/", ".")}.selection'

    def read(self) -> str:
        """Read the selection, names joined by '+'; '' if there is none."""
        try:
            return self.path.read_text(errors='replace').strip() if self.path.is_file() else ''
        except OSError:
            return ''

    def write(self, selection: str) -> str:
        """Write a selection; return the reason if it cannot be written, or ''."""
        try:
            if selection:
                write_aside(self.path, f'{selection}\n'.encode())
            else:
                self.path.unlink(missing_ok=True)
        except OSError as error:
            return (
                f'the selection will be lost when the process ends: it cannot be written: {error}'
            )
        return ''

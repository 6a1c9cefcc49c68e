# SPDX-License-Identifier: Apache-2.0
"""Selected demonstrations, and the file that keeps the selection beyond the process."""

from __future__ import annotations

from pathlib import Path

from afformer_core.demonstrations.names import join_names
from afformer_core.files.atomic import write_aside


class SelectionFile:
    """File beside the demonstrations with the selection of one node.

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
        """Write a selection; returns why it cannot be written, or ''."""
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


class Selection:
    """Demonstrations that images are grounded against.

    Args:
        file: file of the selection; None to lose it with this object.

    Attributes:
        names: names of the demonstrations that are grounded together; empty for none.
        revision: rises whenever images may be grounded against other demonstrations.
        problem: why it is not kept, or ''.
    """

    def __init__(self, file: SelectionFile | None) -> None:
        self.names: tuple[str, ...] = ()
        self.revision = 0
        self.problem = ''
        self._file = file

    def __str__(self) -> str:
        return join_names(self.names)

    def set(self, names: tuple[str, ...]) -> None:
        """Select demonstrations, and store the selection."""
        self.names = names
        self.revision += 1
        if self._file is not None:
            self.problem = self._file.write(str(self))

    def kept(self) -> str:
        """Return the selection in the file, or ''."""
        return '' if self._file is None else self._file.read()

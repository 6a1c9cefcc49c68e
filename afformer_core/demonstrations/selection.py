# SPDX-License-Identifier: Apache-2.0
"""The selected demonstrations, and the file that keeps the selection beyond the process."""

from __future__ import annotations

from pathlib import Path

from afformer_core.demonstrations.names import join_names
from afformer_core.files.atomic import write_aside


class SelectionFile:
    """A file beside the demonstrations with the selection of one node.

    Args:
        folder: of the demonstrations.
        owner: name of the node, such as '/wrist/grounding'; nodes of one store have a file each.
    """

    def __init__(self, folder: Path, owner: str) -> None:
        self.path = folder / f'.{owner.strip("/").replace("/", ".")}.selection'

    def read(self) -> str:
        """The selection, several names joined by '+'; empty where there is none."""
        try:
            return self.path.read_text(errors='replace').strip() if self.path.is_file() else ''
        except OSError:
            return ''

    def write(self, selection: str) -> str:
        """Keep a selection; returns why it cannot be kept, or empty."""
        try:
            if selection:
                write_aside(self.path, f'{selection}\n'.encode())
            else:
                self.path.unlink(missing_ok=True)
        except OSError as error:
            return f'the selection will be lost at the end: it cannot be written: {error}'
        return ''


class Selection:
    """What images are grounded against.

    Args:
        file: where it is kept; None: it ends with this object.

    Attributes:
        names: of the demonstrations that are grounded together; empty: none.
        revision: counts up whenever images may be grounded against something else than before.
        problem: why it is not kept, or empty.
    """

    def __init__(self, file: SelectionFile | None) -> None:
        self.names: tuple[str, ...] = ()
        self.revision = 0
        self.problem = ''
        self._file = file

    def __str__(self) -> str:
        return join_names(self.names)

    def set(self, names: tuple[str, ...]) -> None:
        """Select these, and keep that."""
        self.names = names
        self.revision += 1
        if self._file is not None:
            self.problem = self._file.write(str(self))

    def kept(self) -> str:
        """What was selected when the file was last written, or empty."""
        return '' if self._file is None else self._file.read()

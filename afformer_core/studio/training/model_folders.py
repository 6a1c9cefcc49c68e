# SPDX-License-Identifier: Apache-2.0
"""Models in one folder, by name."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from afformer_core.runtime.model_folder import DESCRIPTION_FILE
from afformer_core.runtime.shipped_model import SHIPPED, shipped_model_folder

_NAME = re.compile(r'[A-Za-z0-9][A-Za-z0-9_.-]{0,63}')


class ModelFolders:
    """The model folders in one folder, and the shipped model.

    A name is the name of a direct subfolder; links that lead elsewhere are not followed.

    Args:
        folder: the parent folder, which may not exist.

    Attributes:
        folder: see the arguments; resolved.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder.resolve()

    def models(self) -> tuple[str, ...]:
        """List the models that can be opened, the shipped model first."""
        return (SHIPPED, *(path.name for path in self._having(DESCRIPTION_FILE)))

    def having(self, file: str) -> tuple[str, ...]:
        """List the folders that contain a file, those with the newest files first."""
        found = [(path.joinpath(file).stat().st_mtime, path.name) for path in self._having(file)]
        return tuple(name for _, name in sorted(found, reverse=True))

    def path(self, name: str) -> Path:
        """Return the folder with a name, which may not exist.

        Raises:
            ValueError: the name is not a plain file name, or its folder lies elsewhere.
        """
        path = self.folder / name
        if not _NAME.fullmatch(name) or name == SHIPPED:
            raise ValueError(
                f'the name of a model is {name!r}; expected 1 to 64 letters, digits, -, _ or ., '
                f'with a letter or digit first, and not {SHIPPED}'
            )
        if path.resolve() != path:
            raise ValueError(f'{path} is a link to another folder. Give another name')
        return path

    def model(self, name: str) -> Path:
        """Return the folder of a model, which may not exist, or of the shipped model.

        Raises:
            ValueError: the name is not a plain file name, or its folder lies elsewhere.
        """
        return shipped_model_folder() if name == SHIPPED else self.path(name)

    def _having(self, file: str) -> Iterator[Path]:
        if not self.folder.is_dir():
            return
        for path in sorted(self.folder.iterdir()):
            own = _NAME.fullmatch(path.name) and path.name != SHIPPED and path.resolve() == path
            if own and (path / file).is_file():
                yield path

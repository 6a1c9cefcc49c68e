# SPDX-License-Identifier: Apache-2.0
"""The models in a folder, by their names."""

from __future__ import annotations

import re
from pathlib import Path

from afformer_core.runtime.model_folder import DESCRIPTION_FILE
from afformer_core.runtime.shipped_model import SHIPPED, shipped_model_folder

_NAME = re.compile(r'[A-Za-z0-9][A-Za-z0-9_.-]{0,63}')


class Models:
    """The shipped model, and those in a folder, which may not exist.

    A model has the name of a direct subfolder; links that lead elsewhere are not followed.

    Args:
        folder: the folder.

    Attributes:
        folder: see the arguments; resolved.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder.resolve()

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the models, the shipped model first."""
        own = (file.parent for file in self.folder.glob(f'[!.]*/{DESCRIPTION_FILE}'))
        named = sorted(
            path.name
            for path in own
            if _NAME.fullmatch(path.name) and path.name != SHIPPED and path.resolve() == path
        )
        return (SHIPPED, *named)

    def name(self, folder: Path) -> str:
        """Return the name of the model in a folder, or the folder if it is another one."""
        found = (name for name in self.names if self.path(name) == folder.resolve())
        return next(found, str(folder))

    def path(self, name: str) -> Path:
        """Return the folder of a model, which may not exist.

        Raises:
            ValueError: the name is not a plain file name, or its folder lies elsewhere.
        """
        if name == SHIPPED:
            return shipped_model_folder()
        path = self.folder / name
        if not _NAME.fullmatch(name):
            raise ValueError(
                f'the name of a model is {name!r}; expected 1 to 64 letters, digits, -, _ or ., '
                'with a letter or digit first'
            )
        if path.resolve() != path:
            raise ValueError(f'{path} is a link to another folder. Give another name')
        return path

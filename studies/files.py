# SPDX-License-Identifier: Apache-2.0
"""Paths of a study's files."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class StudyFiles:
    """Paths below one folder.

    Attributes:
        folder: folder of all results of a study.
    """

    folder: Path

    def annotations(self, split: str) -> Path:
        """Return the annotations of a split of the annotated pairs."""
        return self.folder / 'pairs' / split / f'{split}.json'

    @property
    def videos(self) -> Path:
        """Folder of the videos to mine."""
        return self.folder / 'videos'

    @property
    def index(self) -> Path:
        """Index of the clips that were mined from the videos."""
        return self.folder / 'mined' / 'index.json'

    def features(self, name: str) -> Path:
        """Return the folder of cached backbone features."""
        return self.folder / 'features' / name

    def model(self, name: str | Path, seed: int | str) -> Path:
        """Return the folder of a trained model."""
        return self.folder / 'models' / name / f'seed_{seed}'

    def configuration(self, name: str, seed: int | str) -> Path:
        """Return the resolved configuration of a model's training."""
        return self.model(name, seed) / 'config.yaml'

    def provenance(self, name: str, seed: int | str) -> Path:
        """Return the file that describes the code and machine of a model's training."""
        return self.folder / 'provenance' / name / f'seed_{seed}.json'

    def evaluation(self, name: str, seed: int | str) -> Path:
        """Return the measures of a model."""
        return self.folder / 'evaluations' / name / f'seed_{seed}.json'

    def log(self, step: str, name: str, seed: int | str) -> Path:
        """Return the log of a step."""
        return self.folder / 'logs' / f'{step}_{name}_{seed}.log'

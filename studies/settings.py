# SPDX-License-Identifier: Apache-2.0
"""Settings of the studies: tables of rows, and the models that the rows measure.

Snakemake also imports this module, so it imports only the standard library.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class StudyModel:
    """One model, trained once for each seed.

    Attributes:
        name: name of its folder.
        training: key of the settings' trainings; its files come first.
        overlays: configuration files with the differences, which come last.
        features: name of the cached backbone features, shared by models with the same frozen
            backbone.
        initial: name of the initial model, which has the same seed, or None.
    """

    name: str
    training: str
    overlays: tuple[str, ...]
    features: str
    initial: str | None


@dataclass(frozen=True)
class StudyRow:
    """One row of a table.

    Attributes:
        label: readable label.
        model: name of the evaluated model.
        paper_kld: KLD in the paper's table; None if the table has none.
    """

    label: str
    model: str
    paper_kld: float | None


@dataclass(frozen=True)
class StudyTable:
    """One table of the paper.

    Attributes:
        name: name of its files.
        rows: rows, at least one, with distinct labels.
    """

    name: str
    rows: tuple[StudyRow, ...]

    def __post_init__(self) -> None:
        labels = [row.label for row in self.rows]
        if not labels or len(set(labels)) < len(labels):
            raise ValueError(
                f'table {self.name} has the labels {labels}; expected at least one, each once'
            )


@dataclass(frozen=True, kw_only=True)
class StudySettings:
    """All tables and models.

    Attributes:
        seeds: seeds of the trainings of each model, at least one.
        trainings: configuration files of each kind of training.
        models: models by name.
        tables: tables by name.
    """

    seeds: tuple[int, ...]
    trainings: Mapping[str, tuple[str, ...]]
    models: Mapping[str, StudyModel]
    tables: Mapping[str, StudyTable]

    def __post_init__(self) -> None:
        if not self.seeds or len(set(self.seeds)) < len(self.seeds):
            raise ValueError(f'seeds are {list(self.seeds)}; expected at least one, each once')
        for model in self.models.values():
            self._require(model.training, self.trainings, f'training of {model.name}')
            if model.initial is not None:
                self._require(model.initial, self.models, f'initial of {model.name}')
        for table in self.tables.values():
            for row in table.rows:
                self._require(row.model, self.models, f'model of {row.label!r} in {table.name}')

    @staticmethod
    def _require(name: str, known: Mapping[str, Any], what: str) -> None:
        if name not in known:
            raise ValueError(f'{what} is {name!r}; expected one of {", ".join(known)}')

    @classmethod
    def of(cls, settings: Mapping[str, Any]) -> StudySettings:
        """Build the settings from the content of `studies/studies.yaml`.

        Raises:
            ValueError: a name is unknown.
        """
        models = {
            name: StudyModel(
                name,
                fields['training'],
                tuple(fields.get('overlays', ())),
                fields.get('features', 'frozen'),
                fields.get('initial'),
            )
            for name, fields in settings['models'].items()
        }
        tables = {
            name: StudyTable(
                name,
                tuple(
                    StudyRow(row['label'], row['model'], row.get('paper_kld'))
                    for row in fields['rows']
                ),
            )
            for name, fields in settings['tables'].items()
        }
        trainings = {name: tuple(files) for name, files in settings['trainings'].items()}
        return cls(
            seeds=tuple(settings['seeds']), trainings=trainings, models=models, tables=tables
        )

# SPDX-License-Identifier: Apache-2.0
"""Tables of rows that the studies compare, and the models that the rows measure.

Snakemake reads it too, so that nothing but the standard library is imported here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class StudyModel:
    """One model, trained once for each seed.

    Attributes:
        name: of its folder.
        experiment: key of the plan's experiments, whose files are given first.
        overlays: configuration files that say what differs, given last.
        features: name of the kept backbone features, which models share whose backbones are frozen
            alike.
        initial: name of the model that this one goes on from, of the same seed, or None.
    """

    name: str
    experiment: str
    overlays: tuple[str, ...]
    features: str
    initial: str | None


@dataclass(frozen=True)
class StudyRow:
    """One row of a table.

    Attributes:
        label: for people.
        model: name of the model that is measured.
        paper_kld: what the paper's table says; None where it says nothing.
    """

    label: str
    model: str
    paper_kld: float | None


@dataclass(frozen=True)
class StudyTable:
    """One table of the paper.

    Attributes:
        name: of its files.
        title: for people.
        rows: at least one, no label twice.
    """

    name: str
    title: str
    rows: tuple[StudyRow, ...]

    def __post_init__(self) -> None:
        labels = [row.label for row in self.rows]
        if not labels or len(set(labels)) < len(labels):
            raise ValueError(
                f'table {self.name} has the labels {labels}; expected at least one, each once'
            )


@dataclass(frozen=True)
class StudyPlan:
    """All tables and models.

    Attributes:
        seeds: of the trainings of each model, at least one.
        experiments: configuration files of each kind of training.
        models: by name.
        tables: by name.
    """

    seeds: tuple[int, ...]
    experiments: Mapping[str, tuple[str, ...]]
    models: Mapping[str, StudyModel]
    tables: Mapping[str, StudyTable]

    def __post_init__(self) -> None:
        if not self.seeds or len(set(self.seeds)) < len(self.seeds):
            raise ValueError(f'seeds are {list(self.seeds)}; expected at least one, each once')
        for model in self.models.values():
            self._require(model.experiment, self.experiments, f'experiment of {model.name}')
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
    def of(cls, settings: Mapping[str, Any]) -> StudyPlan:
        """The plan of what `studies/studies.yaml` holds.

        Raises:
            ValueError: a name is used that nothing has.
        """
        models = {
            name: StudyModel(
                name,
                fields['experiment'],
                tuple(fields.get('overlays', ())),
                fields.get('features', 'frozen'),
                fields.get('initial'),
            )
            for name, fields in settings['models'].items()
        }
        tables = {
            name: StudyTable(
                name,
                fields['title'],
                tuple(
                    StudyRow(row['label'], row['model'], row.get('paper_kld'))
                    for row in fields['rows']
                ),
            )
            for name, fields in settings['tables'].items()
        }
        experiments = {name: tuple(files) for name, files in settings['experiments'].items()}
        return cls(tuple(settings['seeds']), experiments, models, tables)

# SPDX-License-Identifier: Apache-2.0
"""Mutants that mean the same as the original, each listed with the reason."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import yaml

from tools.mutants.mutant import Change, Mutant

LIST = Path(__file__).with_name('equivalent.yaml')


def listed_changes(path: Path = LIST) -> dict[Change, str]:
    """Each change in a list, and why nobody can tell it from the original.

    Raises:
        ValueError: an entry lacks a field, has another one, has no reason or stands there twice.
    """
    changes: dict[Change, str] = {}
    for entry in yaml.safe_load(path.read_text()) or ():
        fields = dict(entry)
        reason = fields.pop('reason', '')
        try:
            change = Change(**fields)
        except TypeError as error:
            raise ValueError(f'{path}: {entry} is no entry: {error}') from error
        if not reason or change in changes:
            raise ValueError(f'{path}: {entry} has no reason, or stands there twice')
        changes[change] = reason
    return changes


def without_listed(mutants: Sequence[Mutant], listed: dict[Change, str]) -> list[Mutant]:
    """Mutants that are not listed, in order."""
    functions = {(change.file, change.function) for change in listed}
    return [
        mutant
        for mutant in mutants
        if (mutant.path.as_posix(), mutant.function) not in functions
        or mutant.change not in listed
    ]

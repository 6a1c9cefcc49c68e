# SPDX-License-Identifier: Apache-2.0
"""Mutants that behave like the original, each listed with the reason."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

import yaml

from tools.mutants.mutant import Change, Mutant

LIST = Path(__file__).with_name('equivalent.yaml')


def listed_changes(path: Path = LIST) -> dict[Change, str]:
    """Read a list of changes, each with the reason why it behaves like the original.

    Raises:
        ValueError: an entry lacks a field, has an unknown field, has no reason or occurs twice.
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
            raise ValueError(f'{path}: {entry} has no reason, or comes twice')
        changes[change] = reason
    return changes


class EquivalentMutants:
    """Set of changes that do not affect the behaviour.

    Args:
        changes: the changes.
    """

    def __init__(self, changes: Iterable[Change]) -> None:
        self._changes = set(changes)
        self._lines: dict[tuple[str, str], list[str]] = defaultdict(list)
        for change in self._changes:
            self._lines[change.file, change.function].append(change.line)

    def __contains__(self, mutant: object) -> bool:
        """Check whether a mutant is one of them."""
        if not isinstance(mutant, Mutant):
            return False
        lines = self._lines.get((mutant.path.as_posix(), mutant.function), ())
        # Comparing whole changes takes a hundred times as long.
        near = any(own in line for own in mutant.original_lines for line in lines)
        return near and mutant.change in self._changes

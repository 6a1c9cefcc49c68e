# SPDX-License-Identifier: Apache-2.0
"""The demonstrations that a grounder knows."""

from __future__ import annotations

from afformer_core.errors import DemonstrationError
from afformer_core.runtime.grounding import Demonstration


class FinishedDemonstrations:
    """Finished demonstrations by name, oldest first."""

    def __init__(self) -> None:
        self._demonstrations: dict[str, Demonstration] = {}

    @property
    def names(self) -> tuple[str, ...]:
        """Of all, oldest first."""
        return tuple(self._demonstrations)

    def __getitem__(self, name: str) -> Demonstration:
        """One of them.

        Raises:
            DemonstrationError: there is none of this name.
        """
        if name not in self._demonstrations:
            raise DemonstrationError.unknown(name, self._demonstrations)
        return self._demonstrations[name]

    def add(self, demonstration: Demonstration) -> None:
        """Keep another one, which takes the place of one of the same name and is the newest."""
        self._demonstrations.pop(demonstration.name, None)
        self._demonstrations[demonstration.name] = demonstration

    def remove(self, name: str) -> None:
        """Forget one.

        Raises:
            DemonstrationError: there is none of this name.
        """
        del self._demonstrations[self[name].name]

# SPDX-License-Identifier: Apache-2.0
"""The demonstrations that a grounder knows, and their memories, joined where asked for."""

from __future__ import annotations

from afformer_core.errors import DemonstrationError
from afformer_core.runtime.grounding import Demonstration
from afformer_core.runtime.session import Memory


class DemonstrationMemories:
    """Finished demonstrations by name, oldest first."""

    def __init__(self) -> None:
        self._demonstrations: dict[str, Demonstration] = {}
        self._joined: tuple[tuple[str, ...], Memory] | None = None

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
        self._joined = None

    def remove(self, name: str) -> None:
        """Forget one.

        Raises:
            DemonstrationError: there is none of this name.
        """
        del self._demonstrations[self[name].name]
        self._joined = None

    def memory(self, names: tuple[str, ...]) -> Memory:
        """Of all these demonstrations; joined once, not for each image.

        Raises:
            DemonstrationError: there is none of a name, or no name was given.
        """
        if not names:
            raise DemonstrationError('no demonstration was named; name at least one')
        if len(names) == 1:
            return self[names[0]].memory
        if self._joined is None or self._joined[0] != names:
            self._joined = names, Memory.joined([self[name].memory for name in names])
        return self._joined[1]

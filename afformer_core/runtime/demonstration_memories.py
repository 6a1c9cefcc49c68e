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
        self._joined: tuple[tuple[str, ...], Memory, Memory | None] | None = None

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
        return self._of(names)[0]

    def closer_memory(self, names: tuple[str, ...]) -> Memory | None:
        """`memory`, of the second look; None where one of them has none.

        Raises:
            DemonstrationError: there is none of a name, or no name was given.
        """
        return self._of(names)[1]

    def _of(self, names: tuple[str, ...]) -> tuple[Memory, Memory | None]:
        if not names:
            raise DemonstrationError('no demonstration was named; name at least one')
        shown = [self[name] for name in names]
        if len(shown) == 1:
            return shown[0].memory, shown[0].closer_memory
        if self._joined is None or self._joined[0] != names:
            closer = [one.closer_memory for one in shown if one.closer_memory is not None]
            self._joined = (
                names,
                Memory.joined([one.memory for one in shown]),
                Memory.joined(closer) if len(closer) == len(shown) else None,
            )
        return self._joined[1:]

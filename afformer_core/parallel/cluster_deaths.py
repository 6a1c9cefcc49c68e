# SPDX-License-Identifier: Apache-2.0
"""Deaths of the processes of a cluster, and limits for giving up a part or the whole task."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from afformer_core.errors import DatasetError

MOST_DEATHS = 5
"""Deaths of its process, on machines that live, after which a part is given up, and deaths in a
row, for each process, after which everything is."""


class ClusterDeaths:
    """The deaths of processes so far."""

    def __init__(self) -> None:
        # The machines on which the process of a part died.
        self._machines: defaultdict[int, list[str]] = defaultdict(list)
        self._in_a_row = 0

    def done(self) -> None:
        """Count a finished part, which resets the number of deaths in a row."""
        self._in_a_row = 0

    def process_died(self, processes: int, reason: str) -> None:
        """Count the death of a process.

        Args:
            processes: number of processes, with the one that died.
            reason: reason given by Ray.

        Raises:
            DatasetError: too many processes died since the last finished part.
        """
        self._in_a_row += 1
        if self._in_a_row >= MOST_DEATHS * processes:
            raise DatasetError(
                f'{self._in_a_row} processes of the cluster died in a row, the last: {reason}. '
                'Check that every machine has enough memory and the same release of afformer as '
                'this one. Run the same command again to continue'
            )

    def gives_up(self, part: int, machine: str, nodes: Sequence[Mapping[str, Any]]) -> bool:
        """Count the death of the process of a part; return whether the part is given up.

        Args:
            part: number of the part.
            machine: identity of the machine of the process.
            nodes: Ray's information about all machines, including dead ones.
        """
        self._machines[part].append(machine)
        return deaths_on_living(self._machines[part], nodes) >= MOST_DEATHS


def deaths_on_living(machines: Sequence[str], nodes: Sequence[Mapping[str, Any]]) -> int:
    """Count deaths of processes that did not die with their machine.

    Args:
        machines: identity of the machine of each process that died.
        nodes: Ray's information about all machines, including dead ones.
    """
    alive = {node['NodeID'] for node in nodes if node['Alive']}
    return sum(machine in alive for machine in machines)

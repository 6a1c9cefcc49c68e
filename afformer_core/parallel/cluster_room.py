# SPDX-License-Identifier: Apache-2.0
"""The capacity of a cluster for processes with one core, and with GPUs or a share of one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from afformer_core.errors import AfformerError


def processes_with_room(nodes: Sequence[Mapping[str, Any]], gpus: float) -> int:
    """Return the number of processes that fit on the machines of a cluster at once.

    Args:
        nodes: Ray's information about all machines, including dead ones.
        gpus: GPUs of each process, a share of one or several.
    """
    return sum(_room(cores, count, gpus) for cores, count in _machines(nodes))


def require_room(nodes: Sequence[Mapping[str, Any]], gpus: float) -> None:
    """Raise an error if no machine of a cluster can ever run a process.

    Ray would wait for such a machine silently.

    Args:
        nodes, gpus: see `processes_with_room`.

    Raises:
        AfformerError: there is none.
    """
    if processes_with_room(nodes, gpus):
        return
    machines = _machines(nodes)
    cores, count = (sum(column) for column in zip(*machines, strict=True)) if machines else (0, 0)
    needed = f'{gpus:g} GPUs' if gpus else 'a core'
    advice = (
        'Add a machine with GPUs, or give --gpus-per-process 0 to compute without'
        if gpus
        else 'Start Ray with --num-cpus on a machine'
    )
    raise AfformerError(
        f'each process needs {needed}, but no machine of the Ray cluster has it; its '
        f'{len(machines)} machines have {cores:g} cores and {count:g} GPUs in all. {advice}'
    )


def _machines(nodes: Sequence[Mapping[str, Any]]) -> list[tuple[float, float]]:
    """Return the cores and GPUs of each live machine."""
    resources = [node['Resources'] for node in nodes if node['Alive']]
    return [(machine.get('CPU', 0.0), machine.get('GPU', 0.0)) for machine in resources]


def _room(cores: float, count: float, gpus: float) -> int:
    if not gpus:
        return int(cores)
    # A share of a GPU comes from a single GPU; 0.1 has no exact binary representation.
    by_gpus = int(count) * int(1 / gpus + 1e-9) if gpus <= 1 else int(count / gpus)
    return min(int(cores), by_gpus)

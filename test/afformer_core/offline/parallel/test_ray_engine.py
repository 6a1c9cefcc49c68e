# SPDX-License-Identifier: Apache-2.0
"""Processes of a cluster get the GPUs that they need, and repeat a part that they die with."""

from __future__ import annotations

from contextlib import nullcontext
from types import SimpleNamespace
from typing import Any

import pytest

from afformer_core.cli.main import build_parser
from afformer_core.cli.options.engine_options import engine_of
from afformer_core.errors import AfformerError
from afformer_core.offline.parallel import ray_engine
from afformer_core.offline.parallel.ray_engine import RayEngine, processes_with_room


def node(cores: float, gpus: float, alive: bool = True) -> dict[str, Any]:
    resources = {'CPU': float(cores), 'GPU': float(gpus), 'memory': 1e9}
    return {'Alive': alive, 'Resources': resources}


@pytest.mark.parametrize(
    ('gpus', 'expected'),
    [(0.0, 8 + 6), (1.0, 3 + 2), (0.25, 8 + 6), (2.0, 1 + 1), (3.0, 1), (0.1, 8 + 6)],
)
def test_room_is_counted_on_each_machine(gpus: float, expected: int) -> None:
    nodes = [node(8, 3), node(6, 2), node(64, 8, alive=False)]

    assert processes_with_room(nodes, gpus) == expected


def test_a_tenth_of_a_gpu_is_for_ten() -> None:
    assert processes_with_room([node(40, 1)], 0.1) == 10
    assert processes_with_room([node(40, 1)], 1 / 3) == 3


def test_what_no_machine_has_is_refused_with_what_there_is() -> None:
    nodes = [node(8, 1), node(6, 1), node(64, 8, alive=False)]

    with pytest.raises(AfformerError) as told:
        processes_with_room(nodes, 2)
    assert str(told.value) == (
        'each process needs a core and 2 GPUs, but no machine of the Ray cluster has both; '
        'its 2 machines have 14 cores and 2 GPUs in all. Add such a machine, or give '
        '--gpus-per-process 0 to compute without GPUs'
    )
    with pytest.raises(AfformerError, match=r'needs a core .* 0 machines have 0 cores'):
        processes_with_room([node(4, 1, alive=False)], 0)


@pytest.mark.parametrize(
    ('gpus', 'on_gpu', 'processes', 'expected'),
    [(None, False, 7, 0.0), (None, True, 2, 1.0), (0.25, True, 7, 0.25), (0.0, True, 7, 0.0)],
)
def test_a_process_that_computes_on_a_gpu_has_one(
    gpus: float | None,
    on_gpu: bool,
    processes: int,
    expected: float,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    cluster = SimpleNamespace(nodes=lambda: [node(7, 2)])
    monkeypatch.setattr(ray_engine, 'connected', lambda _: nullcontext(cluster))

    sized = RayEngine(None, gpus=gpus).sized(100, on_gpu=on_gpu)

    assert sized == RayEngine(processes, gpus=expected)


@pytest.mark.parametrize(
    ('options', 'gpus'),
    [
        ('', None),
        ('--backend torch-cuda', 1.0),
        ('--backend tensorrt', 1.0),
        ('--backend torch-cuda --gpus-per-process 0.5', 0.5),
        ('--backend torch-cuda --gpus-per-process 0', 0.0),
    ],
)
def test_a_backend_of_gpus_asks_for_one(options: str, gpus: float | None) -> None:
    line = f'evaluate --annotations a.json --engine ray {options}'
    arguments = build_parser().parse_args(line.split())
    assert engine_of(arguments, 3) == RayEngine(3, 'auto', gpus)

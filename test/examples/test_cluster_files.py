# SPDX-License-Identifier: Apache-2.0
"""The files that run mining on a cluster: what can be checked of them without one."""

from __future__ import annotations

import importlib.util
import os
import shlex
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from afformer_core.cli.main import build_parser
from afformer_core.media.video import write_video
from afformer_core.offline.maskahand.mining.index import read_index


@pytest.fixture
def cluster(root: Path) -> Path:
    return root / 'examples' / 'cluster'


@pytest.fixture
def job(cluster: Path) -> Any:
    return yaml.safe_load((cluster / 'kuberay.yaml').read_text())


def pods(job: Any) -> Iterator[Any]:
    """The specifications of all pods, that of the head first."""
    spec = job['spec']['rayClusterSpec']
    yield spec['headGroupSpec']['template']['spec']
    for group in spec['workerGroupSpecs']:
        yield group['template']['spec']


def test_the_job_mines_with_as_many_processes_as_workers_have_cores(job: Any) -> None:
    words = shlex.split(job['spec']['entrypoint'])
    arguments = build_parser().parse_args(words[1:])
    head, workers = pods(job)
    (group,) = job['spec']['rayClusterSpec']['workerGroupSpecs']
    cores = int(workers['containers'][0]['resources']['limits']['cpu'])

    assert words[:2] == ['afformer', 'mine']
    assert (arguments.engine, arguments.address) == ('ray', 'auto')
    assert arguments.processes == cores * group['maxReplicas']
    # What the head writes must outlive it.
    (mount,) = head['containers'][0]['volumeMounts']
    assert arguments.output.is_relative_to(mount['mountPath'])


@pytest.mark.parametrize('missing', ['VIDEOS', 'OUTPUT'])
def test_the_script_names_what_it_needs(cluster: Path, missing: str) -> None:
    given = {'VIDEOS': 'videos', 'OUTPUT': 'mined', 'PATH': os.environ['PATH']}
    del given[missing]
    done = subprocess.run(
        [str(cluster / 'slurm.sh')], env=given, capture_output=True, text=True, check=False
    )

    assert done.returncode != 0
    assert f'{missing}: names the' in done.stderr


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.skipif(
    importlib.util.find_spec('ray') is None, reason='the extra cluster is not installed'
)
def test_the_script_mines_on_two_nodes_of_this_machine(cluster: Path, tmp_path: Path) -> None:
    (tmp_path / 'videos').mkdir()
    for number in range(3):
        frames = np.full((20, 48, 64, 3), 40 * number, np.uint8)
        write_video(tmp_path / 'videos' / f'{number}.mp4', frames, 10.0)
    with socket.socket() as free:
        free.bind(('127.0.0.1', 0))
        port = free.getsockname()[1]
    environment = {
        **{name: value for name, value in os.environ.items() if 'SLURM' not in name},
        'PATH': f'{Path(sys.executable).parent}{os.pathsep}{os.environ["PATH"]}',
        'VIDEOS': str(tmp_path / 'videos'),
        'OUTPUT': str(tmp_path / 'mined'),
        'PORT': str(port),
        'NODES': '127.0.0.1 127.0.0.1',
        'CORES': '1',
    }

    done = subprocess.run(
        [str(cluster / 'slurm.sh')], env=environment, capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert '0 clips in 0 of 3 videos' in done.stdout
    assert len(read_index(tmp_path / 'mined' / 'index.json').videos) == 3
    with socket.socket() as gone:
        assert gone.connect_ex(('127.0.0.1', port)) != 0

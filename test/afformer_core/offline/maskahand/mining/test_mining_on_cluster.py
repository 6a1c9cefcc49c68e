# SPDX-License-Identifier: Apache-2.0
"""A cluster of three machines gives the index of one process while some die."""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import pytest

from afformer_core.media.video import write_video
from afformer_core.offline.maskahand.mining.mining import Mining, MiningSettings
from afformer_core.offline.maskahand.sources import find_sources
from afformer_core.offline.maskahand.sources.urls import read_file, written_files
from afformer_core.offline.parallel.local_engine import ONE_PROCESS
from afformer_core.offline.parallel.ray_engine import RayEngine

from ...parallel.ray_machines import STORE, Machines

for package in ('moto', 'ray', 's3fs'):
    pytest.importorskip(package, reason=f'{package} is not installed')

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]

SETTINGS = MiningSettings(clip_frames=8, stride=4, part_frames=20)
VIDEOS, PARTS = 8, 24


@pytest.fixture(scope='module')
def red() -> Iterator[ModuleType]:
    """The module `red_hands`, which the machines of the cluster import by its folder."""
    folder = str(Path(__file__).parent.parent)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(folder)
        patch.setenv('PYTHONPATH', folder, prepend=os.pathsep)
        yield importlib.import_module('red_hands')


@pytest.fixture(scope='module')
def bucket(red: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a bucket with eight videos of 12 s in `videos`, each of three parts of 4 s."""
    import boto3
    from moto.server import ThreadedMotoServer

    folder = tmp_path_factory.mktemp('videos')
    server = ThreadedMotoServer('127.0.0.1', 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv('AWS_ENDPOINT_URL', f'http://{host}:{port}')
        patch.setenv('AWS_DEFAULT_REGION', 'us-east-1')
        patch.setenv('AWS_ACCESS_KEY_ID', 'key')
        patch.setenv('AWS_SECRET_ACCESS_KEY', 'secret')
        client = boto3.client('s3')
        client.create_bucket(Bucket='lab')
        for number in range(VIDEOS):
            video = folder / f'{number}.mp4'
            write_video(video, red.film(12, 10, [(2, 3), (8, 8 + number / 4)]), 10)
            client.put_object(Bucket='lab', Key=f'videos/{number}.mp4', Body=video.read_bytes())
        yield 's3://lab'
    server.stop()


@pytest.fixture(scope='module')
def machines(bucket: str) -> Iterator[Machines]:
    """Three machines of one core each; the last has what counts as a GPU."""
    import ray
    from ray.cluster_utils import Cluster

    head = {'num_cpus': 1, 'object_store_memory': STORE, 'include_dashboard': False}
    cluster = Cluster(True, False, head)
    machines = Machines(cluster.address)
    try:
        ray.init(cluster.address, log_to_driver=False)
        machines.begin('--num-gpus', '1')
        yield machines
    finally:
        machines.end()
        ray.shutdown()
        cluster.shutdown()


@pytest.fixture(scope='module')
def expected(red: ModuleType, bucket: str, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The index of one process of this machine."""
    output = tmp_path_factory.mktemp('mined')
    mining = Mining(find_sources([Path(bucket) / 'videos']), red.RedHands, output, SETTINGS)
    list(mining.detect(ONE_PROCESS))
    mining.write_index()
    return (output / 'index.json').read_bytes()


def mine(mining: Mining, engine: RayEngine, after: dict[int, Callable[[], None]]) -> list[int]:
    """Mine, and do something after some numbers of parts; return the frames of each part."""
    frames = []
    for number, examined in enumerate(mining.detect(engine), 1):
        frames.append(examined)
        after.get(number, lambda: None)()
    mining.write_index()
    return frames


def test_parts_are_examined_on_gpus_into_a_bucket_while_machines_die(
    red: ModuleType, bucket: str, machines: Machines, expected: bytes
) -> None:
    output = Path(bucket) / 'mined'
    mining = Mining(find_sources([Path(bucket) / 'videos']), red.SlowGpuRedHands, output, SETTINGS)
    after = {
        2: lambda: machines.kill_process('ray::_Actor'),
        5: machines.replace_one,
        8: machines.replace_one,
    }

    frames = mine(mining, RayEngine(2, 'auto', 0.5), after)

    assert frames == [20] * PARTS
    assert machines.died == 2
    assert read_file(output / 'index.json') == expected
    assert sum(path.parent.parent.name == 'parts' for path in written_files(output)) == PARTS


def test_parts_are_examined_without_a_gpu_into_a_folder_while_machines_die(
    red: ModuleType, bucket: str, machines: Machines, expected: bytes, tmp_path: Path
) -> None:
    mining = Mining(
        find_sources([Path(bucket) / 'videos']), red.SlowestRedHands, tmp_path, SETTINGS
    )
    before = machines.died

    mine(mining, RayEngine(3, 'auto'), {3: machines.replace_one})

    assert machines.died == before + 1
    assert (tmp_path / 'index.json').read_bytes() == expected


def test_a_part_whose_process_always_dies_is_given_up_and_the_others_are_used(
    red: ModuleType, bucket: str, machines: Machines, tmp_path: Path
) -> None:
    found = find_sources([Path(bucket) / 'videos' / '3.mp4'])
    mining = Mining(found, red.DyingRedHands, tmp_path, SETTINGS)

    assert sorted(mining.detect(RayEngine(3, 'auto'))) == [0, 20, 20]

    [(_, told)] = mining.write_index().broken
    assert told.startswith(
        'was read up to 7.80 s: the detector failed: RuntimeError: its process died repeatedly, '
        'the last time: '
    )

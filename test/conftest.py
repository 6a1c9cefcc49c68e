# SPDX-License-Identifier: Apache-2.0
"""Fixtures of all tests: the environment of the run, the test data and the shipped model."""

from __future__ import annotations

import fcntl
import gc
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import IO, Any

import pytest
from hypothesis import settings

from afformer_ros.environment import prepare_environment
from afformer_ros.launch_arguments import launch_arguments as launch_arguments_of

from .abandoned_shared_memory import remove_abandoned

ROOT = Path(__file__).resolve().parent.parent
_LOCKS: list[IO[str]] = []


def _lock_domain() -> int:
    """Lock a ROS domain that no other process of tests on this machine uses until it ends."""
    for domain in range(1, 61):
        try:
            lock = (Path(tempfile.gettempdir()) / f'afformer_test_domain_{domain}').open('w')
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            continue
        _LOCKS.append(lock)
        return domain
    raise RuntimeError('every ROS domain is in use. End other runs of the tests')


# Rendering needs no display, and this must be set before mujoco is imported.
os.environ.setdefault('MUJOCO_GL', 'egl')
# Tests start processes; two that compute with all cores each are slower than with one core each.
os.environ.setdefault('OMP_NUM_THREADS', '1')
# Without bytecode each process compiles the package anew, and each process of pytest all tests.
os.environ.pop('PYTHONDONTWRITEBYTECODE', None)
sys.dont_write_bytecode = False
# Nodes of this run see each other and nobody else: neither another machine nor another run here.
os.environ['ROS_AUTOMATIC_DISCOVERY_RANGE'] = 'LOCALHOST'
os.environ['ROS_DOMAIN_ID'] = str(_lock_domain())
# Fast DDS takes the shared memory of a process away that waits for a processor for 3 s.
_TRANSPORTS = Path(_LOCKS[0].name).with_suffix('.xml')
_TRANSPORTS.write_text((ROOT / 'config/fastdds.xml').read_text().replace('>3000<', '>60000<'))
os.environ.setdefault('FASTDDS_DEFAULT_PROFILES_FILE', str(_TRANSPORTS))
prepare_environment()
# The same examples in each run, with no limit of time, which a busy machine exceeds.
settings.register_profile('tests', database=None, deadline=None, derandomize=True)
settings.load_profile('tests')


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Remove the shared memory of the processes that tests have killed, at the very end."""
    if not hasattr(session.config, 'workerinput'):
        remove_abandoned()


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Iterator[None]:
    """Leave what is alive after the collection to no later search for garbage.

    It is millions of objects, and each full search would take a second.
    """
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()
        gc.freeze()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Tests that share fixtures run in the same process, one after another.

    Those of nodes do, since they wait for messages, and those of the runtime, for which models
    are exported; so do those of each other file. Those of the planner need no model.
    """
    from xdist.scheduler import LoadScopeScheduling

    class ByFixtures(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            file = nodeid.partition('::')[0]
            rooms = ('afformer_ros/planner/', 'afformer_ros/', 'afformer_core/runtime/')
            return next((room for room in rooms if file.startswith(f'test/{room}')), file)

    return ByFixtures(config, log)


@pytest.fixture(scope='session')
def root() -> Path:
    """Folder that the project lies in."""
    return ROOT


@pytest.fixture(scope='session')
def launch_arguments() -> Callable[[str], Mapping[str, list[str] | None]]:
    """The arguments of a launch file by name, with their choices."""
    return lambda file: {
        name: list(argument.choices) or None
        for name, argument in launch_arguments_of(file.removesuffix('.launch.py')).items()
    }


@pytest.fixture(scope='session')
def test_data() -> Path:
    """Folder of the test data; skips the test where it is absent."""
    folder = Path(os.environ.get('AFFORMER_TEST_DATA', ROOT.parent / 'shared' / 'data'))
    if not folder.is_dir():
        pytest.skip(f'no test data at {folder}; name its folder by AFFORMER_TEST_DATA')
    return folder.resolve()


@pytest.fixture(scope='session')
def shipped_model() -> Path:
    """Folder of the model that comes with the package."""
    return ROOT / 'afformer_core' / 'weights' / 'afformer_small'


@pytest.fixture(scope='session')
def chromium() -> Iterator[Any]:
    """A browser with a camera of a test image; skips the test where none is installed."""
    playwright = pytest.importorskip('playwright.sync_api')
    names = ('chromium', 'chromium-browser', 'google-chrome')
    program = next(filter(None, map(shutil.which, names)), None)
    if program is None:
        pytest.skip(f'none of {", ".join(names)} is installed')
    # Containers have little shared memory, and root cannot be put into a sandbox.
    options = ['--use-fake-device-for-media-stream', '--use-fake-ui-for-media-stream']
    options += ['--disable-dev-shm-usage', *(['--no-sandbox'] if os.geteuid() == 0 else [])]
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=program, args=options, timeout=100_000)
        yield browser
        browser.close()

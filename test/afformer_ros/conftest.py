# SPDX-License-Identifier: Apache-2.0
"""A model with random weights, and grounding nodes that run as processes."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from test.afformer_core.conftest import exported_small_model
from test.afformer_ros.grounding_client import Client
from test.afformer_ros.grounding_nodes import Nodes, Process


@pytest.fixture(scope='session')
def exported_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of a small model with random weights and graphs, which run without PyTorch."""
    return exported_small_model(tmp_path_factory)


@pytest.fixture(scope='session')
def random_model(exported_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same without graphs."""
    folder = tmp_path_factory.mktemp('random') / 'model'
    graphs = shutil.ignore_patterns('*.onnx', 'graphs.json', 'golden_outputs.safetensors')
    return Path(shutil.copytree(exported_model, folder, ignore=graphs))


@pytest.fixture
def nodes(exported_model: Path, tmp_path: Path) -> Iterator[Nodes]:
    """For tests that end or restart the node."""
    made = Nodes(exported_model, tmp_path)
    yield made
    made.close()


@pytest.fixture
def shipped_nodes(shipped_model: Path, tmp_path: Path) -> Iterator[Nodes]:
    """The same with the shipped model."""
    made = Nodes(shipped_model, tmp_path)
    yield made
    made.close()


@pytest.fixture(scope='module')
def shared_nodes(
    exported_model: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Nodes]:
    made = Nodes(exported_model, tmp_path_factory.mktemp('shared'))
    yield made
    made.close()


@pytest.fixture(scope='module')
def node_log(shared_nodes: Nodes) -> Process:
    """The process behind `active`."""
    media = shared_nodes.store.parent / 'media'
    media.mkdir()
    return shared_nodes.grounding(
        '/shared', demonstration_folders=f'["{media}"]', diagnostics_period=0.2
    )


@pytest.fixture(scope='module')
def active_client(shared_nodes: Nodes, node_log: Process) -> Client:
    client = shared_nodes.client('/shared')
    client.bring_up()
    return client


@pytest.fixture
def active(active_client: Client) -> Client:
    """A client of an active node without demonstrations, which the tests of a module share."""
    for name in active_client.list().names:
        active_client.delete(name)
    active_client.statuses.clear()
    active_client.affordances.clear()
    return active_client

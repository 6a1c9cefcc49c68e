# SPDX-License-Identifier: Apache-2.0
"""A model with random weights, and grounding nodes that run as processes."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from filelock import FileLock

from afformer_core.models import afformer_small
from afformer_core.models.afformer import Afformer
from afformer_core.runtime.export.export import export_graphs
from afformer_core.runtime.weights import save_model
from test.afformer_ros.grounding_client import Client
from test.afformer_ros.grounding_nodes import Nodes, Process


@pytest.fixture(scope='session')
def random_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of a small model of 64 x 64 input, with random weights and without graphs."""
    folder = tmp_path_factory.mktemp('model')
    torch.manual_seed(0)
    save_model(folder, Afformer(afformer_small(('press', 'hold'), (64, 64))).eval(), {})
    return folder


@pytest.fixture(scope='session')
def exported_model(random_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same with graphs: a node that runs them starts faster, as it needs no PyTorch.

    All processes of this run share it.
    """
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if 'PYTEST_XDIST_WORKER' in os.environ else base) / 'exported' / 'model'
    folder.parent.mkdir(exist_ok=True)
    with FileLock(folder.with_suffix('.lock')):
        if not folder.is_dir():
            unfinished = folder.with_suffix('.unfinished')
            shutil.copytree(random_model, unfinished)
            export_graphs(unfinished)
            unfinished.rename(folder)
    return folder


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

# SPDX-License-Identifier: Apache-2.0
"""The connection to a Ray cluster, or to a temporary one."""

from __future__ import annotations

import logging
import os
import re
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

from afformer_core.errors import AfformerError, how_to_install
from afformer_core.parallel.process_watch import death_told, loss_told, process_with

# Bytes of the object store of a temporary cluster; results are small.
_STORE = 200 * 1024**2
# Seconds within which a cluster must answer.
_PATIENCE = 10.0
_DEATH = (
    'the raylet of this machine, which connects to the Ray cluster, died, for lack of memory or '
    'because the head of the cluster is lost; Ray ends this process. Start Ray again, and run the '
    'same command to continue'
)
_LOSS = (
    'the head of the Ray cluster at {} does not answer; expected it to live as long as this '
    'command. Start Ray again, and run the same command to continue'
)


@contextmanager
def connected(
    address: str | None, processes: int | None, *, for_frames: bool = False
) -> Iterator[ModuleType]:
    """Yield Ray, connected to a cluster, or to a temporary one.

    Args:
        address: HOST:PORT or `auto`; None: a temporary cluster is started on this machine. If this
            process is already connected, that cluster is used.
        processes: number of cores of a temporary cluster; None: all.
        for_frames: whether processes of a temporary cluster send frames to each other, instead of
            small results.

    Raises:
        AfformerError: Ray is not installed, or the cluster cannot be reached.
        ValueError: the address is wrong.
    """
    # Ray sends usage statistics unless they are disabled.
    os.environ.setdefault('RAY_USAGE_STATS_ENABLED', '0')
    try:
        import ray
    except ImportError as error:
        raise AfformerError(
            f'Ray is not installed. Run {how_to_install("cluster")}; or leave out --engine ray'
        ) from error
    if ray.is_initialized():
        yield ray
        return
    if address is not None and ':' in address:
        _require_reachable(address)
    started: dict[str, Any] = {'address': address}
    if address is None:
        started = {
            'address': 'local',
            'num_cpus': processes,
            'object_store_memory': None if for_frames else _STORE,
            'include_dashboard': False,
        }
    try:
        ray.init(**started, log_to_driver=False, logging_level=logging.ERROR)
    except (ConnectionError, ValueError, RuntimeError) as error:
        raise AfformerError(
            f'the Ray cluster {address or "of this machine"} cannot be reached: {told(error)}. '
            'Start one with `ray start --head`, and give its address'
        ) from error
    try:
        head = ray.get_runtime_context().gcs_address
        with death_told(_raylet(ray), _DEATH), loss_told(head, _LOSS.format(head)):
            yield ray
    finally:
        ray.shutdown()


def _raylet(ray: ModuleType) -> int | None:
    """Return Ray's process that connects this one to the cluster and ends with it."""
    own = ray.get_runtime_context().get_node_id()
    sockets = [node.get('RayletSocketName') for node in ray.nodes() if node['NodeID'] == own]
    # Other processes of Ray also receive the socket, each through a different option.
    return process_with(f'--raylet_socket_name={sockets[0]}') if any(sockets) else None


def _require_reachable(address: str) -> None:
    """Raise an error at once if nothing listens; Ray would retry for two minutes."""
    host, _, port = address.rpartition('//')[2].rpartition(':')
    if not port.isdecimal():
        raise ValueError(f"--address is {address!r}; expected HOST:PORT or 'auto'")
    try:
        socket.create_connection((host, int(port)), _PATIENCE).close()
    except OSError as error:
        raise AfformerError(
            f'the Ray cluster {address} cannot be reached: {error}. Start one with `ray start '
            '--head`, and give its address'
        ) from error


def told(error: Exception) -> str:
    """Return the most informative line of an error of Ray."""
    lines = str(error).strip().splitlines()
    last = lines[-1] if re.match(r'\w+(Error|Exception): ', lines[-1]) else lines[0]
    return last.rstrip('.')

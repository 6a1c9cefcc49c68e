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

# Bytes of the object store of a temporary cluster; results are small.
_STORE = 200 * 1024**2
# Seconds within which a cluster must answer.
_PATIENCE = 10.0


@contextmanager
def connected(address: str | None, processes: int | None) -> Iterator[ModuleType]:
    """Yield Ray, connected to a cluster, or to a temporary one.

    Args:
        address: HOST:PORT or `auto`; None: a temporary cluster is started on this machine. If this
            process is already connected, that cluster is used.
        processes: number of cores of a temporary cluster; None: all.

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
            'object_store_memory': _STORE,
            'include_dashboard': False,
        }
    try:
        ray.init(**started, log_to_driver=False, logging_level=logging.ERROR)
    except Exception as error:
        # Ray raises its base class if it does not start in time.
        raise AfformerError(
            f'the Ray cluster {address or "of this machine"} cannot be reached: {told(error)}. '
            'Start one with `ray start --head`, and give its address'
        ) from error
    try:
        yield ray
    finally:
        ray.shutdown()


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
    lines = str(error).strip().splitlines() or [type(error).__name__]
    last = lines[-1] if re.match(r'\w+(Error|Exception): ', lines[-1]) else lines[0]
    return last.rstrip('.')

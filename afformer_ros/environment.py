# SPDX-License-Identifier: Apache-2.0
"""Environment variables that a ROS process needs at its start."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

from afformer_core.errors import AfformerError

_TRANSPORTS = 'FASTDDS_BUILTIN_TRANSPORTS'
_PROFILES, _PROFILES_BEFORE = 'FASTDDS_DEFAULT_PROFILES_FILE', 'FASTRTPS_DEFAULT_PROFILES_FILE'
# The distributions with a Fast DDS before 3, which reads the second name. Later ones warn of it.
_BEFORE = ('humble', 'jazzy')


def prepare_environment() -> None:
    """Choose transports that are suitable for images; call it before `rclpy.init`.

    Fast DDS's default transports, and those that it calls LARGE_DATA, lose most best-effort
    messages of the size of an image; those of `config/fastdds.xml` do not. A choice of the user is
    kept; other middleware ignores the variables.
    """
    if _TRANSPORTS in os.environ:
        return
    names = (_PROFILES, _PROFILES_BEFORE)
    chosen = [os.environ[name] for name in names if name in os.environ]
    read = _PROFILES_BEFORE if os.environ.get('ROS_DISTRO') in _BEFORE else _PROFILES
    os.environ.setdefault(
        read, chosen[0] if chosen else str(share_folder() / 'config' / 'fastdds.xml')
    )


def why_not_fast_dds() -> str:
    """Name the middleware of this process if it is not Fast DDS; empty if it is."""
    # This module is imported before ROS.
    from rclpy.utilities import get_rmw_implementation_identifier

    name = get_rmw_implementation_identifier()
    return '' if name.startswith('rmw_fastrtps') else f'the middleware is {name}, not Fast DDS'


def keep_apart() -> None:
    """Choose a ROS domain for this process and its children; call it before `rclpy.init`.

    They are isolated from all other processes. A choice of the user is kept.
    """
    os.environ.setdefault('ROS_AUTOMATIC_DISCOVERY_RANGE', 'LOCALHOST')
    os.environ.setdefault('ROS_DOMAIN_ID', str(1 + os.getpid() % 100))


def run_apart(what: str, run: Callable[[], object]) -> int:
    """Run a command that starts nodes, apart from all other processes; return its exit status.

    Args:
        what: name of the command, for the message of an interruption.
        run: function that runs it, before which ROS must not be imported.
    """
    prepare_environment()
    keep_apart()
    # A normal exit closes every process that was started.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        run()
    except KeyboardInterrupt:
        print(f'afformer: {what} was interrupted', file=sys.stderr)
        return 130
    except (AfformerError, OSError, ImportError, ValueError) as error:
        print(f'afformer: error: {error}', file=sys.stderr)
        return 1
    return 0


def share_folder() -> Path:
    """Return the folder that contains `config` and `rviz`."""
    source = Path(__file__).resolve().parent.parent
    if (source / 'config' / 'fastdds.xml').is_file():
        return source
    from ament_index_python.packages import get_package_share_directory

    return Path(get_package_share_directory('afformer_ros'))

# SPDX-License-Identifier: Apache-2.0
"""The lifetime of a process that runs one node: its arguments, memory and end."""

from __future__ import annotations

import argparse
import contextlib
import ctypes
import gc
import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from typing import NoReturn, Protocol

import rclpy
from rclpy.exceptions import InvalidParameterTypeException, InvalidParameterValueException
from rclpy.executors import Executor
from rclpy.signals import SignalHandlerOptions
from rclpy.utilities import remove_ros_args
from threadpoolctl import threadpool_limits

from afformer_core.errors import AfformerError
from afformer_ros.environment import prepare_environment

# Constant of malloc.h.
_M_ARENA_MAX = -8
_HEAPS = 2
_SIGNAL_PERIOD = 0.1
# Seconds after which a thread passes Python's lock to a waiting one. Python's default, 5 ms, is as
# long as the whole processing of an image except the model.
_SWITCH_INTERVAL = 0.0002
# Seconds to wait at the end for callbacks that still run.
_PATIENCE = 0.5
# Seconds for clients to fetch the results of goals that the end of the node has ended.
_LAST_ANSWERS = 0.2
# Seconds for a failed node to end; its middleware may wait forever.
_LONGEST_END = 5.0


def keep_what_lives() -> None:
    """Exclude all objects that exist now from later garbage collections.

    A full collection visits every object and stops all threads meanwhile. Most of that time would
    be spent on the hundreds of thousands of permanent objects that imports create.
    """
    # Objects that were excluded by an earlier call may be garbage by now.
    gc.unfreeze()
    gc.collect()
    gc.freeze()


def keep_few_heaps() -> None:
    """Limit the C library to two heaps for all threads; call it before threads start.

    By default, glibc creates up to eight heaps per core, one for each thread, and each keeps tens
    of megabytes of freed images. Services, which run in several threads, would add hundreds of
    megabytes over time.
    """
    # C libraries other than glibc have no such function.
    with contextlib.suppress(AttributeError):
        ctypes.CDLL(None).mallopt(_M_ARENA_MAX, _HEAPS)


def release_what_is_left() -> None:
    """Collect excluded objects (see `keep_what_lives`) that are now garbage; release memory."""
    gc.unfreeze()
    gc.collect()
    with contextlib.suppress(AttributeError):
        ctypes.CDLL(None).malloc_trim(0)


def check_arguments(
    arguments: list[str] | None, description: str, name: str, example: str
) -> None:
    """Print help and exit if requested; reject arguments that are not ROS arguments.

    Args:
        arguments: command line arguments without the program; None for those of the process.
        description: description of the node, in one or two sentences.
        name: name of the executable.
        example: example of ROS arguments.
    """
    given = sys.argv[1:] if arguments is None else arguments
    parser = argparse.ArgumentParser(
        prog=f'ros2 run afformer_ros {name}',
        usage=f'ros2 run afformer_ros {name} [-h] [--ros-args ...]',
        description=description,
        epilog=f'example: ros2 run afformer_ros {name} --ros-args {example}',
        allow_abbrev=False,
    )
    parser.parse_args(remove_ros_args([name, *given])[1:])


class Finished(threading.Event):
    """The event that is set when a node has finished.

    Attributes:
        status: exit status.
    """

    def __init__(self) -> None:
        super().__init__()
        self.status = 0

    def fail(self, status: int, reason: str = '') -> None:
        """End the process with an exit status, even if the middleware does not end.

        Args:
            status: exit status, above 0.
            reason: reason to print; empty: the node has logged it.
        """
        if reason:
            print(f'afformer: error: {reason}', file=sys.stderr)
        self.status = status
        self.set()


class RunnableNode(Protocol):
    """A node with threads or processes of its own."""

    def close(self) -> bool:
        """End its threads and processes; return False if a thread did not end."""

    def destroy_node(self) -> None:
        """Remove the node."""


def run_node(
    arguments: list[str] | None,
    create: Callable[[Finished], RunnableNode],
    create_executor: Callable[[], Executor],
) -> int:
    """Run a node until SIGINT or SIGTERM arrives, or until it has finished.

    Args:
        arguments: command line arguments; None for those of the process.
        create: function that creates the node; the node sets the given event when it has finished.
        create_executor: function that creates the executor that spins it.

    Returns:
        exit status: 0, the status with which the node failed, or 1 if a callback raised an error.
        If the node cannot be created, the process ends here with status 1 and the reason on
        stderr.
    """
    prepare_environment()
    keep_few_heaps()
    sys.setswitchinterval(_SWITCH_INTERVAL)
    # Apart from the model, only small matrices are multiplied. Waking other threads for them takes
    # longer than the products, and these threads then spin while the model runs.
    threadpool_limits(1, user_api='blas')
    # rclpy's own handlers would shut the context down while an executor is about to wait.
    rclpy.init(args=arguments, signal_handler_options=SignalHandlerOptions.NO)
    finished = Finished()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: finished.set())
    try:
        node = create(finished)
    except (
        AfformerError,
        ValueError,
        InvalidParameterTypeException,
        InvalidParameterValueException,
    ) as error:
        print(f'afformer: error: {error}', file=sys.stderr)
        # The middleware may still be starting the node; shutting it down meanwhile crashes once in
        # a hundred times.
        _leave(1)
    executor = create_executor()
    keep_what_lives()
    with _spinning(finished, node, executor) as failures:
        # If a signal reaches another thread, its handler runs when this one wakes up next.
        while not finished.wait(_SIGNAL_PERIOD):
            pass
        if finished.status:
            _leave_later(finished.status)
        # An arm is known to be at rest only as long as its joint states arrive.
        ended = node.close()
    status = 1 if failures else finished.status
    if not failures:
        _send_last_answers(executor)
    ended = executor.shutdown(_PATIENCE) and ended
    node.destroy_node()
    rclpy.try_shutdown()
    if not ended:
        # A thread that runs the model or reads a video cannot be interrupted.
        _leave(status)
    return status


def _send_last_answers(executor: Executor) -> None:
    end = time.monotonic() + _LAST_ANSWERS
    while (left := end - time.monotonic()) > 0:
        executor.spin_once(timeout_sec=left)


def _leave(status: int) -> NoReturn:
    """End the process at once, without shutting ROS down."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


def _leave_later(status: int) -> None:
    """End the process after some time, unless it has already ended."""
    timer = threading.Timer(_LONGEST_END, _leave, (status,))
    timer.daemon = True
    timer.start()


@contextlib.contextmanager
def _spinning(
    finished: threading.Event, node: RunnableNode, executor: Executor
) -> Iterator[list[Exception]]:
    """Spin the node in another thread; give the list of errors that callbacks raise.

    The main thread must stay free for signal handlers.
    """
    failures: list[Exception] = []
    ending = threading.Event()

    def spin() -> None:
        try:
            while not ending.is_set():
                executor.spin_once(timeout_sec=0.5)
        except Exception as error:  # noqa: BLE001
            traceback.print_exc()
            failures.append(error)
        finished.set()

    executor.add_node(node)  # type: ignore[arg-type]  # it is a Node as well
    spinner = threading.Thread(target=spin, name='executor')
    spinner.start()
    yield failures
    ending.set()
    executor.wake()
    spinner.join()

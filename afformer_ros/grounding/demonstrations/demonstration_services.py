# SPDX-License-Identifier: Apache-2.0
"""The services of the grounding node, each of which waits for a command of the worker."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeoutError
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from rclpy.callback_groups import ReentrantCallbackGroup
from rclpy.node import Node
from rclpy.time import Time
from sensor_msgs.msg import CompressedImage
from std_msgs.msg import Header

from afformer_core.demonstrations.library import DemonstrationLibrary
from afformer_core.demonstrations.media import (
    Progress,
    permitted_path,
    read_demonstration,
    split_topic,
    untold,
)
from afformer_core.demonstrations.state import Summary
from afformer_core.errors import AfformerError
from afformer_core.media.polygons import Point
from afformer_ros.grounding.demonstrations.demonstration_topics import (
    DemonstrationRecorder,
    DemonstrationStatusPublisher,
)
from afformer_ros.grounding.grounding_worker import GroundingWorker, WorkerStoppedError
from afformer_ros.interfaces import SERVICES

Answer = TypeVar('Answer', bound=Any)

_NAMES = ('name', 'frames', 'frames_kept', 'frames_lost', 'duration', 'begin', 'end', 'trimmed_by')
# Memorizing a demonstration on a slow machine takes seconds; the caller receives an answer in any
# case.
_PATIENCE = 60.0


def fill_summary(answer: Answer, summary: Summary) -> Answer:
    """Set every field of a message that a summary contains, and return the message."""
    for name in _NAMES:
        if hasattr(answer, name):
            setattr(answer, name, getattr(summary, name))
    return answer


class DemonstrationLoader:
    """A loader of demonstrations from videos, folders of images and bags.

    Args:
        worker: worker that owns the demonstrations.
        folders: folders from which files may be read, resolved.
    """

    def __init__(
        self, worker: GroundingWorker[DemonstrationLibrary], folders: tuple[Path, ...]
    ) -> None:
        self._worker = worker
        self._folders = folders

    def load(
        self,
        source: str,
        name: str,
        wait: Callable[[Future[Any]], Any],
        progress: Progress = untold,
        check: Callable[[], None] = lambda: None,
    ) -> Summary:
        """Read a file, and add its demonstration; blocks until that is done.

        Args:
            source: path of the file or folder, see `read_demonstration`.
            name: name of the demonstration; empty: the name of the file without its extension.
            wait: function that waits for the result of a command of the worker.
            progress: called for each frame that is read.
            check: called by the worker before each frame is encoded; an error that it raises drops
                the demonstration.

        Raises:
            AfformerError: the file must not or cannot be read, or the name is not allowed.
            WorkerStoppedError: the worker ended.
            Exception: raised by `wait`, `progress` or `check`.
        """
        maximum = wait(self._worker.submit(lambda owned: owned.configuration.maximum_frames))
        try:
            path = permitted_path(source, self._folders)
            media = read_demonstration(path, maximum, progress)
        except AfformerError as error:
            text = str(error)
            self._worker.submit(lambda owned: owned.fail(text))
            raise
        chosen = name or split_topic(path)[0].stem

        def add(owned: DemonstrationLibrary) -> Summary:
            return owned.add(media, chosen, check)

        summary: Summary = wait(self._worker.submit(add))
        return summary


class DemonstrationServices:
    """The services `~/start_demonstration`, `~/finish_demonstration` and others.

    Args:
        node: node that offers them.
        recorder: recorder of the topic `demonstration`.
        worker: worker that owns the demonstrations.
        status: status of the demonstrations, to which refusals are reported.
        loader: reads demonstrations from files.
    """

    def __init__(
        self,
        node: Node,
        recorder: DemonstrationRecorder,
        worker: GroundingWorker[DemonstrationLibrary],
        status: DemonstrationStatusPublisher,
        loader: DemonstrationLoader,
    ) -> None:
        self._node = node
        self._recorder = recorder
        self._worker = worker
        self._status = status
        self._loader = loader
        # A service that waits for the worker must not block other services.
        group = ReentrantCallbackGroup()
        acts: dict[str, Callable[[Any, Any], str]] = {
            'start_demonstration': self._start,
            'finish_demonstration': self._finish,
            'load_demonstration': self._load,
            'select_demonstration': self._select,
            'delete_demonstration': self._delete,
            'get_demonstration_frame': self._get_frame,
            'mark_contact': self._mark,
        }
        callbacks: dict[str, Callable[[Any, Any], Any]] = {
            'list_demonstrations': self._list,
            **{name: partial(self._answer, name, act) for name, act in acts.items()},
        }
        self._services = [
            node.create_service(kind, f'~/{name}', callbacks[name], callback_group=group)
            for name, kind in SERVICES.items()
        ]

    def destroy(self) -> None:
        """Remove the services."""
        for service in self._services:
            self._node.destroy_service(service)

    def _start(self, request: Any, response: Any) -> str:
        return f'recording {_wait(self._recorder.start(request.name)).name!r}'

    def _finish(self, request: Any, response: Any) -> str:
        fill_summary(response, _wait(self._recorder.finish()))
        return self._status.state.message

    def _load(self, request: Any, response: Any) -> str:
        fill_summary(response, self._loader.load(request.path, request.name, _wait))
        return self._status.state.message

    def _select(self, request: Any, response: Any) -> str:
        _wait(self._worker.submit(lambda owned: owned.select(request.name)))
        return f'{request.name!r} is selected'

    def _delete(self, request: Any, response: Any) -> str:
        _wait(self._worker.submit(lambda owned: owned.delete(request.name)))
        return f'{request.name!r} was deleted'

    def _get_frame(self, request: Any, response: Any) -> str:
        frame = _wait(
            self._worker.submit(lambda owned: owned.used_frame(request.name, last=request.last))
        )
        response.name = frame.name
        header = Header(stamp=Time(nanoseconds=frame.nanoseconds).to_msg())
        response.frame = CompressedImage(header=header, format='jpeg', data=frame.jpeg)
        if frame.mark is not None:
            response.marked, (response.x, response.y) = True, frame.mark
        response.candidate_x = [candidate.u for candidate in frame.candidates]
        response.candidate_y = [candidate.v for candidate in frame.candidates]
        response.candidate_probability = [candidate.score for candidate in frame.candidates]
        return str(frame)

    def _mark(self, request: Any, response: Any) -> str:
        def mark(owned: DemonstrationLibrary) -> str:
            pixel: Point | None = None if request.remove else (request.x, request.y)
            if request.candidate and not request.remove:
                pixel = owned.used_frame(request.name).candidate(request.candidate)
            return str(owned.mark(request.name, pixel))

        return str(_wait(self._worker.submit(mark)))

    def _list(self, request: Any, response: Any) -> Any:
        try:
            # Listing also finds demonstrations of other nodes with the same store.
            state = _wait(self._worker.submit(lambda owned: owned.refresh()))
        except (AfformerError, WorkerStoppedError, FutureTimeoutError):
            state = self._status.state
        response.names, response.selected = list(state.names), state.selected
        return response

    def _answer(
        self, service: str, act: Callable[[Any, Any], str], request: Any, response: Any
    ) -> Any:
        """Fill `success` and `message` with the result or error of `act`, and the rest by it."""
        try:
            response.message, response.success = act(request, response), True
            return response
        except (AfformerError, WorkerStoppedError) as error:
            message = str(error)
        except FutureTimeoutError:
            message = (
                f'the node was busy for {_PATIENCE:.0f} s; it will still complete the request'
            )
        # An uncaught exception in a service would end the whole node.
        except Exception as error:  # noqa: BLE001
            message = f'{type(error).__name__}: {error}'
        response.message, response.success = message, False
        self._status.refused(service, message)
        return response


def _wait(command: Future[Any]) -> Any:
    return command.result(_PATIENCE)

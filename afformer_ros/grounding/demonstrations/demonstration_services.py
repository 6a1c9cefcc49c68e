# SPDX-License-Identifier: Apache-2.0
"""The services of the grounding node, each of which waits for a command of the worker."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeoutError
from typing import Any, TypeVar

from rclpy.callback_groups import ReentrantCallbackGroup
from rclpy.node import Node

from afformer_core.demonstrations.library import DemonstrationLibrary
from afformer_core.errors import AfformerError
from afformer_core.media.polygons import Point
from afformer_ros.grounding.demonstrations.demonstration_frame import compressed_frame
from afformer_ros.grounding.demonstrations.demonstration_loader import DemonstrationLoader
from afformer_ros.grounding.demonstrations.demonstration_recorder import DemonstrationRecorder
from afformer_ros.grounding.demonstrations.demonstration_status import DemonstrationStatusPublisher
from afformer_ros.grounding.demonstrations.summary_fields import fill_summary
from afformer_ros.grounding.grounding_worker import GroundingWorker, WorkerStoppedError
from afformer_ros.interfaces import SERVICES
from afformer_ros.srv import (
    DeleteDemonstration,
    FinishDemonstration,
    GetDemonstrationFrame,
    ListDemonstrations,
    LoadDemonstration,
    MarkContact,
    SelectDemonstration,
    StartDemonstration,
)

Response = TypeVar('Response')

# Memorizing a demonstration on a slow machine takes seconds; the caller receives an answer in any
# case.
_PATIENCE = 60.0


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
        callbacks: dict[str, Callable[[Any, Any], Any]] = {
            'start_demonstration': self._start,
            'finish_demonstration': self._finish,
            'load_demonstration': self._load,
            'select_demonstration': self._select,
            'list_demonstrations': self._list,
            'delete_demonstration': self._delete,
            'get_demonstration_frame': self._get_frame,
            'mark_contact': self._mark,
        }
        self._services = [
            node.create_service(kind, f'~/{name}', callbacks[name], callback_group=group)
            for name, kind in SERVICES.items()
        ]

    def destroy(self) -> None:
        """Remove the services."""
        for service in self._services:
            self._node.destroy_service(service)

    def _start(
        self, request: StartDemonstration.Request, response: StartDemonstration.Response
    ) -> StartDemonstration.Response:
        def act() -> str:
            recording = self._recorder.start(request.name).result(_PATIENCE)
            return f'recording {recording.name!r}'

        return self._answer(response, act)

    def _finish(
        self, request: FinishDemonstration.Request, response: FinishDemonstration.Response
    ) -> FinishDemonstration.Response:
        def act() -> str:
            summary = self._recorder.finish().result(_PATIENCE)
            fill_summary(response, summary)
            return self._status.state.message

        return self._answer(response, act)

    def _load(
        self, request: LoadDemonstration.Request, response: LoadDemonstration.Response
    ) -> LoadDemonstration.Response:
        def act() -> str:
            summary = self._loader.load(request.path, request.name, _wait)
            fill_summary(response, summary)
            return self._status.state.message

        return self._answer(response, act)

    def _select(
        self, request: SelectDemonstration.Request, response: SelectDemonstration.Response
    ) -> SelectDemonstration.Response:
        def act() -> str:
            self._worker.submit(lambda owned: owned.select(request.name)).result(_PATIENCE)
            return f'{request.name!r} is selected'

        return self._answer(response, act)

    def _list(
        self, request: ListDemonstrations.Request, response: ListDemonstrations.Response
    ) -> ListDemonstrations.Response:
        try:
            # Listing also finds demonstrations of other nodes with the same store.
            state = self._worker.submit(lambda owned: owned.refresh()).result(_PATIENCE)
        except (AfformerError, WorkerStoppedError, FutureTimeoutError):
            state = self._status.state
        response.names, response.selected = list(state.names), state.selected
        return response

    def _delete(
        self, request: DeleteDemonstration.Request, response: DeleteDemonstration.Response
    ) -> DeleteDemonstration.Response:
        def act() -> str:
            self._worker.submit(lambda owned: owned.delete(request.name)).result(_PATIENCE)
            return f'{request.name!r} was deleted'

        return self._answer(response, act)

    def _get_frame(
        self, request: GetDemonstrationFrame.Request, response: GetDemonstrationFrame.Response
    ) -> GetDemonstrationFrame.Response:
        def act() -> str:
            asked = self._worker.submit(
                lambda owned: owned.used_frame(request.name, last=request.last)
            )
            frame = asked.result(_PATIENCE)
            response.name = frame.name
            response.frame = compressed_frame(frame)
            if frame.mark is not None:
                response.marked, (response.x, response.y) = True, frame.mark
            response.candidate_x = [candidate.u for candidate in frame.candidates]
            response.candidate_y = [candidate.v for candidate in frame.candidates]
            response.candidate_probability = [candidate.score for candidate in frame.candidates]
            return str(frame)

        return self._answer(response, act)

    def _mark(
        self, request: MarkContact.Request, response: MarkContact.Response
    ) -> MarkContact.Response:
        def mark(owned: DemonstrationLibrary) -> str:
            pixel: Point | None = None if request.remove else (request.x, request.y)
            if request.candidate and not request.remove:
                pixel = owned.used_frame(request.name).candidate(request.candidate)
            return str(owned.mark(request.name, pixel))

        def act() -> str:
            return self._worker.submit(mark).result(_PATIENCE)

        return self._answer(response, act)

    def _answer(self, response: Response, act: Callable[[], str]) -> Response:
        """Fill `success` and `message` with the result or error of `act`."""
        answer: Any = response
        try:
            answer.message, answer.success = act(), True
            return response
        except (AfformerError, WorkerStoppedError) as error:
            answer.message, answer.success = str(error), False
        except FutureTimeoutError:
            answer.message = (
                f'the node was busy for {_PATIENCE:.0f} s; it will still complete the request'
            )
            answer.success = False
        # An uncaught exception in a service would end the whole node.
        except Exception as error:  # noqa: BLE001
            answer.message, answer.success = f'{type(error).__name__}: {error}', False
        self._status.refused(_service_of(response), answer.message)
        return response


def _wait(command: Future[Any]) -> Any:
    return command.result(_PATIENCE)


def _service_of(response: Any) -> str:
    return next(name for name, kind in SERVICES.items() if isinstance(response, kind.Response))

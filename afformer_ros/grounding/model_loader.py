# SPDX-License-Identifier: Apache-2.0
"""Loading of the model and the stored demonstrations, and later of TensorRT engines."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path

from rclpy.lifecycle import LifecycleNode

from afformer_core.demonstrations.library import DemonstrationLibrary
from afformer_core.demonstrations.selection import SelectionFile
from afformer_core.demonstrations.state import DemonstrationState
from afformer_core.demonstrations.store import DemonstrationStore
from afformer_core.runtime import ArrayGrounder, shipped_model_folder
from afformer_core.runtime.backends import GPU_BACKENDS
from afformer_core.runtime.networks import Networks
from afformer_ros.grounding.engine_build import EngineBuild
from afformer_ros.grounding.grounding_diagnostics import ComponentStatus
from afformer_ros.grounding.parameters import GroundingParameters
from afformer_ros.memory_tuning import keep_what_lives


class ModelLoader:
    """A loader of the model according to the parameters, and of its status.

    If engines are requested without waiting for them, the CPU computes until they are compiled.
    The CPU also takes over if the GPU is lost.

    Args:
        node: node whose log is used.
        parameters: parameters at the time of configuration.
        submit: submits a command about the library to the worker.
        changed: called with each new state of the demonstrations.

    Attributes:
        problems: problems of unreadable stored demonstrations.
    """

    def __init__(
        self,
        node: LifecycleNode,
        parameters: GroundingParameters,
        submit: Callable[[Callable[[DemonstrationLibrary], None]], Future[None]],
        changed: Callable[[DemonstrationState], None],
    ) -> None:
        self.problems: tuple[str, ...] = ()
        self._node = node
        self._parameters = parameters
        self._folder = _model_folder(parameters)
        self._submit = submit
        self._changed = changed
        self._grounder: ArrayGrounder | None = None
        self._engine_build: EngineBuild | None = None
        self._loss = ''

    @property
    def backend(self) -> str:
        """Active backend; empty until the model is loaded."""
        return '' if self._grounder is None else self._grounder.backend

    def load(self) -> DemonstrationLibrary:
        """Load the model; called once, by the worker's thread.

        Raises:
            ModelFolderError: the folder does not contain a valid model for this backend.
            EngineError: TensorRT cannot compile or run it here.
            DemonstrationError: the demonstration to select is not stored.
        """
        parameters = self._parameters
        folder = self._folder
        begin = time.monotonic()
        later = parameters.backend == 'tensorrt' and not parameters.wait_for_engine
        grounder = ArrayGrounder.load(
            folder,
            'auto' if later else parameters.backend,
            parameters.threads,
            'auto' if later else parameters.precision,
            self._log,
            parameters.maximum_stages,
            self._gpu_lost,
        )
        store = DemonstrationStore(parameters.store_path)
        selection_file = SelectionFile(store.folder, self._node.get_fully_qualified_name())
        library = DemonstrationLibrary(
            grounder,
            store,
            self._changed,
            selection_file,
            trim=parameters.trim_demonstrations,
        )
        self._grounder, self.problems = grounder, library.problems
        if grounder.calibration_problem:
            self._node.get_logger().warning(grounder.calibration_problem)
        for problem in self.problems:
            self._node.get_logger().error(problem)
        if parameters.selected_demonstration:
            library.select(parameters.selected_demonstration)
        else:
            library.restore_selection()
        state = library.state()
        self._changed(state)
        keep_what_lives()
        if later:
            self._engine_build = EngineBuild(
                folder, parameters.precision, self._log, self._engine_ready
            )
        self._log(
            f'model loaded with {grounder.backend} in {time.monotonic() - begin:.1f} s; '
            f'{len(state.names)} demonstrations in {store.folder}'
        )
        if parameters.backend == 'auto' and grounder.backend == 'torch':
            self._log(
                'with exported graphs, ONNX Runtime takes a half to a fifth of the time of '
                f'PyTorch; run as this user: afformer export {parameters.model}'.rstrip()
            )
        return library

    def statuses(self) -> tuple[ComponentStatus, ...]:
        """Report the status of presence, and of the GPU if one is requested."""
        return (*self._presence_status(), *self._gpu_status())

    def _presence_status(self) -> tuple[ComponentStatus, ...]:
        if self._grounder is None:
            return ()
        problem = self._grounder.calibration_problem
        status = (
            'told'
            if self._grounder.calibrations.presence
            else 'unknown, the model is not calibrated'
        )
        return (ComponentStatus('presence', '', problem, status, {}),)

    def _gpu_status(self) -> tuple[ComponentStatus, ...]:
        if self._parameters.backend not in GPU_BACKENDS:
            return ()
        status, problem = f'{self.backend} computes', ''
        if self._engine_build is not None:
            status, problem = self._engine_build.status, self._engine_build.problem
        return (
            ComponentStatus('gpu', '', self._loss or problem, status, {'backend': self.backend}),
        )

    def stop(self) -> None:
        """Stop compiling, and release the model even if this object is still referenced."""
        if self._engine_build is not None:
            self._engine_build.stop()
        self._grounder = None

    def _log(self, line: str) -> None:
        self._node.get_logger().info(line)

    def _engine_ready(self, networks: Networks) -> Future[None]:
        return self._submit(lambda library: library.use(networks))

    def _gpu_lost(self, reason: str) -> None:
        self._loss = (
            f'the GPU was lost, and {self.backend} grounds on the CPU instead: {reason}. Restart '
            'the node to use the GPU again; if it is lost again, check dmesg'
        )
        self._node.get_logger().error(self._loss)


def _model_folder(parameters: GroundingParameters) -> Path:
    if parameters.model:
        return Path(parameters.model).expanduser()
    return shipped_model_folder()

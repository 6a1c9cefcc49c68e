# SPDX-License-Identifier: Apache-2.0
"""Loading of the model and the stored demonstrations, and later of TensorRT engines."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path

from rclpy.lifecycle import LifecycleNode

from afformer_core.demonstrations.library import DemonstrationLibrary
from afformer_core.demonstrations.state import DemonstrationState
from afformer_core.demonstrations.store import DemonstrationStore, SelectionFile
from afformer_core.errors import AfformerError
from afformer_core.exit_status import describe_exit
from afformer_core.runtime import ArrayGrounder, shipped_model_folder
from afformer_core.runtime.backends import open_networks
from afformer_core.runtime.networks import Networks
from afformer_ros.grounding.grounding_worker import WorkerStoppedError
from afformer_ros.grounding.parameters import GroundingParameters
from afformer_ros.process import keep_what_lives

_STOPPING_PATIENCE = 1.0


class EngineBuild:
    """A compilation in a separate process, without blocking, whose engines are then loaded.

    Args:
        model: the model folder.
        precision: one of `PRECISIONS`.
        log: called with lines of progress.
        ready: called from another thread with the networks after their self-test; returns a future
            that is done when the networks are in use.

    Attributes:
        status: description of its progress.
        problem: reason why there are no engines; empty: there are, or may still be.
    """

    def __init__(
        self,
        model: Path,
        precision: str,
        log: Callable[[str], None],
        ready: Callable[[Networks], Future[None]],
    ) -> None:
        self._model = model
        self._precision = precision
        self._log = log
        self._ready = ready
        self._lock = threading.Lock()
        self._process: subprocess.Popen[str] | None = None
        self._stopping = False
        self.status = 'the engines are not compiled yet'
        self.problem = ''
        self._thread = threading.Thread(target=self._run, name='engine build', daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop the compilation, unless it is done."""
        with self._lock:
            self._stopping = True
            if self._process is not None:
                self._process.terminate()
        self._thread.join(_STOPPING_PATIENCE)

    def _run(self) -> None:
        try:
            if not self._compile():
                return
            networks = open_networks(self._model, 'tensorrt', 0, self._precision, self._say)
            if self._stopping:
                return
            self._ready(networks).result()
        except WorkerStoppedError:
            return
        # After any error, the node continues without engines and reports the reason.
        except Exception as error:  # noqa: BLE001
            self._fail(str(error) if isinstance(error, AfformerError) else repr(error))
            return
        self._say('the engines are used now')

    def _compile(self) -> bool:
        """Compile the engines; return whether that succeeded."""
        command = [sys.executable, '-m', 'afformer_core.cli.main', 'build-engine', '--require-gpu']
        with self._lock:
            if self._stopping:
                return False
            self._process = subprocess.Popen(
                [*command, '--precision', self._precision, str(self._model)],
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                text=True,
            )
        with self._process as process:
            assert process.stderr is not None
            for line in process.stderr:
                self._say(line.strip())
        if process.returncode and not self._stopping:
            self._fail(self._reason(process.returncode))
        return process.returncode == 0

    def _reason(self, status: int) -> str:
        """Return why the process failed, even if a signal ended it."""
        if status < 0:
            return f'the process that compiles {describe_exit(status)}, after: {self.status}'
        return self.status.removeprefix('afformer: error: ')

    def _say(self, line: str) -> None:
        if line:
            self.status = line
            self._log(line)

    def _fail(self, reason: str) -> None:
        self.problem = f'TensorRT is not used: {reason}'
        self._log(self.problem)


class ModelLoader:
    """A loader of the model according to the parameters.

    If engines are requested without waiting for them, the CPU computes until they are compiled.
    The CPU also takes over if the GPU is lost.

    Args:
        node: node whose log is used.
        parameters: parameters at the time of configuration.
        submit: submits a command about the library to the worker.
        changed: called with each new state of the demonstrations.

    Attributes:
        problems: problems of unreadable stored demonstrations.
        grounder: the model; None while it is not loaded.
        engine_build: compilation of its engines; None if none runs.
        loss: reason why the CPU took over; empty: it did not.
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
        self._submit = submit
        self._changed = changed
        self.grounder: ArrayGrounder | None = None
        self.engine_build: EngineBuild | None = None
        self.loss = ''

    def load(self) -> DemonstrationLibrary:
        """Load the model; called once, by the worker's thread.

        Raises:
            ModelFolderError: the folder does not contain a valid model for this backend.
            EngineError: TensorRT cannot compile or run it here.
            DemonstrationError: the demonstration to select is not stored.
        """
        parameters, given = self._parameters, self._parameters.model
        folder = Path(given).expanduser() if given else shipped_model_folder()
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
            grounder, store, self._changed, selection_file, trim=parameters.trim_demonstrations
        )
        self.grounder, self.problems = grounder, library.problems
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
            self.engine_build = EngineBuild(
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

    def stop(self) -> None:
        """Stop compiling, and release the model even if this object is still referenced."""
        if self.engine_build is not None:
            self.engine_build.stop()
        self.grounder = None

    def _log(self, line: str) -> None:
        self._node.get_logger().info(line)

    def _engine_ready(self, networks: Networks) -> Future[None]:
        return self._submit(lambda library: library.use(networks))

    def _gpu_lost(self, reason: str) -> None:
        backend = '' if self.grounder is None else self.grounder.backend
        self.loss = (
            f'the GPU was lost, and {backend} grounds on the CPU instead: {reason}. Restart the '
            'node to use the GPU again; if it is lost again, check dmesg'
        )
        self._node.get_logger().error(self.loss)

# SPDX-License-Identifier: Apache-2.0
"""Compilation of one graph to an engine, with progress."""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from afformer_core.errors import EngineError
from afformer_core.runtime.sessions.graph_shapes import ShapeRange
from afformer_core.runtime.tensorrt.library import IS_RTX, NAME, trt

Report = Callable[[str], None]

# TensorRT for RTX supports 7.5, but without the products in fp32 that every model contains.
_OLDEST_CAPABILITY = (8, 0)

# Seconds between two lines of progress.
HEARTBEAT = 5.0


class GraphRefusedError(EngineError):
    """Raised if the compiler rejects a graph, or has no kernel for it."""


@dataclass(frozen=True)
class BuildSettings:
    """Options of the compiler.

    Attributes:
        compute_capability: compute capability of the GPU that will run the engine, such as (8, 6);
            None for the local GPU.
        workspace: memory limit of the compiler, in mebibytes; 0: set by the library.
    """

    compute_capability: tuple[int, int] | None = None
    workspace: int = 0

    def __post_init__(self) -> None:
        if self.workspace < 0:
            raise ValueError(f'workspace is {self.workspace} MiB; expected at least 0')


@dataclass(frozen=True)
class Recipe:
    """Compiler flags that all engines of a precision share.

    Attributes:
        allows_tf32: whether factors of fp32 may be rounded to 10 bits of mantissa.
        allocates_itself: whether an engine may allocate memory at run time, which a CUDA graph
            cannot capture.
    """

    allows_tf32: bool
    allocates_itself: bool

    @classmethod
    def of(cls, precision: str) -> Recipe:
        """Return the flags for graphs of a precision."""
        # Only TensorRT for RTX allocates. TF32 is as coarse as fp16, the precision of the other
        # graphs.
        return cls(allows_tf32=precision != 'fp32', allocates_itself=False)

    def apply(self, config: Any) -> None:
        """Set the flags of a builder's configuration."""
        if not self.allows_tf32:
            config.clear_flag(trt.BuilderFlag.TF32)
        require: Any = getattr(trt.BuilderFlag, 'REQUIRE_USER_ALLOCATION', None)
        if require is not None and not self.allocates_itself:
            config.set_flag(require)


def build_engine(
    graph: Path,
    shapes: Mapping[str, ShapeRange],
    settings: BuildSettings,
    recipe: Recipe,
    report: Report,
    sha256: str | None = None,
) -> bytes:
    """Compile a graph.

    Args:
        graph: ONNX file, which determines the precision of each tensor.
        shapes: range of shapes of each input whose shape is not fixed.
        settings: settings of the compiler.
        recipe: flags of the compiler.
        report: called with lines of progress, at least every `HEARTBEAT` seconds.
        sha256: expected hash of the graph, in hexadecimal; None: any.

    Returns:
        the engine, serialized.

    Raises:
        GraphRefusedError: the graph is rejected, or cannot be compiled.
        EngineError: the graph has another hash, or there is no GPU to compile for.
    """
    content = graph.read_bytes()
    if sha256 not in (None, hashlib.sha256(content).hexdigest()):
        raise EngineError(
            f'{graph} changed while its engine was being prepared. Run the same command again'
        )
    logger = _Logger()
    with _Heartbeat(graph.name, report) as heartbeat:
        builder = trt.Builder(logger)
        network = builder.create_network(_network_flags())
        parser = trt.OnnxParser(network, logger)
        if not parser.parse(content, str(graph)):
            raise GraphRefusedError(f'{NAME} does not accept {graph}: {_parser_errors(parser)}')
        config = builder.create_builder_config()
        config.progress_monitor = heartbeat.monitor
        recipe.apply(config)
        if settings.workspace:
            config.set_memory_pool_limit(trt.MemoryPoolType.WORKSPACE, settings.workspace << 20)
        _set_compute_capability(config, settings.compute_capability)
        if shapes:
            profile = builder.create_optimization_profile()
            for name, shape in shapes.items():
                smallest, usual, largest = (
                    trt.Dims(list(dimensions))
                    for dimensions in (shape.smallest, shape.usual, shape.largest)
                )
                profile.set_shape(name, smallest, usual, largest)
            config.add_optimization_profile(profile)
        serialized = builder.build_serialized_network(network, config)
    if serialized is None:
        raise GraphRefusedError(
            f'{NAME} cannot compile {graph}: {logger.last_error or "it gives no reason"}'
        )
    return bytes(serialized)


def _network_flags() -> int:
    # TensorRT 11 and TensorRT for RTX have no other networks, and may lack this flag.
    flag: Any = getattr(trt.NetworkDefinitionCreationFlag, 'STRONGLY_TYPED', None)
    return 0 if flag is None else 1 << int(flag)


def _set_compute_capability(config: Any, capability: tuple[int, int] | None) -> None:
    if capability is None:
        return
    known = getattr(trt, 'ComputeCapability', None)
    if not IS_RTX or known is None:
        raise EngineError(
            f'compute capability is {capability[0]}.{capability[1]} and {NAME} compiles only for '
            'the local GPU. Use TensorRT for RTX to compile for others'
        )
    choices = _compute_capabilities(known)
    if capability not in choices:
        raise EngineError(
            f'compute capability is {capability[0]}.{capability[1]}; expected one that {NAME} '
            f'compiles models for: {", ".join(f"{major}.{minor}" for major, minor in choices)}. '
            'Use backend torch-cuda there, or TensorRT'
        )
    name = f'SM{capability[0]}{capability[1]}'
    config.num_compute_capabilities = 1
    config.set_compute_capability(getattr(known, name), 0)


def _compute_capabilities(known: Any) -> list[tuple[int, int]]:
    """List the compute capabilities for which the library compiles, in ascending order."""
    names = [name.removeprefix('SM') for name in dir(known) if name.startswith('SM')]
    found = sorted((int(name[:-1]), int(name[-1])) for name in names)
    return [capability for capability in found if capability >= _OLDEST_CAPABILITY]


def _parser_errors(parser: Any) -> str:
    errors = [parser.get_error(index).desc() for index in range(parser.num_errors)]
    return '; '.join(errors) or 'it gives no reason'


class _Logger(trt.ILogger):
    """A logger that stores the last error, which is the reason for a failure."""

    def __init__(self) -> None:
        super().__init__()
        self.last_error = ''

    def log(self, severity: trt.ILogger.Severity, message: str) -> None:
        if severity in (trt.ILogger.Severity.ERROR, trt.ILogger.Severity.INTERNAL_ERROR):
            self.last_error = message


class _Monitor(trt.IProgressMonitor):
    """A monitor of the compiler's current phases, which is called in the compiler's threads."""

    def __init__(self) -> None:
        super().__init__()
        self._phases: dict[str, tuple[int, int]] = {}

    def phase_start(self, phase_name: str, parent_phase: str | None, num_steps: int) -> None:
        self._phases[phase_name] = 0, num_steps

    def step_complete(self, phase_name: str, step: int) -> bool:
        self._phases[phase_name] = step + 1, self._phases.get(phase_name, (0, 0))[1]
        return True

    def phase_finish(self, phase_name: str) -> None:
        self._phases.pop(phase_name, None)

    def text(self) -> str:
        """Describe the running phases, outermost first."""
        phases = list(self._phases.items())
        return ', '.join(f'{name} {done} of {steps}' for name, (done, steps) in phases)


class _Heartbeat:
    """A thread that reports that the compiler is still working, and the elapsed time."""

    def __init__(self, what: str, report: Report) -> None:
        self.monitor = _Monitor()
        self._what = what
        self._report = report
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._beat, name='heartbeat', daemon=True)
        self._begin = time.monotonic()

    def __enter__(self) -> _Heartbeat:
        self._report(f'compiling {self._what}')
        self._thread.start()
        return self

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        self._done.set()
        self._thread.join()
        outcome = 'done with' if kind is None else 'gave up'
        self._report(f'{outcome} {self._what} after {self._seconds():.1f} s')

    def _beat(self) -> None:
        while not self._done.wait(HEARTBEAT):
            self._report(f'compiling {self._what}: {self._seconds():.0f} s, {self.monitor.text()}')

    def _seconds(self) -> float:
        return time.monotonic() - self._begin

# SPDX-License-Identifier: Apache-2.0
"""The fastest backend of a model on this machine, measured once and kept in the user's cache."""

from __future__ import annotations

import hashlib
import importlib.metadata
import importlib.util
import json
import math
import os
import platform
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from afformer_core.errors import AfformerError
from afformer_core.files.atomic import write_aside
from afformer_core.files.cache_folder import cache_folder
from afformer_core.runtime.graphs import GRAPHS_FILE, graphs_folder, network_precisions

_FOLDER = 'backends'
_RUNS = 7
# The release of every library that runs a network, by the name under which pip knows it.
_PACKAGES = ('afformer', 'torch', 'onnxruntime', 'onnxruntime-gpu', 'openvino')


@dataclass(frozen=True)
class BackendChoice:
    """The backends that were measured on a machine.

    Attributes:
        key: everything on which the choice depends (see `choice_key`).
        backend: the fastest backend that passed its self-test.
        milliseconds: time of an image by backend.
        refused: reason why a backend cannot be used, by backend.
    """

    key: Mapping[str, str]
    backend: str
    milliseconds: Mapping[str, float]
    refused: Mapping[str, str]

    def __str__(self) -> str:
        others = [
            *(f'{name} {ms:.1f} ms' for name, ms in self.milliseconds.items()
              if name != self.backend),
            *(f'{name} is refused, {reason}' for name, reason in self.refused.items()),
        ]  # fmt: skip
        own = f'backend auto is {self.backend}, {self.milliseconds[self.backend]:.1f} ms an image'
        return f'{own} ({"; ".join(others)})'


def candidates(folder: Path, precision: str) -> tuple[str, ...]:
    """List the backends that 'auto' may choose, the one to take without a measurement first.

    These are the installed libraries that run exported graphs without compiling for minutes, or
    PyTorch on the CPU if no graphs were exported. ONNX Runtime does not compute in bf16 on a CPU.

    Args:
        folder: the model folder.
        precision: precision of the model, not 'auto'.
    """
    if not (folder / GRAPHS_FILE).is_file():
        return ('torch',)
    if precision == 'bf16':
        return ('openvino' if is_installed('openvino') else 'torch',)
    others = ('onnxruntime-cuda',) if precision == 'fp16' else ('openvino', 'onnxruntime-cuda')
    return ('onnxruntime', *filter(is_installed, others))


def is_installed(backend: str) -> bool:
    """Check whether the package of 'openvino' or of a provider of ONNX Runtime is installed."""
    if backend == 'openvino':
        return importlib.util.find_spec('openvino') is not None
    from afformer_core.runtime.sessions import onnxruntime_graphs

    return onnxruntime_graphs.is_installed(backend)


def choice_key(folder: Path, precision: str, threads: int) -> dict[str, str]:
    """Collect everything on which a choice depends: machine, model, settings and libraries."""
    listings = hashlib.sha256()
    for network, its_own in network_precisions(folder, precision, 'fp32'):
        for known in dict.fromkeys((its_own, 'fp32')):
            listing = graphs_folder(network, known) / GRAPHS_FILE
            listings.update(listing.read_bytes() if listing.is_file() else b'')
    return {
        'processor': f'{processor_name()}, {os.cpu_count()} cores',
        'gpus': ' '.join(sorted(path.name for path in Path('/dev').glob('nvidia[0-9]*'))),
        'graphs': listings.hexdigest(),
        'precision': precision,
        'threads': str(threads),
        **{name: package_version(name) for name in _PACKAGES},
    }


def fastest_backend(
    among: Sequence[str],
    key: Mapping[str, str],
    prepare: Callable[[str], Callable[[], object]],
    report: Callable[[str], None],
) -> str:
    """Return the fastest of some backends, measured once for each key.

    Args:
        among: the backends, at least one.
        key: see `choice_key`.
        prepare: function that returns one that grounds an image with a backend, or raises an
            error if the backend cannot be used or fails its self-test.
        report: called with one line about the choice.

    Returns:
        the fastest one, or the first one if none can be used.
    """
    digest = hashlib.sha256(json.dumps([*among, *sorted(key.items())]).encode()).hexdigest()
    path = cache_folder() / _FOLDER / f'{digest[:16]}.json'
    choice = _read(path, among, key)
    if choice is None:
        choice = _measured(among, key, prepare)
        if choice is None:
            return among[0]
        # Without a cache folder that can be written to, the next start measures again.
        with suppress(OSError):
            path.parent.mkdir(parents=True, exist_ok=True)
            write_aside(path, (json.dumps(asdict(choice), indent=2) + '\n').encode())
    report(str(choice))
    return choice.backend


def _measured(
    among: Sequence[str], key: Mapping[str, str], prepare: Callable[[str], Callable[[], object]]
) -> BackendChoice | None:
    """Measure the backends in turns; the fastest run of each counts.

    Both reduce the influence of other programs.
    """
    grounds, refused = {}, {}
    for backend in among:
        try:
            grounds[backend] = prepare(backend)
            grounds[backend]()
        except (AfformerError, OSError, RuntimeError, ValueError) as error:
            # Those of the libraries go on with lines about their source code.
            refused[backend] = next(iter(str(error).splitlines()), type(error).__name__)
            grounds.pop(backend, None)
    if not grounds:
        return None
    milliseconds = dict.fromkeys(grounds, math.inf)
    for _ in range(_RUNS):
        for backend, ground in grounds.items():
            begin = time.perf_counter()
            ground()
            taken = 1e3 * (time.perf_counter() - begin)
            milliseconds[backend] = min(milliseconds[backend], taken)
    return BackendChoice(
        key, min(milliseconds, key=lambda name: milliseconds[name]), milliseconds, refused
    )


def _read(path: Path, among: Sequence[str], key: Mapping[str, str]) -> BackendChoice | None:
    """Read a kept choice; None if there is none for this key, or it is damaged."""
    try:
        choice = BackendChoice(**json.loads(path.read_text(encoding='utf-8')))
        is_sound = choice.key == key and choice.backend in among
        return choice if is_sound and choice.milliseconds[choice.backend] > 0 else None
    except (OSError, ValueError, TypeError, KeyError):
        return None


def processor_name() -> str:
    """Return the name of this machine's processor."""
    listing = Path('/proc/cpuinfo')
    if listing.is_file():
        for line in listing.read_text(encoding='utf-8').splitlines():
            if line.startswith('model name'):
                return line.split(':', 1)[1].strip()
    return platform.processor() or platform.machine()


def package_version(package: str) -> str:
    """Return the release of an installed package; empty if it is not installed."""
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return ''

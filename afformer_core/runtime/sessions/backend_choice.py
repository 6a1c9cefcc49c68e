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
from typing import NamedTuple

from afformer_core.errors import AfformerError
from afformer_core.files.atomic import write_aside
from afformer_core.files.cache_folder import cache_folder
from afformer_core.runtime.graphs import GRAPHS_FILE, graphs_folder
from afformer_core.runtime.model_folder import network_folders

_FOLDER = 'backends'
_RUNS = 7
# The release of every library that runs a network, by the name under which pip knows it.
_PACKAGES = ('afformer', 'torch', 'onnxruntime', 'onnxruntime-gpu', 'openvino')


class Candidate(NamedTuple):
    """A backend that may be chosen, and the precision in which it computes."""

    backend: str
    precision: str

    def __str__(self) -> str:
        return f'{self.backend} in {self.precision}'


@dataclass(frozen=True)
class BackendChoice:
    """The candidates that were measured on a machine.

    Attributes:
        key: everything on which the choice depends (see `choice_key`).
        chosen: name of the fastest candidate that passed its self-test.
        milliseconds: time of an image by the name of the candidate.
        refused: reason why a candidate cannot be used, by its name.
    """

    key: Mapping[str, str]
    chosen: str
    milliseconds: Mapping[str, float]
    refused: Mapping[str, str]

    def __str__(self) -> str:
        others = [
            *(f'{name} {ms:.1f} ms' for name, ms in self.milliseconds.items()
              if name != self.chosen),
            *(f'{name} is refused, {reason}' for name, reason in self.refused.items()),
        ]  # fmt: skip
        own = f'backend auto is {self.chosen}, {self.milliseconds[self.chosen]:.1f} ms an image'
        return f'{own} ({"; ".join(others)})'


def candidates(folder: Path, precision: str) -> tuple[Candidate, ...]:
    """List the candidates of 'auto', the one to take without a measurement first.

    These are the installed libraries that run exported graphs without compiling for minutes, or
    PyTorch on the CPU if no graphs were exported. ONNX Runtime does not compute in bf16 on a CPU.

    Args:
        folder: the model folder.
        precision: precision of the model; 'auto' is fp32, and also bf16 on a CPU that computes in
            it.
    """
    exact = 'fp32' if precision == 'auto' else precision
    if not (folder / GRAPHS_FILE).is_file():
        return (Candidate('torch', exact),)
    if precision == 'bf16':
        return (Candidate('openvino' if is_installed('openvino') else 'torch', 'bf16'),)
    others = ('onnxruntime-cuda',) if precision == 'fp16' else ('openvino', 'onnxruntime-cuda')
    found = [Candidate(name, exact) for name in ('onnxruntime', *filter(is_installed, others))]
    if precision == 'auto' and is_installed('openvino') and _computes_in_bf16():
        found.append(Candidate('openvino', 'bf16'))
    return tuple(found)


def _computes_in_bf16() -> bool:
    from afformer_core.runtime.sessions import openvino_graphs

    return openvino_graphs.computes_in('bf16')


def is_installed(backend: str) -> bool:
    """Check whether the package of 'openvino' or of a provider of ONNX Runtime is installed."""
    if backend == 'openvino':
        return importlib.util.find_spec('openvino') is not None
    from afformer_core.runtime.sessions import onnxruntime_graphs

    return onnxruntime_graphs.is_installed(backend)


def choice_key(folder: Path, precision: str, threads: int) -> dict[str, str]:
    """Collect everything on which a choice depends: machine, model, settings and libraries."""
    listings = hashlib.sha256()
    exact = 'fp32' if precision == 'auto' else precision
    for network in network_folders(folder):
        for known in dict.fromkeys((exact, 'fp32')):
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
    among: Sequence[Candidate],
    key: Mapping[str, str],
    prepare: Callable[[Candidate], Callable[[], object]],
    report: Callable[[str], None],
) -> Candidate:
    """Return the fastest of some candidates, measured once for each key.

    Args:
        among: the candidates, at least one.
        key: see `choice_key`.
        prepare: function that returns one that grounds an image with a candidate, or raises an
            error if it cannot be used or fails its self-test.
        report: called with one line about the choice.

    Returns:
        the fastest one, or the first one if none can be used.
    """
    by_name = {str(candidate): candidate for candidate in among}
    digest = hashlib.sha256(json.dumps([*by_name, *sorted(key.items())]).encode()).hexdigest()
    path = cache_folder() / _FOLDER / f'{digest[:16]}.json'
    choice = _read(path, by_name, key)
    if choice is None:
        choice = _measured(by_name, key, prepare)
        if choice is None:
            return among[0]
        # Without a cache folder that can be written to, the next start measures again.
        with suppress(OSError):
            path.parent.mkdir(parents=True, exist_ok=True)
            write_aside(path, (json.dumps(asdict(choice), indent=2) + '\n').encode())
    report(str(choice))
    return by_name[choice.chosen]


def _measured(
    among: Mapping[str, Candidate],
    key: Mapping[str, str],
    prepare: Callable[[Candidate], Callable[[], object]],
) -> BackendChoice | None:
    """Measure the candidates in turns; the fastest run of each counts.

    Both reduce the influence of other programs.
    """
    grounds, refused = {}, {}
    for name, candidate in among.items():
        try:
            grounds[name] = prepare(candidate)
            grounds[name]()
        except (AfformerError, OSError, RuntimeError, ValueError) as error:
            # Those of the libraries go on with lines about their source code.
            refused[name] = next(iter(str(error).splitlines()), type(error).__name__)
            grounds.pop(name, None)
    if not grounds:
        return None
    milliseconds = dict.fromkeys(grounds, math.inf)
    for _ in range(_RUNS):
        for name, ground in grounds.items():
            begin = time.perf_counter()
            ground()
            taken = 1e3 * (time.perf_counter() - begin)
            milliseconds[name] = min(milliseconds[name], taken)
    return BackendChoice(
        key, min(milliseconds, key=lambda name: milliseconds[name]), milliseconds, refused
    )


def _read(
    path: Path, among: Mapping[str, Candidate], key: Mapping[str, str]
) -> BackendChoice | None:
    """Read a kept choice; None if there is none for this key, or it is damaged."""
    try:
        choice = BackendChoice(**json.loads(path.read_text(encoding='utf-8')))
        is_sound = choice.key == key and choice.chosen in among
        return choice if is_sound and choice.milliseconds[choice.chosen] > 0 else None
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

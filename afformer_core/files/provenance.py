# SPDX-License-Identifier: Apache-2.0
"""Provenance of results and models: commit, packages, hardware, seed and data."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from collections.abc import Iterable, Sequence
from datetime import datetime, timezone
from functools import cache
from importlib.metadata import packages_distributions, version
from pathlib import Path
from typing import Any

from afformer_core import __version__
from afformer_core.files.atomic import file_sha256

_PACKAGE = Path(__file__).parents[1]


def provenance(
    seed: int | Sequence[int] | None = None, data: Iterable[Path] = ()
) -> dict[str, Any]:
    """Describe where a result of this process comes from.

    Args:
        seed: seed of the computation, or several; None if it is not random.
        data: files of the data, such as annotations; absent ones are left out.

    Returns:
        JSON types: `version`, `commit` (see `commit`), `machine`, `gpu` if PyTorch uses one,
        `date`, `python`, `packages` (versions of the loaded packages), `seed`, and `data` (SHA-256
        of each file).
    """
    described: dict[str, Any] = {
        'version': __version__,
        'commit': commit(),
        'machine': machine(),
        'date': datetime.now(timezone.utc).strftime('%Y-%m-%d'),
        'python': platform.python_version(),
        'packages': loaded_packages(),
    }
    if (gpu := _gpu()) is not None:
        described['gpu'] = gpu
    if seed is not None:
        described['seed'] = seed if isinstance(seed, int) else list(seed)
    hashes = {str(file): file_sha256(file) for file in data if file.is_file()}
    return {**described, **({'data': hashes} if hashes else {})}


@cache
def commit() -> str:
    """Return the commit of this package.

    It ends in `+` if tracked files differ from it, and is `unknown` outside a clone.
    """
    if _git('ls-files', '--error-unmatch', '__init__.py') is None:
        return 'unknown'
    described = _git('rev-parse', '--short=12', 'HEAD')
    if described is None:
        return 'unknown'
    changed = _git('status', '--porcelain', '--untracked-files=no')
    return f'{described}+' if changed else described


def _git(*words: str) -> str | None:
    """Run git in the folder of this package; None if it fails or is missing."""
    try:
        ended = subprocess.run(
            ['git', *words], capture_output=True, text=True, check=False, cwd=_PACKAGE
        )
    except OSError:
        return None
    return ended.stdout.strip() if ended.returncode == 0 else None


def machine() -> str:
    """Name the processor and the number of its cores."""
    return f'{_processor()}, {os.cpu_count()} cores'


def _processor() -> str:
    facts = Path('/proc/cpuinfo')
    if facts.is_file():
        for line in facts.read_text(encoding='utf-8').splitlines():
            name, _, value = line.partition(':')
            if name.strip() == 'model name':
                return value.strip()
    return platform.processor() or platform.machine()


def _gpu() -> str | None:
    """Name the GPU, if PyTorch is loaded and has one."""
    torch = sys.modules.get('torch')
    if torch is None or not torch.cuda.is_available():
        return None
    return str(torch.cuda.get_device_name())


def loaded_packages() -> dict[str, str]:
    """Return the versions of the installed packages that this process has imported, by name."""
    loaded = {name.partition('.')[0] for name in sys.modules}
    names = {
        name
        for module, distributions in packages_distributions().items()
        if module in loaded
        for name in distributions
    }
    return {name: version(name) for name in sorted(names, key=str.lower)}

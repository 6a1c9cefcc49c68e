# SPDX-License-Identifier: Apache-2.0
"""Kernels that TensorRT for RTX compiled on the local GPU, stored beside their engine."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from afformer_core.files.atomic import write_aside
from afformer_core.files.private_files import UntrustedWriterError, read_private_file
from afformer_core.runtime.tensorrt.library import VERSION

_DRIVER = Path('/proc/driver/nvidia/version')
_DIGEST = hashlib.sha256().digest_size


def driver_version() -> str:
    """Read the version text of NVIDIA's kernel driver; empty if there is none, as in WSL."""
    try:
        return _DRIVER.read_text(encoding='utf-8')
    except OSError:
        return ''


def runtime_cache_path(engine: Path) -> Path:
    """Return the path of the kernels of an engine."""
    return engine.with_suffix('.kernels')


@dataclass(frozen=True)
class RuntimeCacheFile:
    """A file of kernels, which begins with a hash of them and of everything they depend on.

    Attributes:
        path: path of the file.
        key: text of everything on which the kernels depend.
        report: called with a line that explains why the file is not used.
    """

    path: Path
    key: str
    report: Callable[[str], None]

    @classmethod
    def beside(
        cls, engine: Path, serialized: bytes, report: Callable[[str], None]
    ) -> RuntimeCacheFile:
        """Return the file of an engine, for the installed library and driver."""
        key = f'{hashlib.sha256(serialized).hexdigest()} {VERSION} {driver_version()}'
        return cls(runtime_cache_path(engine), key, report)

    def read(self) -> bytes | None:
        """Read the kernels; None if there is no usable file."""
        try:
            content = read_private_file(self.path)
        except FileNotFoundError:
            return None
        except UntrustedWriterError as error:
            self.refuse(str(error))
            return None
        except OSError as error:
            self.refuse(f'it cannot be read: {error.strerror}')
            return None
        kernels = content[_DIGEST:]
        if content[:_DIGEST] != self._digest(kernels):
            self.refuse('it is damaged, or from another engine, library or driver')
            return None
        return kernels

    def write(self, kernels: bytes) -> None:
        """Write the kernels atomically; report if they cannot be written."""
        try:
            write_aside(self.path, self._digest(kernels) + kernels)
        except OSError as error:
            self.report(f'{self.path} cannot be written: {error.strerror}; kernels are not saved')

    def refuse(self, reason: str) -> None:
        """Report that the file is not used."""
        self.report(f'{self.path} is not used, because {reason}; its kernels are compiled again')

    def _digest(self, kernels: bytes) -> bytes:
        return hashlib.sha256(self.key.encode() + b'\0' + kernels).digest()

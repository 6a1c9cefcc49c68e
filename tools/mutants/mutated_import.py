# SPDX-License-Identifier: Apache-2.0
"""Import of one module from a replaced source, in this process and those that it starts.

This module imports only the standard library, because every process of a trial executes it.
"""

from __future__ import annotations

import importlib.abc
import importlib.machinery
import importlib.util
import json
import os
import sys
from pathlib import Path
from types import CodeType

# Environment variable with the path of the file that contains the mutant.
_VARIABLE = 'AFFORMER_MUTANT'
_PROCESSES = Path(__file__).with_name('processes')


def mutate_imports(root: Path, file: str, source: str, record: Path) -> None:
    """Import a module from a source, in this process and in all that it starts later.

    Args:
        root: root of the project.
        file: path of the module, relative to the root.
        source: source that replaces the file's.
        record: file to write for the processes.
    """
    record.write_text(json.dumps({'root': str(root), 'file': file, 'source': source}))
    os.environ[_VARIABLE] = str(record)
    paths = [str(_PROCESSES), os.environ.get('PYTHONPATH', '')]
    os.environ['PYTHONPATH'] = os.pathsep.join(path for path in paths if path)
    mutate_imports_of_this_process()


def mutate_imports_of_this_process() -> None:
    """Import the module that the environment names from its source, if there is one."""
    if record := os.environ.get(_VARIABLE):
        mutant = json.loads(Path(record).read_text())
        finder = _MutatedFinder(Path(mutant['root']), mutant['file'], mutant['source'])
        sys.meta_path.insert(0, finder)


class _MutatedFinder(importlib.abc.MetaPathFinder):
    """Finder of one module."""

    def __init__(self, root: Path, file: str, source: str) -> None:
        self._path = root / file
        parts = Path(file).with_suffix('').parts
        self._name = '.'.join(parts[:-1] if parts[-1] == '__init__' else parts)
        self._source = source

    def find_spec(
        self, name: str, path: object = None, target: object = None
    ) -> importlib.machinery.ModuleSpec | None:
        if name != self._name:
            return None
        loader = _MutatedLoader(name, str(self._path), self._source)
        return importlib.util.spec_from_file_location(name, self._path, loader=loader)


class _MutatedLoader(importlib.machinery.SourceFileLoader):
    def __init__(self, name: str, path: str, source: str) -> None:
        super().__init__(name, path)
        self._source = source

    def get_code(self, fullname: str) -> CodeType:
        return self.source_to_code(self._source.encode(), self.path)

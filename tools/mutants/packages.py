# SPDX-License-Identifier: Apache-2.0
"""Folders of the product that are mutated, each with a row in the table, and folders of tests."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

# The code that is installed on a robot or with pip. Launch files run only if `launch_ros` is
# installed.
_PRODUCT = ('afformer_core', 'afformer_ros')
# A single row for the whole package.
_SIMULATOR = 'afformer_sim'
# Tests of other parts of the project.
_OTHER_TESTS = ('examples', 'studies', 'tools')


def packages(root: Path) -> dict[str, tuple[Path, ...]]:
    """Find the source files of each package of the product.

    Args:
        root: root of the project.

    Returns:
        files relative to the root, by the name of a folder directly below `afformer_core` or
        `afformer_ros`; modules beside these folders have the name of the parent package, and all
        files of `afformer_sim` have its name.
    """
    found: dict[str, tuple[Path, ...]] = {}
    for product in _PRODUCT:
        folders = sorted(module.parent for module in (root / product).glob('*/__init__.py'))
        found[product] = _relative(root, (root / product).glob('*.py'))
        for folder in folders:
            name = folder.name if product == 'afformer_core' else f'{product}/{folder.name}'
            found[name] = _relative(root, folder.rglob('*.py'))
    found[_SIMULATOR] = _relative(root, (root / _SIMULATOR).rglob('*.py'))
    return {name: files for name, files in found.items() if files}


def folders_of_tests(root: Path) -> list[Path]:
    """Find the folders of the product's tests, each of which is measured separately.

    Args:
        root: root of the project.

    Returns:
        folders and files relative to the root: those two levels below `test`, and the files beside
        them.
    """
    found: list[Path] = []
    for path in sorted((root / 'test').iterdir()):
        if path.name in _OTHER_TESTS:
            continue
        found.extend(_parts(path) if path.is_dir() else [path])
    return [path.relative_to(root) for path in found if _holds_tests(path)]


def _parts(folder: Path) -> list[Path]:
    inner = [path for path in sorted(folder.iterdir()) if _holds_tests(path)]
    return inner if any(path.is_dir() for path in inner) else [folder]


def _holds_tests(path: Path) -> bool:
    if path.is_dir():
        return any(path.rglob('test_*.py'))
    return path.name.startswith('test_') and path.suffix == '.py'


def _relative(root: Path, files: Iterable[Path]) -> tuple[Path, ...]:
    return tuple(sorted(file.relative_to(root) for file in files))

# SPDX-License-Identifier: Apache-2.0
"""Layers of imports, sizes of folders and modules, and docstrings of modules."""

from __future__ import annotations

import ast
import graphlib
import re
import subprocess
import sys
from pathlib import Path

import grimp
import pytest
from importlinter.cli import lint_imports

PACKAGES = ('afformer_core', 'afformer_ros', 'afformer_sim')
# Imported when a room is tidied away: they hold the weights that ship, and no code.
NO_ROOMS = {'afformer_core.weights'}


@pytest.fixture(scope='module')
def graph() -> grimp.ImportGraph:
    return grimp.build_graph(*PACKAGES, exclude_type_checking_imports=True, cache_dir=None)


def test_every_room_imports_those_below_it_alone(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(root)

    assert lint_imports(config_filename='pyproject.toml', no_cache=True) == 0


def test_every_room_has_its_layer(root: Path, graph: grimp.ImportGraph) -> None:
    layers = (root / 'pyproject.toml').read_text().partition('layers = [')[2].partition(']')[0]

    houses = ('afformer_core', 'afformer_core.offline', 'afformer_sim')
    rooms = set().union(*(graph.find_children(house) for house in houses)) - set(houses)

    assert {
        room for room in rooms - NO_ROOMS if f'{room} ' not in layers and f"{room}'" not in layers
    } == set()


def test_no_files_import_each_other_in_a_circle(graph: grimp.ImportGraph) -> None:
    imports = {module: graph.find_modules_directly_imported_by(module) for module in graph.modules}

    graphlib.TopologicalSorter(imports).prepare()


def test_a_robot_imports_nothing_of_training_and_reports() -> None:
    pytest.importorskip('rclpy')
    heavy = ('jinja2', 'lightning', 'mujoco', 'pyarrow', 'scipy', 'sklearn', 'timm', 'torch')
    unneeded = (*heavy, 'afformer_sim')
    code = f"""
import sys, afformer_core.runtime, afformer_ros.executables.grounding
print([name for name in {unneeded} if name in sys.modules])"""

    told = subprocess.run([sys.executable, '-c', code], stdout=subprocess.PIPE, check=True)

    assert told.stdout.decode().strip() == '[]'


def test_grounding_needs_no_pytorch(root: Path) -> None:
    examples = root / 'afformer_core' / 'example_pairs' / 'rendered'
    code = f"""
import sys
sys.modules.update(dict.fromkeys(('onnx', 'pyarrow', 'timm', 'torch', 'torchvision')))
from afformer_core import ground
print(ground({str(examples / 'spoon.mp4')!r}, {str(examples / 'cup.jpg')!r}).found)"""

    printed = subprocess.run([sys.executable, '-c', code], stdout=subprocess.PIPE, check=True)

    assert printed.stdout.decode() == 'True\n'


def test_no_folder_holds_more_than_twenty_files(root: Path) -> None:
    tops = (*PACKAGES, 'config', 'launch', 'studies', 'test', 'tools')
    folders = [
        folder
        for top in tops
        for folder in (root / top, *(root / top).rglob('*/'))
        if '__pycache__' not in folder.parts
    ]

    counts = {folder: sum(path.is_file() for path in folder.iterdir()) for folder in folders}

    assert [str(folder) for folder, count in counts.items() if count > 20] == []


def test_no_docstring_of_a_module_opens_with_what_whether_or_how(root: Path) -> None:
    tops = (*PACKAGES, 'launch', 'studies', 'test', 'tools')
    modules = [path for top in tops for path in (root / top).rglob('*.py')]

    texts = {path: ast.get_docstring(ast.parse(path.read_text())) or '' for path in modules}

    assert [
        str(path) for path, text in texts.items() if re.match(r'(What|Whether|How)\b', text)
    ] == []


def test_no_module_has_more_than_500_lines(root: Path) -> None:
    modules = [path for top in PACKAGES for path in (root / top).rglob('*.py')]

    lengths = {str(path): len(path.read_text().splitlines()) for path in modules}

    assert {path: length for path, length in lengths.items() if length > 500} == {}

# SPDX-License-Identifier: Apache-2.0
"""Rows of the table of mutants, and the folders of tests that try them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools.mutants.packages import folders_of_tests, packages


@pytest.fixture
def project(tmp_path: Path) -> Path:
    for file in (
        'afformer_core/__init__.py',
        'afformer_core/errors.py',
        'afformer_core/runtime/__init__.py',
        'afformer_core/runtime/peaks.py',
        'afformer_core/runtime/tensorrt/__init__.py',
        'afformer_core/runtime/tensorrt/engine.py',
        'afformer_core/weights/readme.md',
        'afformer_ros/process.py',
        'afformer_ros/planner/__init__.py',
        'afformer_sim/__init__.py',
        'afformer_sim/families/parts/handles.py',
        'tools/check.py',
        'test/test_names.py',
        'test/conftest.py',
        'test/rviz/test_rviz.py',
        'test/rviz/__pycache__/test_rviz.cpython-311-pytest-9.0.0.pyc',
        'test/tools/test_check.py',
        'test/afformer_core/test_errors.py',
        'test/afformer_core/conftest.py',
        'test/afformer_core/runtime/tensorrt/test_engine.py',
        'test/afformer_core/weights/readme.md',
    ):
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).write_text('')
    return tmp_path


def test_each_file_of_the_product_is_in_one_row(project: Path) -> None:
    rows = {name: [file.as_posix() for file in files] for name, files in packages(project).items()}

    assert rows == {
        'afformer_core': ['afformer_core/__init__.py', 'afformer_core/errors.py'],
        'runtime': [
            'afformer_core/runtime/__init__.py',
            'afformer_core/runtime/peaks.py',
            'afformer_core/runtime/tensorrt/__init__.py',
            'afformer_core/runtime/tensorrt/engine.py',
        ],
        'afformer_ros': ['afformer_ros/process.py'],
        'afformer_ros/planner': ['afformer_ros/planner/__init__.py'],
        'afformer_sim': ['afformer_sim/__init__.py', 'afformer_sim/families/parts/handles.py'],
    }


def test_the_rows_hold_the_whole_product(root: Path) -> None:
    listed = [file for files in packages(root).values() for file in files]
    written = [
        file
        for package in ('afformer_core', 'afformer_ros', 'afformer_sim')
        for file in (root / package).rglob('*.py')
    ]

    assert len(listed) > 500
    assert sorted(listed) == sorted(file.relative_to(root) for file in written)


def test_tests_of_tools_are_left_out_and_folders_are_measured_by_themselves(
    project: Path,
) -> None:
    assert [path.as_posix() for path in folders_of_tests(project)] == [
        'test/afformer_core/runtime',
        'test/afformer_core/test_errors.py',
        'test/rviz',
        'test/test_names.py',
    ]

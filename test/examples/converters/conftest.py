# SPDX-License-Identifier: Apache-2.0
"""Converters of examples/converters, each over small files in the layout of its dataset."""

from __future__ import annotations

import runpy
from collections.abc import Callable
from pathlib import Path

import pytest

from afformer_core.offline.data.annotated_dataset import AnnotatedDataset
from afformer_core.offline.data.annotations import open_annotations

Convert = Callable[..., AnnotatedDataset]


@pytest.fixture
def convert(root: Path, tmp_path: Path) -> Convert:
    """Run a converter, and open the manifest that it writes beside the folder `tree`."""

    def run(name: str, *options: str) -> AnnotatedDataset:
        output = tmp_path / 'manifest.jsonl'
        program = runpy.run_path(str(root / 'examples' / 'converters' / f'{name}.py'))
        program['main'](str(tmp_path / 'tree'), *options, str(output))
        return open_annotations(output)

    return run

# SPDX-License-Identifier: Apache-2.0
"""Signatures as TensorRT's stubs have them become Python, and sound ones stay."""

from __future__ import annotations

import ast
import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

NAMED_IN = '    def forward(self, in: int) -> int:\n        ...'
DEFAULT_FIRST = '    def add(self, low: int = 0, high: int) -> None:\n        ...'
SOUND = '    def build(self, network: INetworkDefinition, index: int = 0) -> bool:\n        ...'


@pytest.fixture(scope='module')
def tool(root: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location('fix', root / 'tools' / 'fix_tensorrt_stubs.py')
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_a_parameter_is_renamed(tool: ModuleType) -> None:
    assert tool.mended(NAMED_IN) == '    def forward(self, in_: int) -> int:\n        ...'


def test_parameters_in_an_order_that_python_lacks_are_left_open(tool: ModuleType) -> None:
    assert tool.mended(DEFAULT_FIRST) == (
        '    def add(*args, **kwargs) -> None:\n        ...'
    )  # fmt: skip


def test_sound_signatures_stay(tool: ModuleType) -> None:
    assert tool.mended(SOUND) == SOUND


def test_all_of_it_is_python_afterwards(tool: ModuleType) -> None:
    text = '\n'.join(('class Network:', NAMED_IN, DEFAULT_FIRST, SOUND))
    with pytest.raises(SyntaxError):
        ast.parse(text)
    ast.parse(tool.mended(text))

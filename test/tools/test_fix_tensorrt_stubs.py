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


@pytest.mark.parametrize(
    ('signature', 'mended'),
    [
        (NAMED_IN, '    def forward(self, in_: int) -> int:\n        ...'),
        # Python lacks parameters in this order.
        (DEFAULT_FIRST, '    def add(*args, **kwargs) -> None:\n        ...'),
        (SOUND, SOUND),
    ],
)
def test_signatures_are_mended(tool: ModuleType, signature: str, mended: str) -> None:
    assert tool.mended(signature) == mended


def test_all_of_it_is_python_afterwards(tool: ModuleType) -> None:
    text = '\n'.join(('class Network:', NAMED_IN, DEFAULT_FIRST, SOUND))
    with pytest.raises(SyntaxError):
        ast.parse(text)
    ast.parse(tool.mended(text))

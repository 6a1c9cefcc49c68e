# SPDX-License-Identifier: Apache-2.0
"""Signatures as TensorRT's stubs have them become Python, and sound ones stay."""

from __future__ import annotations

import pytest

from tools.fix_tensorrt_stubs import mended

NAMED_IN = '    def forward(self, in: int) -> int:\n        ...'
DEFAULT_FIRST = '    def add(self, low: int = 0, high: int) -> None:\n        ...'
SOUND = '    def build(self, network: INetworkDefinition, index: int = 0) -> bool:\n        ...'


@pytest.mark.parametrize(
    ('signature', 'sound'),
    [
        (NAMED_IN, '    def forward(self, in_: int) -> int:\n        ...'),
        # Python lacks parameters in this order.
        (DEFAULT_FIRST, '    def add(*args, **kwargs) -> None:\n        ...'),
        (SOUND, SOUND),
    ],
)
def test_signatures_are_mended(signature: str, sound: str) -> None:
    assert mended(signature) == sound

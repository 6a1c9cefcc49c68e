# SPDX-License-Identifier: Apache-2.0
"""Data classes of numbers as plain JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from afformer_core.offline.reports.bootstrap import Estimate
from afformer_core.offline.reports.named_numbers import to_json


@dataclass(frozen=True)
class Inner:
    share: Estimate | None
    count: int


@dataclass(frozen=True)
class Outer:
    by_name: Mapping[str, Inner]
    worst: float
    known: bool


def test_attributes_become_names() -> None:
    numbers = Outer({'a': Inner(Estimate(0.5, 0.25, 1.0, 4), 4), 'b': Inner(None, 0)}, 2.5, True)
    assert json.loads(json.dumps(to_json(numbers), allow_nan=False)) == {
        'by_name': {
            'a': {
                'share': {'value': 0.5, 'low': 0.25, 'high': 1.0, 'count': 4, 'confidence': 0.95},
                'count': 4,
            },
            'b': {'share': None, 'count': 0},
        },
        'worst': 2.5,
        'known': True,
    }


@pytest.mark.parametrize(
    ('number', 'text'), [(float('inf'), 'inf'), (-float('inf'), '-inf'), (float('nan'), 'nan')]
)
def test_what_json_lacks_is_text(number: float, text: str) -> None:
    assert to_json({'kld': number}) == {'kld': text}


@pytest.mark.parametrize('value', [np.float32(1), np.zeros(2), {1, 2}, 1j])
def test_what_is_no_number_is_refused(value: Any) -> None:
    with pytest.raises(TypeError, match='expected named numbers'):
        to_json({'a': value})

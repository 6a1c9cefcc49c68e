# SPDX-License-Identifier: Apache-2.0
"""Features at rest are expanded to what was encoded; copies are kept for the latest objects."""

from __future__ import annotations

import numpy as np

from afformer_core.runtime.memories import CompactFeatures, RecentCopies


def test_features_are_expanded_to_themselves_from_half_the_space() -> None:
    features = np.random.default_rng(4).normal(0, 3, (3, 7, 2, 5)).astype(np.float32)

    compact = CompactFeatures.of(features)
    expanded = compact.expanded()

    assert compact.values.nbytes == 2 * 3 * 7 * 2 * 5
    assert expanded.dtype == np.float32
    np.testing.assert_allclose(expanded, features, rtol=2**-11, atol=1e-7)


def test_features_beyond_half_precision_are_copied_in_single_precision() -> None:
    features = np.array([[[[70000.0, 1.5]]]], np.float32)
    compact = CompactFeatures.of(features)

    features[:] = 0

    assert compact.values.dtype == np.float32
    assert compact.expanded().tolist() == [[[[70000.0, 1.5]]]]


class Counted:
    """A function that counts its calls, and an object that can be referred to weakly."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, source: Counted) -> str:
        self.calls += 1
        return f'copy {self.calls}'


def test_what_was_not_used_for_longest_goes() -> None:
    copy = Counted()
    copies = RecentCopies(copy, 2)
    first, second, third = Counted(), Counted(), Counted()
    assert [copies.of(source) for source in (first, second, first, third)] == [
        'copy 1',
        'copy 2',
        'copy 1',
        'copy 3',
    ]

    assert copies.of(first) == 'copy 1'
    assert copies.of(second) == 'copy 4'
    assert len(copies) == 2

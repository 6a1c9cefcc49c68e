# SPDX-License-Identifier: Apache-2.0
"""Compact features are expanded to the features that were encoded."""

from __future__ import annotations

import numpy as np

from afformer_core.runtime.memories.compact_features import CompactFeatures


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
